"""Maintenance: sending assets away and back, logging the work, planning what is to come."""

from datetime import date
from typing import Any
from uuid import UUID

from orrery.contracts.assets import MaintenanceFellDue, MaintenanceLogged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.services.assets import models as m
from orrery.services.assets.actions.register import change_status
from orrery.services.assets.rules import states
from orrery.services.assets.rules import upkeep as rules
from orrery.services.assets.rules.conventions import ONE_DAY
from orrery.services.assets.schemas.upkeep import (
    LogCorrection,
    LogDraft,
    MaintenancePlanChange,
    MaintenancePlanDraft,
)

# Days before a reminder's date on which it counts as due, when a log asks for one.
REMINDER_LEAD_DAYS = 14


async def send_to_maintenance(tx: Tx, caller: Caller, id: UUID) -> m.Asset:
    """Take an asset out for maintenance; its holder stays its holder.

    Refuses: WrongState, NotFound, Stale. Announces: AssetStatusChanged.
    """
    asset = await tx.lock(m.Asset, id)
    return await change_status(tx, asset, states.STATES.after(asset.status, "send_to_maintenance"))


async def finish_maintenance(tx: Tx, caller: Caller, id: UUID) -> m.Asset:
    """Bring an asset back from maintenance, to its holder or into stock.

    Refuses: WrongState, NotFound, Stale. Announces: AssetStatusChanged.
    """
    asset = await tx.lock(m.Asset, id)
    has_holder = asset.assigned_employee_id is not None
    status = states.finish_maintenance(status=asset.status, has_holder=has_holder)
    return await change_status(tx, asset, status)


async def log_maintenance(
    tx: Tx, caller: Caller, draft: LogDraft, *, id: UUID | None = None
) -> tuple[m.Asset, m.MaintenanceLog]:
    """Log work on an asset; its plan counts from it, a next date without a plan is remembered.

    Refuses: AssetIsDisposed, WrongDate, PlanOfOtherAsset, PlanIsEnded, NotFound.
    Announces: MaintenanceLogged.
    """
    asset = await _lock_asset(tx, draft.asset_id)
    states.check_open(asset.status, asset.tag)
    if draft.plan_id is not None:
        _check_plan(await tx.lock(m.MaintenancePlan, draft.plan_id), asset)
    performed_on = draft.performed_on or caller.today
    states.check_between(
        "performed_on", performed_on, earliest=asset.purchased_on, latest=caller.today
    )
    _check_next(draft.next_due_on, performed_on)
    currency = draft.currency or asset.currency
    log = await tx.add(
        m.MaintenanceLog,
        **draft.model_dump(exclude={"performed_on", "currency", "cost"}),
        id=id,
        performed_on=performed_on,
        currency=currency,
        cost=round_money(draft.cost, currency),
    )
    if log.plan_id is None:
        await _fulfil_reminders(tx, log)
    await _follow(tx, caller, asset, log)
    _announce(tx, asset, log)
    return asset, log


async def correct_log(
    tx: Tx, caller: Caller, id: UUID, correction: LogCorrection
) -> tuple[m.Asset, m.MaintenanceLog]:
    """Correct what a log says; the history keeps what it said before.

    Refuses: LogIsVoid, WrongDate, NotFound, Stale. Announces: MaintenanceLogged.
    """
    asset, log = await _lock_log(tx, id)
    changed = correction.model_dump(exclude_unset=True)
    if "performed_on" in changed:
        states.check_between(
            "performed_on",
            changed["performed_on"],
            earliest=asset.purchased_on,
            latest=caller.today,
        )
    _check_next(
        changed.get("next_due_on", log.next_due_on), changed.get("performed_on", log.performed_on)
    )
    if "cost" in changed:
        changed["cost"] = round_money(changed["cost"], log.currency)
    if changed:
        log = await tx.change(log, **changed)
        await _follow(tx, caller, asset, log)
        _announce(tx, asset, log)
    return asset, log


async def void_log(
    tx: Tx, caller: Caller, id: UUID, reason: str
) -> tuple[m.Asset, m.MaintenanceLog]:
    """Let a log that was entered by mistake count no more. Refuses: LogIsVoid, NotFound, Stale."""
    asset, log = await _lock_log(tx, id)
    log = await tx.change(log, is_void=True, void_reason=reason)
    await _follow(tx, caller, asset, log)
    return asset, log


