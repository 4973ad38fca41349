"""What assets are worth: plans from rows, schedules, book values at any date."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import Forbidden, NotFound
from orrery.services.assets import models as m
from orrery.services.assets import permissions as p
from orrery.services.assets.queries.resources import ASSETS
from orrery.services.assets.rules import depreciation as rules
from orrery.services.assets.rules.plans import Plan, Usage
from orrery.services.assets.schemas.depreciation import (
    BookValueView,
    BookView,
    EntryView,
    RowView,
    ScheduleView,
)

# The book that gain or loss is told by, when an asset has it.
LEADING = "book"


def plan_of(asset: m.Asset, book: Any, uses: Iterable[Usage] = ()) -> Plan:
    """The terms of a book (a row, or what is to become one), with the asset's cost and salvage."""
    salvage = asset.salvage_value if book.salvage_value is None else book.salvage_value
    return Plan(
        method=book.method,
        convention=book.convention,
        cost=asset.cost,
        salvage=Decimal(0) if book.method == "macrs" else salvage,
        currency=asset.currency,
        starts_on=book.starts_on,
        life_months=book.life_months,
        period_months=book.period_months,
        first_month=book.first_month,
        rate=book.rate,
        factor=book.factor,
        switches=book.switches,
        units_total=book.units_total,
        usage=tuple(uses),
    )


def leading(books: Sequence[m.DepreciationBook]) -> m.DepreciationBook | None:
    """The book that gain or loss is told by: ``book``, or the first by code."""
    return min(books, key=lambda book: (book.code != LEADING, book.code), default=None)


async def uses_of(tx: ReadTx, asset_ids: Iterable[UUID]) -> dict[UUID, list[Usage]]:
    """The recorded use of many assets, by asset."""
    rows = await tx.rows(
        "select asset_id, used_on, units from asset_use where asset_id = any(%(ids)s)"
        " order by asset_id, used_on, id",
        ids=list(asset_ids),
    )
    uses: dict[UUID, list[Usage]] = {}
    for row in rows:
        uses.setdefault(row.asset_id, []).append(Usage(row.used_on, row.units))
    return uses


async def book_value(tx: ReadTx, asset_id: UUID, *, on: date, code: str | None) -> BookValueView:
    """What an asset is worth at the end of a day; nothing once it is disposed of.

    An asset without books keeps its cost. Refuses: NotFound.
    """
    asset = await tx.one(m.Asset, asset_id)
    book = await _book(tx, asset_id, code)
    depreciated = Decimal(0)
    if book is not None:
        uses = (await uses_of(tx, [asset_id])).get(asset_id, [])
        depreciated = rules.depreciated_by(plan_of(asset, book, uses), on)
    is_gone = asset.disposed_on is not None and on >= asset.disposed_on
    if is_gone and book is not None:
        depreciated = book.posted_total
    return BookValueView(
        asset_id=asset.id,
        book=book.code if book else None,
        on=on,
        cost=asset.cost,
        depreciated=depreciated,
        book_value=Decimal(0) if is_gone else asset.cost - depreciated,
        posted=book.posted_total if book else Decimal(0),
        posted_through=book.posted_through if book else None,
        currency=asset.currency,
    )


async def schedule(tx: ReadTx, asset_id: UUID, *, code: str | None, until: date) -> ScheduleView:
    """The schedule of an asset in one book. Refuses: NotFound."""
    asset = await tx.one(m.Asset, asset_id)
    book = await _book(tx, asset_id, code)
    if book is None:
        raise NotFound(resource="depreciation_book", asset_id=asset_id)
    uses = (await uses_of(tx, [asset_id])).get(asset_id, [])
    plan = plan_of(asset, book, uses)
    rows = rules.schedule(plan, until=until)
    return ScheduleView(
        asset_id=asset.id,
        book=book.code,
        method=plan.method,
        convention=plan.convention,
        cost=plan.cost,
        salvage_value=plan.salvage,
        currency=plan.currency,
        rows=[
            RowView.of(
                row,
                is_posted=book.posted_through is not None and row.period_end <= book.posted_through,
            )
            for row in rows
        ],
    )


async def book_view(tx: ReadTx, book: m.DepreciationBook) -> BookView:
    """A book as lists show it."""
    asset = await tx.one(m.Asset, book.asset_id)
    return BookView.of(book, asset_tag=asset.tag)


async def entry_view(tx: ReadTx, entry: m.DepreciationEntry) -> EntryView:
    """A fresh entry as lists show it."""
    asset = await tx.one(m.Asset, entry.asset_id)
    return EntryView.of(entry, asset_tag=asset.tag, is_reversed=False)


async def permit_posting(tx: ReadTx, caller: Caller, asset_ids: Sequence[UUID] | None) -> None:
    """Who may post only for some assets must name them. Refuses: Forbidden, NotFound."""
    if caller.scope(p.DEPRECIATION_POST) == "all":
        return
    if asset_ids is None:
        raise Forbidden(permission=p.DEPRECIATION_POST.code, reason="name the assets")
    for asset_id in asset_ids:
        await ASSETS.permit(tx, caller, p.DEPRECIATION_POST, asset_id)


async def _book(tx: ReadTx, asset_id: UUID, code: str | None) -> m.DepreciationBook | None:
    books = await tx.all(m.DepreciationBook, asset_id=asset_id)
    if code is None:
        return leading(books)
    found = [book for book in books if book.code == code]
    if not found:
        raise NotFound(resource="depreciation_book", asset_id=asset_id, code=code)
    return found[0]
