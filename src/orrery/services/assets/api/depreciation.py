"""Routes of depreciation: books, posting, reversal, use."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import Forbidden, NotFound, Stale
from orrery.services.assets import permissions as p
from orrery.services.assets.actions import books, depreciation
from orrery.services.assets.queries import values
from orrery.services.assets.queries.resources import ASSETS, BOOKS, ENTRIES, USES
from orrery.services.assets.rules import posting
from orrery.services.assets.rules.plans import PlanInvalid
from orrery.services.assets.rules.states import AssetIsDisposed, WrongDate
from orrery.services.assets.schemas import depreciation as s

router = routes("", tags="depreciation")

Planner = Annotated[Caller, May(p.DEPRECIATION_PLAN)]
Poster = Annotated[Caller, May(p.DEPRECIATION_POST)]


@router.post(
    "/assets/{id}/books",
    status_code=201,
    responses=refusals(posting.BookCodeTaken, PlanInvalid, AssetIsDisposed, NotFound, Stale),
)
async def open_book(id: UUID, body: s.BookDraft, tx: WriteTx, caller: Planner) -> s.BookView:
    """Give an asset one more book, such as one for tax."""
    await ASSETS.permit(tx, caller, p.DEPRECIATION_PLAN, id)
    book = await books.open_book(tx, caller, id, body)
    return await values.book_view(tx, book)


@router.patch(
    "/depreciation-books/{id}",
    responses=refusals(
        posting.BookIsPosted, posting.BookCodeTaken, PlanInvalid, AssetIsDisposed, NotFound, Stale
    ),
)
async def change_book(id: UUID, body: s.BookChange, tx: WriteTx, caller: Planner) -> s.BookView:
    """Change a book's terms before anything is posted, or hold it back from posting."""
    await BOOKS.permit(tx, caller, p.DEPRECIATION_PLAN, id)
    book = await books.change_book(tx, caller, id, body)
    return await values.book_view(tx, book)


@router.delete(
    "/depreciation-books/{id}",
    status_code=204,
    responses=refusals(posting.BookIsPosted, NotFound, Stale),
)
async def remove_book(id: UUID, tx: WriteTx, caller: Planner) -> None:
    """Take away a book in which nothing was ever posted."""
    await BOOKS.permit(tx, caller, p.DEPRECIATION_PLAN, id)
    await books.remove_book(tx, caller, id)


@router.post("/depreciation/post", responses=refusals(WrongDate, Forbidden, NotFound))
async def post_depreciation(body: s.PostingOrder, tx: WriteTx, caller: Poster) -> s.Posted:
    """Post every complete period up to a day, once per asset, book and period."""
    await values.permit_posting(tx, caller, body.asset_ids)
    return await depreciation.post_depreciation(tx, caller, body)


@router.post(
    "/depreciation-entries/{id}/reverse",
    status_code=201,
    responses=refusals(posting.NotTheLatestEntry, AssetIsDisposed, NotFound),
)
async def reverse_entry(id: UUID, body: s.Reversal, tx: WriteTx, caller: Poster) -> s.EntryView:
    """Take back the latest posted period of a book by a reversing entry."""
    await ENTRIES.permit(tx, caller, p.DEPRECIATION_POST, id)
    reversal = await depreciation.reverse_entry(tx, caller, id, notes=body.notes)
    return await values.entry_view(tx, reversal)


@router.post(
    "/assets/{id}/uses",
    status_code=201,
    responses=refusals(AssetIsDisposed, WrongDate, NotFound, Stale),
)
async def record_use(id: UUID, body: s.UseDraft, tx: WriteTx, caller: Planner) -> s.UseView:
    """Record the units an asset produced on a day."""
    await ASSETS.permit(tx, caller, p.DEPRECIATION_PLAN, id)
    asset, use = await depreciation.record_use(tx, caller, id, body)
    return s.UseView.of(use, asset_tag=asset.tag)


@router.post(
    "/asset-uses/{id}/reverse",
    status_code=201,
    responses=refusals(posting.UseIsReversed, AssetIsDisposed, NotFound),
)
async def reverse_use(id: UUID, body: s.Reversal, tx: WriteTx, caller: Planner) -> s.UseView:
    """Take back units that were recorded by mistake."""
    await USES.permit(tx, caller, p.DEPRECIATION_PLAN, id)
    asset, use = await depreciation.reverse_use(tx, caller, id, notes=body.notes)
    return s.UseView.of(use, asset_tag=asset.tag)


resources = [resource_routes(BOOKS), resource_routes(ENTRIES), resource_routes(USES)]