async def plan_maintenance(
    tx: Tx, caller: Caller, draft: MaintenancePlanDraft, *, id: UUID | None = None
) -> tuple[m.Asset, m.MaintenancePlan]:
    """Plan maintenance every so many days or months, or once.

    Refuses: AssetIsDisposed, NotFound.
    """
    asset = await _lock_asset(tx, draft.asset_id)
    states.check_open(asset.status, asset.tag)
    first = draft.first_due_on or rules.next_due(
        caller.today, every=draft.every or 0, unit=draft.every_unit or "day"
    )
    state = rules.due_state(first, lead_days=draft.lead_days, today=caller.today)
    plan = await tx.add(
        m.MaintenancePlan,
        **draft.model_dump(exclude={"first_due_on"}),
        id=id,
        first_due_on=first,
        next_due_on=first,
        state=state,
    )
    return asset, plan


async def change_plan(
    tx: Tx, caller: Caller, id: UUID, change: MaintenancePlanChange
) -> tuple[m.Asset, m.MaintenancePlan]:
    """Change a plan; the next date follows. Refuses: PlanIsEnded, NotFound, Stale."""
    asset, plan = await _lock_plan(tx, id)
    changed = change.model_dump(exclude_unset=True)
    if ("every" in changed or "every_unit" in changed) and plan.every is None:
        changed = {"every": 1, "every_unit": "month"} | changed
    if changed:
        plan = await _refresh(tx, caller, plan, changed)
    return asset, plan


async def end_plan(tx: Tx, caller: Caller, id: UUID) -> tuple[m.Asset, m.MaintenancePlan]:
    """End a plan; nothing falls due by it any more. Refuses: PlanIsEnded, NotFound, Stale."""
    asset, plan = await _lock_plan(tx, id)
    return asset, await tx.change(plan, is_ended=True)


async def mark_due(tx: Tx, caller: Caller) -> int:
    """Bring the state of every plan to today, in one statement; answers how many changed.

    Announces: MaintenanceFellDue for what became due or overdue.
    """
    rows = await tx.rows(
        "update maintenance_plan p set state = n.state, version = p.version + 1"
        " from (select t.id, a.tag, a.assigned_employee_id, case"
        "   when t.next_due_on < %(today)s then 'overdue'"
        "   when t.next_due_on - t.lead_days::int <= %(today)s then 'due' else 'planned'"
        "   end as state"
        "  from maintenance_plan t join asset a on a.id = t.asset_id where not t.is_ended) n"
        " where n.id = p.id and n.state <> p.state"
        " returning p.id, p.asset_id, p.name, p.next_due_on, p.state, n.tag,"
        " n.assigned_employee_id",
        today=caller.today,
    )
    for row in rows:
        if row.state != "planned":
            tx.announce(
                MaintenanceFellDue(
                    asset_id=row.asset_id,
                    tag=row.tag,
                    plan_id=row.id,
                    title=row.name,
                    due_on=row.next_due_on,
                    state=row.state,
                    assigned_employee_id=row.assigned_employee_id,
                )
            )
    return len(rows)


async def _lock_asset(tx: Tx, id: UUID) -> m.Asset:
    """The asset above a log or plan; If-Match is left for the record that is changed."""
    await tx.one(m.Asset, id)
    return (await tx.lock_many(m.Asset, [id]))[0]


def _check_next(next_due_on: date | None, performed_on: date) -> None:
    """The next visit comes after this one. Refuses: WrongDate."""
    if next_due_on is not None:
        states.check_between(
            "next_due_on", next_due_on, earliest=performed_on + ONE_DAY, latest=date.max
        )


async def _lock_log(tx: Tx, id: UUID) -> tuple[m.Asset, m.MaintenanceLog]:
    asset = await _lock_asset(tx, (await tx.one(m.MaintenanceLog, id)).asset_id)
    log = await tx.lock(m.MaintenanceLog, id)
    if log.is_void:
        raise rules.LogIsVoid(log_id=id, reason=log.void_reason)
    return asset, log


