"""Dated changes: those of today or the past count at once, those to come wait for their day."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from orrery.contracts.people import EmployeeChangeCancelled, EmployeeChangeScheduled
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Refusal
from orrery.services.people import models as m
from orrery.services.people.actions import employees, record
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import employment
from orrery.services.people.rules.employment import Step


async def change_position(
    tx: Tx,
    caller: Caller,
    employee_id: UUID,
    *,
    effective_on: date,
    fields: Mapping[str, Any],
    note: str | None,
) -> m.EmployeeChange:
    """Change where an employee works from a day on; a later day is scheduled.

    Refuses: NothingToChange, NotEmployed, DepartmentArchived, OwnManager, ManagerLeft,
    ReportingCycle. Announces: EmployeeChanged or EmployeeChangeScheduled.
    """
    employee = await tx.lock(m.Employee, employee_id)
    await _check(tx, employee, effective_on, fields)
    if effective_on > caller.today:
        return await _schedule(tx, employee, "change", effective_on, fields, note)
    after = await record.add_step(
        tx, caller, employee, Step("change", effective_on, fields), note=note
    )
    record.tell_changed(tx, employee, after)
    return await _latest_step(tx, employee_id)


async def end_employment(
    tx: Tx, caller: Caller, employee_id: UUID, *, left_on: date, reason: str | None
) -> m.EmployeeChange:
    """Let an employee leave after their last day; a later day is scheduled.

    Refuses: WrongState, HeadsDepartment, NotEmployed. Announces: EmployeeDeleted or
    EmployeeChangeScheduled.
    """
    await record.hold_reporting_lines(tx)
    employee = await tx.lock(m.Employee, employee_id)
    if left_on <= caller.today:
        await employees.leave(tx, caller, employee, left_on=left_on, reason=reason)
        return await _latest_step(tx, employee_id)
    employment.EMPLOYEE.after(employee.status, "leave")
    employment.check_leaving(
        employment.spans(await queries.steps(tx, employee_id)), left_on=left_on
    )
    return await _schedule(tx, employee, "leave", left_on, {}, reason)


async def cancel_change(tx: Tx, caller: Caller, id: UUID) -> m.EmployeeChange:
    """Take back what has not taken effect.

    Refuses: WrongState. Announces: EmployeeChangeCancelled.
    """
    change = await tx.lock(m.EmployeeChange, id)
    change = await tx.change(change, status=employment.CHANGE.after(change.status, "cancel"))
    await _tell_cancelled(tx, change, reason=None)
    return change


async def apply_due(tx: Tx, caller: Caller, id: UUID) -> None:
    """Let a scheduled change take effect when its day has come, or note why it cannot any more.

    Announces: EmployeeChanged, EmployeeDeleted or EmployeeChangeCancelled.
    """
    await record.hold_reporting_lines(tx)
    found = await tx.find(m.EmployeeChange, id=id)
    if found is None:
        return
    employee = await tx.lock(m.Employee, found.employee_id)
    change = await tx.lock(m.EmployeeChange, id)
    if change.status != "scheduled" or change.effective_on > caller.today:
        return
    try:
        async with tx.savepoint():
            await _apply(tx, caller, employee, change)
    except Refusal as refusal:
        change = await tx.change(
            change,
            status=employment.CHANGE.after(change.status, "refuse"),
            refusal_code=refusal.code,
        )
        await _tell_cancelled(tx, change, reason=refusal.code)


async def _apply(tx: Tx, caller: Caller, employee: m.Employee, change: m.EmployeeChange) -> None:
    on = change.effective_on
    if change.kind == "leave":
        await employees.leave(tx, caller, employee, left_on=on, reason=change.note, planned=change)
        return
    fields = queries.typed(change.fields)
    await _check(tx, employee, on, fields)
    after = await record.add_step(tx, caller, employee, Step("change", on, fields), planned=change)
    record.tell_changed(tx, employee, after)


async def _check(
    tx: Tx, employee: m.Employee, effective_on: date, fields: Mapping[str, Any]
) -> None:
    told = employment.spans(await queries.steps(tx, employee.id))
    employment.check_change(told, effective_on=effective_on, fields=fields)
    await record.check_position(tx, employee.id, fields)


async def _schedule(
    tx: Tx,
    employee: m.Employee,
    kind: str,
    effective_on: date,
    fields: Mapping[str, Any],
    note: str | None,
) -> m.EmployeeChange:
    change = await tx.add(
        m.EmployeeChange,
        employee_id=employee.id,
        kind=kind,
        effective_on=effective_on,
        status=employment.CHANGE.start,
        fields=dict(fields),
        note=note,
    )
    tx.announce(
        EmployeeChangeScheduled(
            employee_id=employee.id,
            change_id=change.id,
            full_name=employment.full_name(employee.first_name, employee.last_name),
            kind=kind,
            effective_on=effective_on,
        )
    )
    return change


async def _tell_cancelled(tx: Tx, change: m.EmployeeChange, *, reason: str | None) -> None:
    employee = await tx.one(m.Employee, change.employee_id)
    tx.announce(
        EmployeeChangeCancelled(
            employee_id=employee.id,
            change_id=change.id,
            full_name=employment.full_name(employee.first_name, employee.last_name),
            kind=change.kind,
            effective_on=change.effective_on,
            reason=reason,
        )
    )


async def _latest_step(tx: Tx, employee_id: UUID) -> m.EmployeeChange:
    rows = await tx.rows(
        "select id from employee_change where employee_id = %(employee)s and sequence is not null"
        " order by sequence desc limit 1",
        employee=employee_id,
    )
    return await tx.one(m.EmployeeChange, rows[0].id)
