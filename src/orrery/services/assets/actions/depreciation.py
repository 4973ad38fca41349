"""Posting depreciation by period, taking entries back, and recording use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.contracts.assets import AssetDepreciated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.assets import models as m
from orrery.services.assets.actions.books import lock_book
from orrery.services.assets.queries import values
from orrery.services.assets.rules import posting, states
from orrery.services.assets.rules.plans import Plan
from orrery.services.assets.schemas.depreciation import (
    Posted,
    PostedBook,
    PostingOrder,
    UseDraft,
)

PERIOD, REVERSAL, DISPOSAL = "period", "reversal", "disposal"
# Books per transaction: an old register catches up in steps that hold no lock for long.
BATCH = 200


@dataclass(frozen=True)
class _Step:
    """A locked book with what is due in it."""

    asset: m.Asset
    book: m.DepreciationBook
    plan: Plan
    dues: list[posting.Due]


async def post_depreciation(tx: Tx, caller: Caller, order: PostingOrder) -> Posted:
    """Post every complete period up to a day, once per asset, book and period.

    Books on hold are passed over unless their asset is named. What does not fit into one
    transaction is queued. Refuses: WrongDate. Announces: AssetDepreciated.
    """
    through = order.through or caller.today
    states.check_between("through", through, earliest=None, latest=caller.today)
    found = await _due_books(tx, order, through)
    # Parents first, each kind in id order: the order that disposals and corrections keep too.
    assets = {a.id: a for a in await tx.lock_many(m.Asset, [row.asset_id for row in found])}
    locked = await tx.lock_many(m.DepreciationBook, [row.id for row in found])
    produced = [book.asset_id for book in locked if book.method == "units_of_production"]
    uses = await values.uses_of(tx, produced) if produced else {}
    steps = []
    for book in locked:
        if book.next_post_on is None or book.next_post_on > through:
            continue  # another run was here between finding and locking
        asset = assets[book.asset_id]
        plan = values.plan_of(asset, book, uses.get(asset.id, []))
        dues = posting.due(
            plan,
            posted_through=book.posted_through,
            posted_total=book.posted_total,
            through=through,
        )
        steps.append(_Step(asset, book, plan, dues))
    entries = await _write(tx, caller, steps)
    await _advance(tx, steps, through)
    left = found[0].found - len(found) if found else 0
    if left:
        arguments = order.model_copy(update={"through": through}).model_dump(mode="json")
        await tx.defer(post_rest, order=arguments)
    return Posted(through=through, books=_summary(entries), left=left)


async def post_rest(tx: Tx, caller: Caller, order: dict[str, object]) -> None:
    """Go on with a posting run that was too large for one transaction."""
    await post_depreciation(tx, caller, PostingOrder.model_validate(order))


async def reverse_entry(tx: Tx, caller: Caller, id: UUID, *, notes: str) -> m.DepreciationEntry:
    """Take back the latest posted period of a book; the book is then held until it is posted again.

    Refuses: NotTheLatestEntry, AssetIsDisposed, NotFound. Announces: AssetDepreciated, negative.
    """
    entry = await tx.one(m.DepreciationEntry, id)
    asset, book = await lock_book(tx, entry.book_id)
    states.check_open(asset.status, asset.tag)
    latest = await tx.value(
        "select e.id from depreciation_entry e where e.book_id = %(book)s and e.kind = 'period'"
        " and not exists (select 1 from depreciation_entry r where r.reverses_id = e.id)"
        " order by e.period_end desc limit 1",
        book=book.id,
    )
    if latest != entry.id:
        raise posting.NotTheLatestEntry(entry_id=entry.id, latest_id=latest)
    plan = values.plan_of(asset, book)
    await tx.change(
        book,
        posted_total=book.posted_total - entry.amount,
        posted_through=posting.through_before(plan, entry.period_start),
        next_post_on=entry.period_end,
        # Or the nightly job would post it again before anybody has put right what was wrong.
        is_on_hold=True,
    )
    reversal = await tx.add(
        m.DepreciationEntry,
        book_id=book.id,
        asset_id=asset.id,
        book=book.code,
        kind=REVERSAL,
        period_start=entry.period_start,
        period_end=entry.period_end,
        round=entry.round,
        amount=-entry.amount,
        accumulated=entry.accumulated - entry.amount,
        currency=entry.currency,
        posted_on=caller.today,
        reverses_id=entry.id,
        notes=notes,
    )
    _announce(tx, reversal)
    return reversal


async def record_use(
    tx: Tx, caller: Caller, asset_id: UUID, draft: UseDraft
) -> tuple[m.Asset, m.AssetUse]:
    """Record the units an asset produced on a day.

    Refuses: AssetIsDisposed, WrongDate, NotFound, Stale.
    """
    asset = await tx.lock(m.Asset, asset_id)
    states.check_open(asset.status, asset.tag)
    used_on = draft.used_on or caller.today
    states.check_between("used_on", used_on, earliest=asset.purchased_on, latest=caller.today)
    use = await tx.add(
        m.AssetUse, asset_id=asset.id, used_on=used_on, units=draft.units, notes=draft.notes
    )
    return asset, use


async def reverse_use(
    tx: Tx, caller: Caller, id: UUID, *, notes: str
) -> tuple[m.Asset, m.AssetUse]:
    """Take back units that were recorded by mistake; posted amounts are evened out by the next run.

    Refuses: UseIsReversed, AssetIsDisposed, NotFound.
    """
    use = await tx.one(m.AssetUse, id)
    asset = await tx.lock(m.Asset, use.asset_id)
    states.check_open(asset.status, asset.tag)
    if use.reverses_id is not None or await tx.find(m.AssetUse, reverses_id=id) is not None:
        raise posting.UseIsReversed(use_id=id)
    reversal = await tx.add(
        m.AssetUse,
        asset_id=asset.id,
        used_on=use.used_on,
        units=-use.units,
        reverses_id=use.id,
        notes=notes,
    )
    return asset, reversal


async def _due_books(tx: Tx, order: PostingOrder, through: date) -> list[Any]:
    return await tx.rows(
        "select b.id, b.asset_id, count(*) over () as found from depreciation_book b"
        " where b.next_post_on <= %(through)s and (not b.is_on_hold or %(named)s)"
        " and (not %(named)s or b.asset_id = any(%(assets)s::uuid[]))"
        " and (%(book)s::text is null or b.code = %(book)s)"
        " order by b.id limit %(batch)s",
        through=through,
        named=order.asset_ids is not None,
        assets=order.asset_ids or [],
        book=order.book,
        batch=BATCH,
    )


async def _write(tx: Tx, caller: Caller, steps: Sequence[_Step]) -> list[m.DepreciationEntry]:
    rounds = await _rounds(tx, [step.book.id for step in steps])
    drafts = [
        {
            "book_id": step.book.id,
            "asset_id": step.asset.id,
            "book": step.book.code,
            "kind": PERIOD,
            "period_start": due.period_start,
            "period_end": due.period_end,
            "round": rounds.get((step.book.id, due.period_end), 0),
            "amount": due.amount,
            "accumulated": due.accumulated,
            "currency": step.asset.currency,
            "posted_on": caller.today,
        }
        for step in steps
        for due in step.dues
    ]
    entries = await tx.add_many(m.DepreciationEntry, drafts)
    for entry in entries:
        _announce(tx, entry)
    return entries


async def _rounds(tx: Tx, book_ids: Sequence[UUID]) -> dict[tuple[UUID, date], int]:
    """How often each period of the books was posted and reversed before."""
    rows = await tx.rows(
        "select book_id, period_end, count(*) as reversals from depreciation_entry"
        " where book_id = any(%(ids)s) and kind = 'reversal' group by book_id, period_end",
        ids=list(book_ids),
    )
    return {(row.book_id, row.period_end): row.reversals for row in rows}


async def _advance(tx: Tx, steps: Sequence[_Step], through: date) -> None:
    """Note in every book through when and how much is posted, in one statement."""
    ends, totals, nexts = [], [], []
    for step in steps:
        book = step.book
        total = step.dues[-1].accumulated if step.dues else book.posted_total
        end = posting.last_end(step.plan, through, before=book.posted_through)
        ends.append(end)
        totals.append(total)
        nexts.append(posting.next_end(step.plan, posted_through=end, posted_total=total))
    if not steps:
        return
    await tx.run(
        "update depreciation_book b set posted_through = n.ended, posted_total = n.total,"
        " next_post_on = n.following, is_on_hold = false, version = b.version + 1"
        " from unnest(%(ids)s::uuid[], %(ends)s::date[], %(totals)s::numeric[], %(nexts)s::date[])"
        " as n (id, ended, total, following) where b.id = n.id",
        ids=[step.book.id for step in steps],
        ends=ends,
        totals=totals,
        nexts=nexts,
    )


def _announce(tx: Tx, entry: m.DepreciationEntry) -> None:
    tx.announce(
        AssetDepreciated(
            asset_id=entry.asset_id,
            book=entry.book,
            period_end=entry.period_end,
            amount=entry.amount,
            currency=entry.currency,
        )
    )


def _summary(entries: Sequence[m.DepreciationEntry]) -> list[PostedBook]:
    sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for entry in entries:
        count, amount = sums.get((entry.book, entry.currency), (0, Decimal(0)))
        sums[entry.book, entry.currency] = (count + 1, amount + entry.amount)
    return [
        PostedBook(book=book, currency=currency, entries=count, amount=amount)
        for (book, currency), (count, amount) in sorted(sums.items())
    ]