async def _lock_plan(tx: Tx, id: UUID) -> tuple[m.Asset, m.MaintenancePlan]:
    asset = await _lock_asset(tx, (await tx.one(m.MaintenancePlan, id)).asset_id)
    plan = await tx.lock(m.MaintenancePlan, id)
    _check_plan(plan, asset)
    return asset, plan


def _check_plan(plan: m.MaintenancePlan, asset: m.Asset) -> None:
    """Refuses: PlanOfOtherAsset, PlanIsEnded."""
    if plan.asset_id != asset.id:
        raise rules.PlanOfOtherAsset(plan_id=plan.id, tag=asset.tag)
    if plan.is_ended:
        raise rules.PlanIsEnded(plan_id=plan.id, name=plan.name)


async def _follow(tx: Tx, caller: Caller, asset: m.Asset, log: m.MaintenanceLog) -> None:
    """Let the log's plan, or the reminder it asked for, follow what the log now says."""
    if log.plan_id is not None:
        plan = (await tx.lock_many(m.MaintenancePlan, [log.plan_id]))[0]
        await _refresh(tx, caller, plan, {})
        return
    reminder = await tx.find(m.MaintenancePlan, origin_log_id=log.id)
    next_due_on = None if log.is_void else log.next_due_on
    if reminder is None and next_due_on is not None:
        state = rules.due_state(next_due_on, lead_days=REMINDER_LEAD_DAYS, today=caller.today)
        await tx.add(
            m.MaintenancePlan,
            asset_id=asset.id,
            name=log.kind,
            kind=log.kind,
            lead_days=REMINDER_LEAD_DAYS,
            first_due_on=next_due_on,
            next_due_on=next_due_on,
            state=state,
            origin_log_id=log.id,
        )
    elif reminder is not None and reminder.last_done_on is None:
        changed: dict[str, Any] = {"is_ended": next_due_on is None}
        if next_due_on is not None:
            changed["first_due_on"] = next_due_on
        await _refresh(tx, caller, reminder, changed)


async def _fulfil_reminders(tx: Tx, log: m.MaintenanceLog) -> None:
    """Work of a kind does what earlier logs of that kind asked to be reminded of."""
    await tx.run(
        "update maintenance_plan set is_ended = true, last_done_on = %(on)s, version = version + 1"
        " where asset_id = %(asset)s and kind = %(kind)s and origin_log_id is not null"
        " and not is_ended",
        asset=log.asset_id,
        kind=log.kind,
        on=log.performed_on,
    )


async def _refresh(
    tx: Tx, caller: Caller, plan: m.MaintenancePlan, changed: dict[str, Any]
) -> m.MaintenancePlan:
    """Compute a plan's dates anew from the logs that count."""
    last = await tx.row(
        "select performed_on, next_due_on from maintenance_log"
        " where plan_id = %(plan)s and not is_void order by performed_on desc, id desc limit 1",
        plan=plan.id,
    )
    every = changed.get("every", plan.every)
    unit: Any = changed.get("every_unit", plan.every_unit)
    next_due_on = changed.get("first_due_on", plan.first_due_on)
    is_ended = changed.pop("is_ended", plan.is_ended)
    if last is not None:
        next_due_on = last.next_due_on or next_due_on
        if last.next_due_on is None and every is not None:
            next_due_on = rules.next_due(last.performed_on, every=every, unit=unit)
        # One visit was planned and made, and the visit asked for no other.
        is_ended = is_ended or (every is None and last.next_due_on is None)
    lead_days = changed.get("lead_days", plan.lead_days)
    return await tx.change(
        plan,
        **changed,
        last_done_on=last.performed_on if last else None,
        next_due_on=next_due_on,
        state=rules.due_state(next_due_on, lead_days=lead_days, today=caller.today),
        is_ended=is_ended,
    )


def _announce(tx: Tx, asset: m.Asset, log: m.MaintenanceLog) -> None:
    tx.announce(
        MaintenanceLogged(
            asset_id=asset.id,
            tag=asset.tag,
            log_id=log.id,
            kind=log.kind,
            performed_on=log.performed_on,
            cost=log.cost,
            currency=log.currency,
            next_due_on=log.next_due_on,
        )
    )
