"""Depreciation books of assets: opening, changing and removing them before anything is posted."""

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.services.assets import models as m
from orrery.services.assets.queries import register, values
from orrery.services.assets.rules import posting, states
from orrery.services.assets.rules.plans import check_plan
from orrery.services.assets.schemas.depreciation import BookChange, BookDraft

NOTHING = Decimal(0)


async def open_book(tx: Tx, caller: Caller, asset_id: UUID, draft: BookDraft) -> m.DepreciationBook:
    """Give an asset one more book. Refuses: PlanInvalid, BookCodeTaken, AssetIsDisposed."""
    asset = await tx.lock(m.Asset, asset_id)
    states.check_open(asset.status, asset.tag)
    options = await register.options(tx)
    books = await add_books(tx, caller, [(asset, draft)], first_month=options.fiscal_year_month)
    return books[0]


async def add_books(
    tx: Tx, caller: Caller, drafts: Sequence[tuple[m.Asset, BookDraft]], *, first_month: int
) -> list[m.DepreciationBook]:
    """Open books of assets that are locked or new. Refuses: PlanInvalid, BookCodeTaken."""
    opened = []
    for asset, draft in drafts:
        book = _values(asset, draft, caller=caller, first_month=first_month)
        opened.append(book | _next_of(asset, book))
    return await tx.add_many(m.DepreciationBook, opened)


async def change_book(tx: Tx, caller: Caller, id: UUID, change: BookChange) -> m.DepreciationBook:
    """Change a book's terms, or hold it back from the nightly posting.

    Refuses: BookIsPosted, PlanInvalid, BookCodeTaken, AssetIsDisposed, NotFound, Stale.
    """
    asset, book = await lock_book(tx, id)
    states.check_open(asset.status, asset.tag)
    changed = change.model_dump(exclude_unset=True)
    if set(changed) - {"is_on_hold"}:
        if book.posted_through is not None:
            raise posting.BookIsPosted(book=book.code, posted_through=book.posted_through)
        if changed.get("salvage_value") is not None:
            changed["salvage_value"] = round_money(changed["salvage_value"], asset.currency)
        changed |= _next_of(asset, _asdict(book) | changed)
    return await tx.change(book, **changed) if changed else book


async def remove_book(tx: Tx, caller: Caller, id: UUID) -> None:
    """Take away a book in which nothing was ever posted. Refuses: BookIsPosted, NotFound."""
    _, book = await lock_book(tx, id)
    if await tx.find(m.DepreciationEntry, book_id=id) is not None:
        raise posting.BookIsPosted(book=book.code, posted_through=book.posted_through)
    await tx.remove(book)


async def lock_book(tx: Tx, id: UUID) -> tuple[m.Asset, m.DepreciationBook]:
    """An asset and one of its books, locked parent first. Refuses: NotFound, Stale."""
    found = await tx.one(m.DepreciationBook, id)
    # ``lock_many`` leaves If-Match alone: it names the version of the book, not of the asset.
    assets = await tx.lock_many(m.Asset, [found.asset_id])
    return assets[0], await tx.lock(m.DepreciationBook, id)


def _values(
    asset: m.Asset, draft: BookDraft, *, caller: Caller, first_month: int
) -> dict[str, Any]:
    given = draft.model_dump()
    return given | {
        "asset_id": asset.id,
        "starts_on": draft.starts_on or asset.purchased_on or caller.today,
        "first_month": draft.first_month or first_month,
        "salvage_value": None
        if draft.salvage_value is None
        else round_money(draft.salvage_value, asset.currency),
        "is_on_hold": False,
        "posted_through": None,
        "posted_total": NOTHING,
    }


def _next_of(asset: m.Asset, book: dict[str, Any]) -> dict[str, Any]:
    """When the first period of a book ends. Refuses: PlanInvalid."""
    plan = values.plan_of(asset, SimpleNamespace(**book))
    check_plan(plan)
    return {"next_post_on": posting.next_end(plan, posted_through=None, posted_total=NOTHING)}


def _asdict(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = row._asdict()
    return values
