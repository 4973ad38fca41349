"""Writing the dated record of an employee: steps are added, positions and the card follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Entry:
    """A step that joins the record of an employee, and what else the card says from then on."""

    employee: m.Employee
    steps: Sequence[Step]
    step: Step
    note: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


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


async def begin(tx: Tx, caller: Caller, hired: Sequence[m.Employee]) -> None:
    """Open the records of new employees with the hiring and the first position."""
    fields = [
        {name: getattr(employee, name) for name in employment.POSITION_FIELDS} for employee in hired
    ]
    await tx.add_many(
        m.EmployeeChange,
        [
            {
                "employee_id": employee.id,
                "kind": "hire",
                "effective_on": employee.hired_on,
                "fields": told,
                "status": "applied",
                "applied_at": caller.now,
                "sequence": 1,
            }
            for employee, told in zip(hired, fields, strict=True)
        ],
    )
    await tx.add_many(
        m.EmployeePosition,
        [
            {"employee_id": employee.id, "starts_on": employee.hired_on, **told}
            for employee, told in zip(hired, fields, strict=True)
        ],
    )


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


async def add_steps(tx: Tx, caller: Caller, entries: Sequence[Entry]) -> list[m.Employee]:
    """Record a step each for some locked employees, as ``add_step`` does for one of them."""
    told = {entry.employee.id: employment.spans([*entry.steps, entry.step]) for entry in entries}
    await _write_positions(tx, told)
    await tx.add_many(
        m.EmployeeChange,
        [
            {
                "employee_id": entry.employee.id,
                "kind": entry.step.kind,
                "effective_on": entry.step.effective_on,
                "fields": dict(entry.step.fields),
                "note": entry.note,
                "status": "applied",
                "applied_at": caller.now,
                "sequence": len(entry.steps) + 1,
            }
            for entry in entries
        ],
    )
    presents = [employment.present_span(told[entry.employee.id], caller.today) for entry in entries]
    return await tx.change_many(
        [
            (entry.employee, {**present.fields, **entry.values})
            for entry, present in zip(entries, presents, strict=True)
        ]
    )


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
    await _write_positions(tx, {employee.id: told})
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
    tx: Tx, caller: Caller, moves: Sequence[tuple[m.Employee, UUID | None, date]], *, note: str
) -> None:
    """Give each report another manager from a day on, or from the start of the present position."""
    steps = await queries.steps_of_each(tx, [report.id for report, _, _ in moves])
    entries = []
    for report, manager_id, on in moves:
        present = employment.present_span(employment.spans(steps[report.id]), caller.today)
        step = Step("change", max(on, present.starts_on), {"manager_id": manager_id})
        entries.append(Entry(report, steps[report.id], step, note, {"manager_awaited": None}))
    for (report, _, _), after in zip(moves, await add_steps(tx, caller, entries), strict=True):
        tell_changed(tx, report, after)


async def _write_positions(tx: Tx, told: Mapping[UUID, Sequence[Span]]) -> None:
    wanted = {(id, *_position(span)): span for id, spans in told.items() for span in spans}
    rows = await tx.rows(
        "select * from employee_position where employee_id = any(%(employees)s)",
        employees=list(told),
    )
    held = {(row.employee_id, *_held(row)): row.id for row in rows}
    gone = [id for key, id in held.items() if key not in wanted]
    # Removed before added: only one position of an employee starts on a day and only one is open.
    if gone:
        await tx.run("delete from employee_position where id = any(%(gone)s)", gone=gone)
    await tx.add_many(
        m.EmployeePosition,
        [
            {
                "employee_id": key[0],
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


def _held(row: Any) -> tuple[Any, ...]:
    fields = (getattr(row, name) for name in employment.POSITION_FIELDS)
    return (row.starts_on, row.ends_before, *fields)
