"""The dated record of an employee: its steps, its positions, and who stands above whom."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from orrery.kernel.db import ReadTx
from orrery.services.people.rules.employment import LINE_MAX, Step
from orrery.services.people.schemas import employees as s


async def steps(tx: ReadTx, employee_id: UUID) -> list[Step]:
    """The steps that count, in the order in which they took effect."""
    return (await steps_of_each(tx, [employee_id]))[employee_id]


async def steps_of_each(tx: ReadTx, employee_ids: Sequence[UUID]) -> dict[UUID, list[Step]]:
    """The steps of some employees that count, each in the order in which they took effect."""
    rows = await tx.rows(
        "select employee_id, kind, effective_on, fields from employee_change"
        " where employee_id = any(%(employees)s) and status = 'applied'"
        " order by employee_id, sequence",
        employees=list(employee_ids),
    )
    told: dict[UUID, list[Step]] = {id: [] for id in employee_ids}
    for row in rows:
        told[row.employee_id].append(Step(row.kind, row.effective_on, typed(row.fields)))
    return told


def typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a step as they are in tables: JSON knows no ids, only texts."""
    return {
        name: UUID(value) if name.endswith("_id") and value is not None else value
        for name, value in fields.items()
    }


async def managers_above(tx: ReadTx, employee_id: UUID) -> list[UUID]:
    """Whom an employee reports to, directly and through others, nearest first."""
    rows = await tx.rows(
        "with recursive line as ("
        " select manager_id, 1 as depth from employee where id = %(employee)s"
        " union all select e.manager_id, l.depth + 1 from line l"
        " join employee e on e.id = l.manager_id where l.depth < %(longest)s)"
        " select manager_id from line where manager_id is not null order by depth",
        employee=employee_id,
        longest=LINE_MAX,
    )
    return [row.manager_id for row in rows]


async def reporting_lines(tx: ReadTx, employee_ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """Whom some employees report to directly, and whom those report to, up to the top."""
    rows = await tx.rows(
        "with recursive line as ("
        " select id, manager_id, 1 as depth from employee where id = any(%(employees)s)"
        " union select e.id, e.manager_id, l.depth + 1 from line l"
        " join employee e on e.id = l.manager_id where l.depth < %(longest)s)"
        " select id, manager_id from line",
        employees=list(employee_ids),
        longest=LINE_MAX,
    )
    return {row.id: row.manager_id for row in rows}


async def departments_above(tx: ReadTx, department_id: UUID) -> list[UUID]:
    """What a department is part of, nearest first."""
    rows = await tx.rows(
        "with recursive line as ("
        " select parent_id, 1 as depth from department where id = %(department)s"
        " union all select d.parent_id, l.depth + 1 from line l"
        " join department d on d.id = l.parent_id where l.depth < %(longest)s)"
        " select parent_id from line where parent_id is not null order by depth",
        department=department_id,
        longest=LINE_MAX,
    )
    return [row.parent_id for row in rows]


async def departments_headed(tx: ReadTx, employee_id: UUID) -> list[str]:
    """Codes of the departments an employee heads."""
    rows = await tx.rows(
        "select code from department where head_employee_id = %(employee)s and not is_archived"
        " order by code",
        employee=employee_id,
    )
    return [row.code for row in rows]


async def reports_of(tx: ReadTx, employee_id: UUID) -> list[UUID]:
    """Who reports to an employee directly and still works here."""
    rows = await tx.rows(
        "select id from employee where manager_id = %(manager)s and status = 'active' order by id",
        manager=employee_id,
    )
    return [row.id for row in rows]


async def positions(tx: ReadTx, employee_id: UUID, *, on: date | None) -> list[s.PositionView]:
    """Where an employee worked, newest first; on one day when it is named."""
    rows = await tx.rows(
        "select p.starts_on, p.ends_before, p.department_id, d.name as department_name,"
        " p.job_role_id, r.name as job_role_name, p.manager_id,"
        " b.first_name || ' ' || b.last_name as manager_name, p.location, p.unit_id"
        " from employee_position p left join department d on d.id = p.department_id"
        " left join job_role r on r.id = p.job_role_id left join employee b on b.id = p.manager_id"
        " where p.employee_id = %(employee)s and (%(on)s::date is null"
        " or (p.starts_on <= %(on)s and coalesce(p.ends_before > %(on)s, true)))"
        " order by p.starts_on desc",
        employee=employee_id,
        on=on,
    )
    return s.PositionView.of_all(rows)


async def is_employed(tx: ReadTx, employee_id: UUID, on: date) -> bool:
    """Whether an employee works here on a day."""
    return bool(
        await tx.value(
            "select true from employee_position where employee_id = %(employee)s"
            " and starts_on <= %(on)s and coalesce(ends_before > %(on)s, true)",
            employee=employee_id,
            on=on,
        )
    )


async def due_changes(tx: ReadTx, *, on: date) -> list[UUID]:
    """Scheduled changes whose day has come, in the order of their days."""
    rows = await tx.rows(
        "select id from employee_change where status = 'scheduled' and effective_on <= %(on)s"
        " order by effective_on, id",
        on=on,
    )
    return [row.id for row in rows]
