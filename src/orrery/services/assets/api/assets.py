"""Routes of the register: assets, custody, scans, disposal, figures and labels."""

from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query
from starlette.responses import Response

from orrery.kernel.caller import Caller
from orrery.kernel.exchange.imports import Import
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound, Stale, TooLarge, Unavailable
from orrery.kernel.types.states import WrongState
from orrery.services.assets import permissions as p
from orrery.services.assets.actions import custody, disposal, imports, register, upkeep
from orrery.services.assets.queries import labels, values
from orrery.services.assets.queries import register as reads
from orrery.services.assets.queries.resources import (
    ASSETS,
    ASSIGNMENTS,
    DISPOSALS,
    SCANS,
)
from orrery.services.assets.rules import states
from orrery.services.assets.rules.forms import CategoryArchived, SpecsInvalid
from orrery.services.assets.rules.plans import PlanInvalid
from orrery.services.assets.schemas import assets as s
from orrery.services.assets.schemas.depreciation import BookValueView, ScheduleView

router = routes("/assets", tags="asset")

Reader = Annotated[Caller, May(p.ASSET_READ)]
Valuer = Annotated[Caller, May(p.DEPRECIATION_READ)]
Assigner = Annotated[Caller, May(p.ASSET_ASSIGN)]
Keeper = Annotated[Caller, May(p.MAINTENANCE_LOG)]
Disposer = Annotated[Caller, May(p.ASSET_DISPOSE)]
Retirer = Annotated[Caller, May(p.ASSET_RETIRE)]


@router.get("/figures")
async def read_figures(tx: ReadTx, caller: Reader) -> s.Figures:
    """The register in numbers: by status, by category, and who holds how much."""
    return await reads.figures(tx, caller)


@router.get(
    "/labels",
    response_class=Response,
    responses=refusals(NotFound, TooLarge) | {200: {"content": {"application/pdf": {}}}},
)
async def print_labels(
    tx: ReadTx,
    caller: Reader,
    ids: Annotated[str, Query(description="Assets, comma-separated, at most 200.")],
    layout: Annotated[labels.Layout, Query(description="An A4 sheet of 24, or rolls.")] = "sheet",
    skip: Annotated[int, Query(ge=0, lt=labels.PER_SHEET, description="Used places.")] = 0,
) -> Response:
    """QR labels as PDF: tag, name and a code that opens the asset."""
    found = await labels.labels(tx, caller, labels.read_ids(ids), layout=layout, skip=skip)
    name = {"Content-Disposition": 'inline; filename="labels.pdf"'}
    return Response(found, media_type="application/pdf", headers=name)


@router.post(
    "",
    status_code=201,
    responses=refusals(
        states.TagTaken,
        states.SerialTaken,
        states.SalvageAboveCost,
        CategoryArchived,
        SpecsInvalid,
        PlanInvalid,
        NotFound,
    ),
)
async def create_asset(
    body: s.AssetDraft, tx: WriteTx, caller: Annotated[Caller, May(p.ASSET_CREATE)]
) -> s.AssetView:
    """Enter an asset in the register, with the depreciation books of its category."""
    asset = await register.create_asset(tx, caller, body)
    # A caller with a narrower scope may enter assets only there.
    await ASSETS.permit(tx, caller, p.ASSET_CREATE, asset.id)
    return await reads.asset_view(tx, asset)


@router.patch(
    "/{id}",
    responses=refusals(
        states.TagTaken,
        states.SerialTaken,
        states.AssetIsDisposed,
        CategoryArchived,
        SpecsInvalid,
        NotFound,
        Stale,
    ),
)
async def change_asset(
    id: UUID,
    body: s.AssetChange,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.ASSET_CHANGE)],
) -> s.AssetView:
    """Change what the register says about an asset."""
    await ASSETS.permit(tx, caller, p.ASSET_CHANGE, id)
    return await reads.asset_view(tx, await register.change_asset(tx, caller, id, body))


@router.post(
    "/{id}/assign",
    responses=refusals(
        states.AlreadyAssigned,
        states.UnknownEmployee,
        states.EmployeeInactive,
        states.WrongDate,
        WrongState,
        NotFound,
        Stale,
        Unavailable,
    ),
)
async def assign_asset(id: UUID, body: s.Handover, tx: WriteTx, caller: Assigner) -> s.AssetView:
    """Hand an asset to an employee."""
    await ASSETS.permit(tx, caller, p.ASSET_ASSIGN, id)
    return await reads.asset_view(tx, await custody.assign_asset(tx, caller, id, body))


@router.post(
    "/{id}/return",
    responses=refusals(states.NotAssigned, states.WrongDate, WrongState, NotFound, Stale),
)
async def return_asset(
    id: UUID,
    tx: WriteTx,
    caller: Assigner,
    body: Annotated[s.GiveBack, Body(default_factory=s.GiveBack)],
) -> s.AssetView:
    """Take an asset back from its holder."""
    await ASSETS.permit(tx, caller, p.ASSET_ASSIGN, id)
    return await reads.asset_view(tx, await custody.return_asset(tx, caller, id, body))


@router.post(
    "/{id}/transfer",
    responses=refusals(
        states.NotAssigned,
        states.SameHolder,
        states.UnknownEmployee,
        states.EmployeeInactive,
        states.WrongDate,
        WrongState,
        NotFound,
        Stale,
        Unavailable,
    ),
)
async def transfer_asset(id: UUID, body: s.Handover, tx: WriteTx, caller: Assigner) -> s.AssetView:
    """Pass an asset from its holder to another employee."""
    await ASSETS.permit(tx, caller, p.ASSET_ASSIGN, id)
    return await reads.asset_view(tx, await custody.transfer_asset(tx, caller, id, body))


