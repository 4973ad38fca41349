"""Custody: handing assets out, taking them back, passing them on."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from orrery.contracts.assets import AssetAssigned, AssetReturned
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.assets import models as m
from orrery.services.assets import neighbours
from orrery.services.assets.actions.register import change_status
from orrery.services.assets.rules import states
from orrery.services.assets.schemas.assets import GiveBack, Handover

RETURNED, TRANSFERRED = "returned", "transferred"
EMPLOYEE_DELETED, DISPOSED = "employee_deleted", "disposed"


@dataclass(frozen=True)
class Ending:
    """How an assignment ends, decided before anything is written."""

    held: m.Assignment
    returned_on: date
    reason: str
    notes: str | None
    condition: str


async def assign_asset(tx: Tx, caller: Caller, id: UUID, handover: Handover) -> m.Asset:
    """Hand an asset to an employee, whom people must know as active.

    Refuses: AlreadyAssigned, WrongState, WrongDate, UnknownEmployee, EmployeeInactive, NotFound,
    Stale, Unavailable. Announces: AssetAssigned, AssetStatusChanged.
    """
    asset = await tx.one(m.Asset, id)
    states.assign(status=asset.status, holder_id=asset.assigned_employee_id, tag=asset.tag)
    await check_employee(tx, handover.employee_id)
    asset = await tx.lock(m.Asset, id)
    status = states.assign(status=asset.status, holder_id=asset.assigned_employee_id, tag=asset.tag)
    return await hand_over(tx, caller, asset, handover, status=status)


async def return_asset(tx: Tx, caller: Caller, id: UUID, back: GiveBack) -> m.Asset:
    """Take an asset back from its holder.

    Refuses: NotAssigned, WrongState, WrongDate, NotFound, Stale.
    Announces: AssetReturned, AssetStatusChanged.
    """
    asset = await tx.lock(m.Asset, id)
    status = states.give_back(
        status=asset.status, holder_id=asset.assigned_employee_id, tag=asset.tag
    )
    ending = await ending_of(tx, caller, asset, back, reason=RETURNED)
    changed = await change_status(
        tx,
        asset,
        status,
        assigned_employee_id=None,
        condition=back.condition or asset.condition,
        location=back.location or asset.location,
    )
    await close_assignment(tx, caller, asset, ending)
    return changed


async def transfer_asset(tx: Tx, caller: Caller, id: UUID, handover: Handover) -> m.Asset:
    """Pass an asset from its holder to another employee: return and hand-over in one.

    Refuses: NotAssigned, SameHolder, WrongState, WrongDate, UnknownEmployee, EmployeeInactive,
    NotFound, Stale, Unavailable. Announces: AssetReturned, AssetAssigned.
    """
    asset = await tx.one(m.Asset, id)
    _transferred(asset, handover.employee_id)
    await check_employee(tx, handover.employee_id)
    asset = await tx.lock(m.Asset, id)
    status = _transferred(asset, handover.employee_id)
    return await hand_over(tx, caller, asset, handover, status=status)


async def release_assets(tx: Tx, caller: Caller, employee_id: UUID, *, notes: str) -> list[m.Asset]:
    """Take back everything an employee held, because the employee left.

    Announces: AssetReturned, AssetStatusChanged.
    """
    held = await tx.all(m.Asset, assigned_employee_id=employee_id)
    released = []
    for asset in await tx.lock_many(m.Asset, [each.id for each in held]):
        if asset.assigned_employee_id != employee_id:
            continue
        status = states.STATES.after(asset.status, "return")
        back = GiveBack(notes=notes)
        ending = await ending_of(tx, caller, asset, back, reason=EMPLOYEE_DELETED)
        released.append(await change_status(tx, asset, status, assigned_employee_id=None))
        await close_assignment(tx, caller, asset, ending)
    return released


async def check_employee(tx: Tx, employee_id: UUID) -> None:
    """Ask people, once and before any lock.

    Refuses: UnknownEmployee, EmployeeInactive, Unavailable.
    """
    employee = await neighbours.employee(tx, employee_id)
    if employee is None:
        raise states.UnknownEmployee(employee_id=employee_id)
    if not employee.is_active:
        raise states.EmployeeInactive(employee_id=employee_id)


async def hand_over(
    tx: Tx, caller: Caller, asset: m.Asset, handover: Handover, *, status: str
) -> m.Asset:
    """Open the assignment of a locked asset whose status the rules allowed; ends the one before."""
    assigned_on = handover.assigned_on or caller.today
    states.check_between(
        "assigned_on", assigned_on, earliest=asset.purchased_on, latest=caller.today
    )
    if handover.due_back_on is not None:
        states.check_between(
            "due_back_on", handover.due_back_on, earliest=assigned_on, latest=date.max
        )
    back = GiveBack(returned_on=assigned_on, notes=handover.notes)
    ending = await ending_of(tx, caller, asset, back, reason=TRANSFERRED)
    changed = await change_status(tx, asset, status, assigned_employee_id=handover.employee_id)
    await close_assignment(tx, caller, asset, ending)
    await tx.add(
        m.Assignment,
        asset_id=asset.id,
        employee_id=handover.employee_id,
        assigned_on=assigned_on,
        due_back_on=handover.due_back_on,
        notes=handover.notes,
        condition_out=asset.condition,
    )
    tx.announce(AssetAssigned(asset.id, asset.tag, handover.employee_id, assigned_on))
    return changed


async def ending_of(
    tx: Tx, caller: Caller, asset: m.Asset, back: GiveBack, *, reason: str
) -> Ending | None:
    """How the open assignment of a locked asset is to end, if there is one. Refuses: WrongDate."""
    held = await tx.find(m.Assignment, asset_id=asset.id, returned_on=None)
    if held is None:
        return None
    returned_on = back.returned_on or caller.today
    states.check_between("returned_on", returned_on, earliest=held.assigned_on, latest=caller.today)
    return Ending(held, returned_on, reason, back.notes, back.condition or asset.condition)


async def close_assignment(tx: Tx, caller: Caller, asset: m.Asset, ending: Ending | None) -> None:
    """Close an assignment as decided. Announces: AssetReturned."""
    if ending is None:
        return
    await tx.change(
        ending.held,
        returned_on=ending.returned_on,
        returned_by=caller.user_id,
        end_reason=ending.reason,
        return_notes=ending.notes,
        condition_in=ending.condition,
    )
    tx.announce(
        AssetReturned(
            asset_id=asset.id,
            tag=asset.tag,
            employee_id=ending.held.employee_id,
            returned_on=ending.returned_on,
            reason=ending.reason,
        )
    )


def _transferred(asset: m.Asset, target_id: UUID) -> str:
    return states.transfer(
        status=asset.status,
        holder_id=asset.assigned_employee_id,
        target_id=target_id,
        tag=asset.tag,
    )
