"""Routes of maintenance: logs, plans, and what is due."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.services.assets import permissions as p
from orrery.services.assets.actions import upkeep
from orrery.services.assets.queries.resources import ASSETS, DUE, LOGS, PLANS
from orrery.services.assets.rules.states import AssetIsDisposed, WrongDate
from orrery.services.assets.rules.upkeep import LogIsVoid, PlanIsEnded, PlanOfOtherAsset
from orrery.services.assets.schemas import upkeep as s

router = routes("", tags="maintenance")

Logger = Annotated[Caller, May(p.MAINTENANCE_LOG)]
Planner = Annotated[Caller, May(p.MAINTENANCE_PLAN)]


@router.post(
    "/maintenance-logs",
    status_code=201,
    responses=refusals(AssetIsDisposed, WrongDate, PlanOfOtherAsset, PlanIsEnded, NotFound),
)
async def log_maintenance(body: s.LogDraft, tx: WriteTx, caller: Logger) -> s.LogView:
    """Log work on an asset; its plan counts from it."""
    await ASSETS.permit(tx, caller, p.MAINTENANCE_LOG, body.asset_id)
    asset, log = await upkeep.log_maintenance(tx, caller, body)
    return s.LogView.of(log, asset_tag=asset.tag, asset_name=asset.name)


@router.post(
    "/maintenance-logs/{id}/correct", responses=refusals(LogIsVoid, WrongDate, NotFound, Stale)
)
async def correct_log(id: UUID, body: s.LogCorrection, tx: WriteTx, caller: Logger) -> s.LogView:
    """Correct what a log says; the timeline keeps what it said before."""
    await LOGS.permit(tx, caller, p.MAINTENANCE_LOG, id)
    asset, log = await upkeep.correct_log(tx, caller, id, body)
    return s.LogView.of(log, asset_tag=asset.tag, asset_name=asset.name)


@router.post("/maintenance-logs/{id}/void", responses=refusals(LogIsVoid, NotFound, Stale))
async def void_log(id: UUID, body: s.VoidReason, tx: WriteTx, caller: Logger) -> s.LogView:
    """Let a log that was entered by mistake count no more."""
    await LOGS.permit(tx, caller, p.MAINTENANCE_LOG, id)
    asset, log = await upkeep.void_log(tx, caller, id, body.reason)
    return s.LogView.of(log, asset_tag=asset.tag, asset_name=asset.name)


@router.post("/maintenance-plans", status_code=201, responses=refusals(AssetIsDisposed, NotFound))
async def plan_maintenance(
    body: s.MaintenancePlanDraft, tx: WriteTx, caller: Planner
) -> s.MaintenancePlanView:
    """Plan maintenance every so many days or months, or once."""
    await ASSETS.permit(tx, caller, p.MAINTENANCE_PLAN, body.asset_id)
    asset, plan = await upkeep.plan_maintenance(tx, caller, body)
    return s.MaintenancePlanView.about(plan, asset)


@router.patch("/maintenance-plans/{id}", responses=refusals(PlanIsEnded, NotFound, Stale))
async def change_plan(
    id: UUID, body: s.MaintenancePlanChange, tx: WriteTx, caller: Planner
) -> s.MaintenancePlanView:
    """Change a plan; its next date follows."""
    await PLANS.permit(tx, caller, p.MAINTENANCE_PLAN, id)
    asset, plan = await upkeep.change_plan(tx, caller, id, body)
    return s.MaintenancePlanView.about(plan, asset)


@router.post("/maintenance-plans/{id}/end", responses=refusals(PlanIsEnded, NotFound, Stale))
async def end_plan(id: UUID, tx: WriteTx, caller: Planner) -> s.MaintenancePlanView:
    """End a plan; nothing falls due by it any more."""
    await PLANS.permit(tx, caller, p.MAINTENANCE_PLAN, id)
    asset, plan = await upkeep.end_plan(tx, caller, id)
    return s.MaintenancePlanView.about(plan, asset)


resources = [resource_routes(LOGS), resource_routes(PLANS), resource_routes(DUE)]