@router.post("/{id}/send-to-maintenance", responses=refusals(WrongState, NotFound, Stale))
async def send_to_maintenance(id: UUID, tx: WriteTx, caller: Keeper) -> s.AssetView:
    """Take an asset out for maintenance; its holder stays its holder."""
    await ASSETS.permit(tx, caller, p.MAINTENANCE_LOG, id)
    return await reads.asset_view(tx, await upkeep.send_to_maintenance(tx, caller, id))


@router.post("/{id}/finish-maintenance", responses=refusals(WrongState, NotFound, Stale))
async def finish_maintenance(id: UUID, tx: WriteTx, caller: Keeper) -> s.AssetView:
    """Bring an asset back from maintenance, to its holder or into stock."""
    await ASSETS.permit(tx, caller, p.MAINTENANCE_LOG, id)
    return await reads.asset_view(tx, await upkeep.finish_maintenance(tx, caller, id))


@router.post("/{id}/retire", responses=refusals(states.StillAssigned, WrongState, NotFound, Stale))
async def retire_asset(id: UUID, tx: WriteTx, caller: Retirer) -> s.AssetView:
    """Take an asset out of use."""
    await ASSETS.permit(tx, caller, p.ASSET_RETIRE, id)
    return await reads.asset_view(tx, await register.retire_asset(tx, caller, id))


@router.post("/{id}/reinstate", responses=refusals(WrongState, NotFound, Stale))
async def reinstate_asset(id: UUID, tx: WriteTx, caller: Retirer) -> s.AssetView:
    """Bring a retired asset back into use."""
    await ASSETS.permit(tx, caller, p.ASSET_RETIRE, id)
    return await reads.asset_view(tx, await register.reinstate_asset(tx, caller, id))


@router.post("/{id}/dispose", responses=refusals(states.WrongDate, WrongState, NotFound, Stale))
async def dispose_asset(
    id: UUID, body: s.DisposalDraft, tx: WriteTx, caller: Disposer
) -> s.AssetDetails:
    """Sell or scrap an asset; answers with gain or loss by book."""
    await ASSETS.permit(tx, caller, p.ASSET_DISPOSE, id)
    await disposal.dispose_asset(tx, caller, id, body)
    return await reads.asset_details(tx, caller, id)


@router.delete("/{id}", responses=refusals(WrongState, NotFound, Stale))
async def delete_asset(id: UUID, tx: WriteTx, caller: Disposer) -> s.AssetDetails:
    """Scrap an asset today for nothing: nothing is deleted, its record stays as disposed."""
    await ASSETS.permit(tx, caller, p.ASSET_DISPOSE, id)
    await disposal.dispose_asset(tx, caller, id, s.DisposalDraft(kind="scrap"))
    return await reads.asset_details(tx, caller, id)


@router.post(
    "/{id}/correct-cost",
    responses=refusals(
        states.CostIsPosted,
        states.SalvageAboveCost,
        states.AssetIsDisposed,
        PlanInvalid,
        NotFound,
        Stale,
    ),
)
async def correct_cost(
    id: UUID,
    body: s.CostCorrection,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.ASSET_CORRECT_COST)],
) -> s.AssetView:
    """Correct the cost of an asset, while no depreciation of it is posted."""
    await ASSETS.permit(tx, caller, p.ASSET_CORRECT_COST, id)
    return await reads.asset_view(tx, await register.correct_cost(tx, caller, id, body))


@router.post(
    "/{id}/scan",
    status_code=201,
    responses=refusals(states.AssetIsDisposed, states.WrongDate, NotFound, Stale),
)
async def scan_asset(
    id: UUID, body: s.Scan, tx: WriteTx, caller: Annotated[Caller, May(p.ASSET_SCAN)]
) -> s.Scanned:
    """Record where an asset was found and how it was."""
    await ASSETS.permit(tx, caller, p.ASSET_SCAN, id)
    asset, seen = await register.scan_asset(tx, caller, id, body)
    scan = s.ScanView.of(seen, asset_tag=asset.tag)
    return s.Scanned(asset=await reads.asset_view(tx, asset), scan=scan)


@router.get("/{id}/book-value", responses=refusals(NotFound))
async def read_book_value(
    id: UUID,
    tx: ReadTx,
    caller: Valuer,
    on: Annotated[date | None, Query(description="The day; today when left out.")] = None,
    book: Annotated[str | None, Query(description="The book; the leading one if not.")] = None,
) -> BookValueView:
    """What an asset is worth in a book at the end of any day."""
    await ASSETS.permit(tx, caller, p.DEPRECIATION_READ, id)
    return await values.book_value(tx, id, on=on or caller.today, code=book)


@router.get("/{id}/schedule", responses=refusals(NotFound))
async def read_schedule(
    id: UUID,
    tx: ReadTx,
    caller: Valuer,
    book: Annotated[str | None, Query(description="The book; the leading one if not.")] = None,
) -> ScheduleView:
    """The depreciation of an asset in one book, period by period."""
    await ASSETS.permit(tx, caller, p.DEPRECIATION_READ, id)
    return await values.schedule(tx, id, code=book, until=caller.today)


IMPORTS = Import(
    s.AssetImport,
    many=imports.import_assets,
    undone=imports.take_back,
    permission=p.ASSET_CREATE,
    keys=["external_id", "tag", "serial"],
)
resources = [
    resource_routes(replace(ASSETS, imports=IMPORTS)),
    resource_routes(ASSIGNMENTS),
    resource_routes(SCANS),
    resource_routes(DISPOSALS),
]
