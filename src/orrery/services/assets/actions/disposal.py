"""Disposal: an asset is sold or scrapped, and every book says what it gained or lost."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.contracts.assets import AssetDepreciated, AssetDisposed
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.services.assets import models as m
from orrery.services.assets.actions.custody import DISPOSED, close_assignment, ending_of
from orrery.services.assets.actions.depreciation import DISPOSAL
from orrery.services.assets.actions.register import change_status
from orrery.services.assets.queries import values
from orrery.services.assets.rules import depreciation as rules
from orrery.services.assets.rules import states
from orrery.services.assets.rules.conventions import ONE_DAY
from orrery.services.assets.rules.plans import Plan
from orrery.services.assets.schemas.assets import DisposalDraft, GiveBack


async def dispose_asset(tx: Tx, caller: Caller, id: UUID, draft: DisposalDraft) -> m.Asset:
    """Sell or scrap an asset: last depreciation by each book's convention, then gain or loss.

    Whoever held it holds it no more. Refuses: WrongState, WrongDate, NotFound, Stale.
    Announces: AssetStatusChanged, AssetReturned, AssetDepreciated, AssetDisposed.
    """
    asset = await tx.lock(m.Asset, id)
    status = states.STATES.after(asset.status, "dispose")
    disposed_on = draft.disposed_on or caller.today
    states.check_between(
        "disposed_on", disposed_on, earliest=asset.purchased_on, latest=caller.today
    )
    proceeds = round_money(draft.proceeds, asset.currency)
    found = await tx.all(m.DepreciationBook, asset_id=id)
    books = await tx.lock_many(m.DepreciationBook, [book.id for book in found])
    ending = await ending_of(tx, caller, asset, GiveBack(notes=draft.notes), reason=DISPOSED)
    gone = await change_status(
        tx, asset, status, disposed_on=disposed_on, assigned_employee_id=None
    )
    await close_assignment(tx, caller, asset, ending)
    await _end_plans(tx, id)
    book_values = await _close_books(tx, caller, gone, books)
    about = {
        "asset_id": id,
        "kind": draft.kind,
        "disposed_on": disposed_on,
        "proceeds": proceeds,
        "cost": asset.cost,
        "currency": asset.currency,
        "buyer": draft.buyer,
        "notes": draft.notes,
    }
    disposals = _results(about, book_values, values.leading(books))
    await tx.add_many(m.Disposal, disposals)
    _announce(tx, gone, disposals)
    return gone


async def _close_books(
    tx: Tx, caller: Caller, asset: m.Asset, books: Sequence[m.DepreciationBook]
) -> dict[str, Decimal]:
    """Post what each book still takes, or takes back; answers the book values by code."""
    disposed_on = asset.disposed_on or caller.today
    uses = (await values.uses_of(tx, [asset.id])).get(asset.id, [])
    found = {}
    for book in books:
        plan = values.plan_of(asset, book, uses)
        total = rules.depreciated_at_disposal(plan, disposed_on)
        if total != book.posted_total:
            await _close_book(tx, caller, asset, book, plan, total)
        await tx.change(book, posted_total=total, posted_through=disposed_on, next_post_on=None)
        found[book.code] = asset.cost - total
    return found


async def _close_book(
    tx: Tx,
    caller: Caller,
    asset: m.Asset,
    book: m.DepreciationBook,
    plan: Plan,
    total: Decimal,
) -> None:
    """The last entry of a book: negative when a convention allows less than was posted."""
    end = asset.disposed_on or caller.today
    start = plan.starts_on if book.posted_through is None else book.posted_through + ONE_DAY
    entry = await tx.add(
        m.DepreciationEntry,
        book_id=book.id,
        asset_id=asset.id,
        book=book.code,
        kind=DISPOSAL,
        period_start=min(start, end),
        period_end=end,
        round=0,
        amount=total - book.posted_total,
        accumulated=total,
        currency=asset.currency,
        posted_on=caller.today,
    )
    tx.announce(AssetDepreciated(asset.id, book.code, end, entry.amount, asset.currency))


async def _end_plans(tx: Tx, asset_id: UUID) -> None:
    await tx.run(
        "update maintenance_plan set is_ended = true, version = version + 1"
        " where asset_id = %(asset)s and not is_ended",
        asset=asset_id,
    )


def _results(
    about: dict[str, Any], book_values: dict[str, Decimal], leading: m.DepreciationBook | None
) -> list[dict[str, Any]]:
    """Gain or loss in every book; an asset without books is worth its cost."""
    told: list[tuple[str | None, Decimal]] = [*book_values.items()] or [(None, about["cost"])]
    return [
        about
        | {
            "book": code,
            "is_leading": leading is None or code == leading.code,
            "book_value": value,
            "gain": states.disposal_gain(
                proceeds=about["proceeds"], book_value=value, currency=about["currency"]
            ),
        }
        for code, value in told
    ]


def _announce(tx: Tx, asset: m.Asset, disposals: Sequence[dict[str, Any]]) -> None:
    leading = next(each for each in disposals if each["is_leading"])
    tx.announce(
        AssetDisposed(
            asset_id=asset.id,
            tag=asset.tag,
            disposed_on=leading["disposed_on"],
            cost=leading["cost"],
            book_value=leading["book_value"],
            proceeds=leading["proceeds"],
            gain=leading["gain"],
            currency=leading["currency"],
        )
    )
