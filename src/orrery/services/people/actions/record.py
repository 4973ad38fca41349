"""Writing the dated record of an employee: steps are added, positions and the card follow."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from orrery.contracts.people import EmployeeChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.people import models as m
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import departments, employment
from orrery.services.people.rules.employment import Span, Step


async def hold_reporting_lines(tx: Tx) -> None:
    """Let nobody else move managers or heads until the end.

    Two moves that are fine alone can make a circle together, and no row is common to both. Moves
    are rare, so one lock for the tenant is cheaper than locking whole lines.
    """
    await tx.run("select pg_advisory_xact_lock(hashtext(current_user || '.reporting_lines'))")


async def check_position(
    tx: Tx, employee_id: UUID, fields: Mapping[str, Any], *, is_new: bool = False
) -> None:
    """Whether the department and manager of a change may be taken.

    Refuses: DepartmentArchived, OwnManager, ManagerLeft, ReportingCycle, NotFound.
    """
    if fields.get("department_id") is not None:
        department = await tx.one(m.Department, fields["department_id"])
        if department.is_archived:
            raise departments.DepartmentArchived(department_id=department.id, code=department.code)
    if fields.get("job_role_id") is not None:
        await tx.one(m.JobRole, fields["job_role_id"])
    manager_id = fields.get("manager_id")
    if manager_id is not None:
        await hold_reporting_lines(tx)
        manager = await tx.one(m.Employee, manager_id)
        employment.check_manager(
            employee_id=employee_id,
            manager_id=manager_id,
            manager_status=manager.status,
            # Nobody reports to somebody who is only just coming.
            chain=[] if is_new else await queries.managers_above(tx, manager_id),
        )


async def begin(tx: Tx, caller: Caller, employee: m.Employee, fields: Mapping[str, Any]) -> None:
    """Open the record of a new employee with the hiring and the first position."""
    await tx.add(
        m.EmployeeChange,
        employee_id=employee.id,
        kind="hire",
        effective_on=employee.hired_on,
        fields=dict(fields),
        status="applied",
        applied_at=caller.now,
        sequence=1,
    )
    await tx.add(m.EmployeePosition, employee_id=employee.id, starts_on=employee.hired_on, **fields)


async def add_step(
    tx: Tx,
    caller: Caller,
    employee: m.Employee,
    step: Step,
    *,
    note: str | None = None,
    values: Mapping[str, Any] | None = None,
    planned: m.EmployeeChange | None = None,
) -> m.Employee:
    """Record a step that counts, bring the positions in line, and the card with its other values.

    A step that was ``planned`` keeps its row, so that the plan and its effect are one record.
    """
    steps = await queries.steps(tx, employee.id)
    after = await write_record(tx, caller, employee, [*steps, step], values=values)
    applied = {"status": "applied", "applied_at": caller.now, "sequence": len(steps) + 1}
    if planned is not None:
        employment.CHANGE.after(planned.status, "apply")
        await tx.change(planned, **applied)
        return after
    await tx.add(
        m.EmployeeChange,
        employee_id=employee.id,
        kind=step.kind,
        effective_on=step.effective_on,
        fields=dict(step.fields),
        note=note,
        **applied,
    )
    return after


async def write_record(
    tx: Tx,
    caller: Caller,
    employee: m.Employee,
    steps: Sequence[Step],
    *,
    values: Mapping[str, Any] | None = None,
) -> m.Employee:
    """Make the positions what the steps add up to, and the card what holds today."""
    told = employment.spans(steps)
    await _write_positions(tx, employee.id, told)
    present = employment.present_span(told, caller.today)
    return await change_card(tx, employee, {**present.fields, **(values or {})})


async def change_card(tx: Tx, employee: m.Employee, values: Mapping[str, Any]) -> m.Employee:
    """Write what differs on an employee's card; nothing is written when nothing does."""
    differing = {k: v for k, v in values.items() if getattr(employee, k) != v}
    return await tx.change(employee, **differing) if differing else employee


def tell_changed(tx: Tx, before: m.Employee, after: m.Employee) -> None:
    """Announce what colleagues can see of a change; private particulars stay private."""
    told = [*employment.POSITION_FIELDS, "code", "first_name", "last_name", "email"]
    if any(getattr(before, name) != getattr(after, name) for name in told):
        tx.announce(
            EmployeeChanged(
                employee_id=after.id,
                code=after.code,
                full_name=employment.full_name(after.first_name, after.last_name),
                email=after.email,
                department_id=after.department_id,
                manager_id=after.manager_id,
                job_role_id=after.job_role_id,
                location=after.location,
                unit_id=after.unit_id,
            )
        )


async def hang_under(
    tx: Tx, caller: Caller, report: m.Employee, *, manager_id: UUID | None, on: date, note: str
) -> m.Employee:
    """Give an employee another manager, from a day on or from the start of the present position."""
    told = employment.spans(await queries.steps(tx, report.id))
    present = employment.present_span(told, caller.today)
    step = Step("change", max(on, present.starts_on), {"manager_id": manager_id})
    after = await add_step(tx, caller, report, step, note=note, values={"manager_awaited": None})
    tell_changed(tx, report, after)
    return after


async def _write_positions(tx: Tx, employee_id: UUID, told: Sequence[Span]) -> None:
    wanted = {_position(span): span for span in told}
    held = {_held(row): row for row in await tx.all(m.EmployeePosition, employee_id=employee_id)}
    # Removed before added: only one position of an employee starts on a day and only one is open.
    for key, row in held.items():
        if key not in wanted:
            await tx.remove(row)
    await tx.add_many(
        m.EmployeePosition,
        [
            {
                "employee_id": employee_id,
                "starts_on": span.starts_on,
                "ends_before": span.ends_before,
                **span.fields,
            }
            for key, span in wanted.items()
            if key not in held
        ],
    )


def _position(span: Span) -> tuple[Any, ...]:
    fields = (span.fields[name] for name in employment.POSITION_FIELDS)
    return (span.starts_on, span.ends_before, *fields)


def _held(row: m.EmployeePosition) -> tuple[Any, ...]:
    fields = (getattr(row, name) for name in employment.POSITION_FIELDS)
    return (row.starts_on, row.ends_before, *fields)
