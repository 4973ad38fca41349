"""Employees and the organisation chart as they are looked up."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import caller_values
from orrery.kernel.types.refusal import NotFound
from orrery.services.people import permissions as p
from orrery.services.people.queries.scopes import VISIBLE
from orrery.services.people.rules import employment
from orrery.services.people.schemas import employees as s

# Deeper than any company; the chart is asked for level by level anyway.
DEPTH_MAX = 50
# Nobody changes desks more often than this in a working life.
CHANGES_MAX = 200
CHANGE_VIEW: Final = (
    "select c.*, e.first_name || ' ' || e.last_name as employee_name"
    " from employee_change c join employee e on e.id = c.employee_id"
)


async def employee_details(tx: ReadTx, caller: Caller, id: UUID) -> s.EmployeeDetails:
    """An employee with what belongs to the record page; private parts for who may see them."""
    row = await tx.row(
        "select t.*, t.first_name || ' ' || t.last_name as full_name, d.name as department_name,"
        " r.name as job_role_name, b.first_name || ' ' || b.last_name as manager_name,"
        " (select count(*) from employee u where u.manager_id = t.id and u.status = 'active')"
        " as reports,"
        " (select count(*) from employee_change c where c.employee_id = t.id"
        " and c.status = 'scheduled') as changes_scheduled"
        " from employee t left join department d on d.id = t.department_id"
        " left join job_role r on r.id = t.job_role_id left join employee b on b.id = t.manager_id"
        " where t.id = %(id)s",
        id=id,
    )
    if row is None:
        raise NotFound(resource="employee", id=id)
    may_see = _sees_private(caller, row)
    return s.EmployeeDetails.of(
        row,
        private=s.PrivateView.of(row) if may_see else None,
        verbs=employment.EMPLOYEE.verbs(row.status),
    )


async def org_chart(
    tx: ReadTx, caller: Caller, *, root: UUID | None, depth: int, on: date
) -> s.OrgChart:
    """Who reports to whom on a day, as far down as asked; counts go all the way down.

    Roots are those without a manager among the people shown, or the one asked for.
    """
    rows = await tx.rows(
        "with recursive staff as ("  # noqa: S608 - only constants are joined
        " select t.id, t.code, t.first_name || ' ' || t.last_name as full_name, t.last_name,"
        " t.photo_id, w.manager_id, w.department_id, w.job_role_id"
        " from employee_position w join employee t on t.id = w.employee_id"
        " where w.starts_on <= %(on)s and coalesce(w.ends_before > %(on)s, true) and "
        + VISIBLE
        + "), line as ("
        " select f.id, 0 as depth, array[f.id] as path from staff f"
        " where case when %(root)s::uuid is null"
        " then not exists (select 1 from staff b where b.id = f.manager_id)"
        " else f.id = %(root)s end"
        " union all"
        " select f.id, l.depth + 1, l.path || f.id from line l join staff f on f.manager_id = l.id"
        " where f.id <> all(l.path)), totals as ("
        " select a.id, count(*) - 1 as people from line l cross join unnest(l.path) as a (id)"
        " group by a.id), direct as ("
        " select manager_id, count(*) as people from staff group by manager_id)"
        " select f.id, f.code, f.full_name, f.photo_id, f.manager_id, f.department_id,"
        " d.name as department_name, r.name as job_role_name, l.depth,"
        " coalesce(x.people, 0) as reports_direct, n.people as reports_total"
        " from line l join staff f on f.id = l.id join totals n on n.id = l.id"
        " left join direct x on x.manager_id = l.id"
        " left join department d on d.id = f.department_id"
        " left join job_role r on r.id = f.job_role_id"
        " where l.depth <= %(depth)s order by l.depth desc, f.last_name, f.id",
        on=on,
        root=root,
        depth=min(depth, DEPTH_MAX),
        scope=caller.scope(p.EMPLOYEE_READ),
        **caller_values(caller),
    )
    roots = _tree(rows)
    return s.OrgChart(on=on, people=sum(node.reports_total + 1 for node in roots), roots=roots)


async def change_view(tx: ReadTx, id: UUID) -> s.EmployeeChangeView:
    """One dated step."""
    row = await tx.row(CHANGE_VIEW + " where c.id = %(id)s", id=id)
    if row is None:
        raise NotFound(resource="employee_change", id=id)
    return s.EmployeeChangeView.of(row)


async def changes_of(tx: ReadTx, employee_id: UUID) -> list[s.EmployeeChangeView]:
    """The dated steps of an employee, latest day first, at most CHANGES_MAX."""
    rows = await tx.rows(
        CHANGE_VIEW + " where c.employee_id = %(employee)s"
        " order by c.effective_on desc, c.sequence desc nulls first, c.id desc limit %(limit)s",
        employee=employee_id,
        limit=CHANGES_MAX,
    )
    return s.EmployeeChangeView.of_all(rows)


def _tree(rows: Sequence[Any]) -> list[s.OrgChartNode]:
    """Nodes from the deepest level up, so that each is made with its reports at hand."""
    below: dict[UUID | None, list[s.OrgChartNode]] = {}
    roots: list[s.OrgChartNode] = []
    for row in rows:
        node = s.OrgChartNode.of(row, reports=below.get(row.id, []))
        (roots if row.depth == 0 else below.setdefault(row.manager_id, [])).append(node)
    return roots


def _sees_private(caller: Caller, row: Any) -> bool:
    scope = caller.scope(p.EMPLOYEE_SEE_PRIVATE)
    return (
        scope == "all"
        or row.id == caller.employee_id
        or (scope == "department" and row.department_id in caller.department_ids)
        or (scope == "unit" and row.unit_id in caller.unit_ids)
    )
