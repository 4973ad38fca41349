"""Routes of employees: the card, the dated record, the organisation chart."""

from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.exchange.imports import Import
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Page
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.kernel.types.states import WrongState
from orrery.services.people import permissions as p
from orrery.services.people.actions import changes, employees, imports
from orrery.services.people.queries import employees as queries
from orrery.services.people.queries import record
from orrery.services.people.queries.resources import CHANGES, EMPLOYEES
from orrery.services.people.rules import departments, employment
from orrery.services.people.schemas import employees as s

router = routes("", tags="employee")
records = resource_routes(
    replace(
        EMPLOYEES,
        imports=Import(
            draft=s.EmployeeImport,
            many=imports.import_employees,
            undone=imports.take_back_employee,
            permission=p.EMPLOYEE_CREATE,
        ),
    )
)
change_records = resource_routes(CHANGES)

POSITION_REFUSALS = (
    departments.DepartmentArchived,
    employment.OwnManager,
    employment.ManagerLeft,
    employment.ReportingCycle,
)


@router.post(
    "/employees",
    status_code=201,
    responses=refusals(employment.CodeTaken, employment.EmailTaken, *POSITION_REFUSALS),
)
async def hire_employee(
    body: s.EmployeeDraft, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_CREATE)]
) -> s.EmployeeDetails:
    """Hire an employee; without a code the next of the series EMP-001 is taken."""
    employee = await employees.hire_employee(tx, caller, body.model_dump())
    return await queries.employee_details(tx, caller, employee.id)


@router.patch(
    "/employees/{id}",
    responses=refusals(
        NotFound,
        Stale,
        employment.CodeTaken,
        employment.EmailTaken,
        employment.HiredTooEarly,
        employment.NotEmployed,
        *POSITION_REFUSALS,
    ),
)
async def change_employee(
    id: UUID,
    body: s.EmployeeChange,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.EMPLOYEE_CHANGE)],
) -> s.EmployeeDetails:
    """Correct an employee's card; fields of the position count from today and join the record."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_CHANGE, id)
    await employees.change_employee(tx, caller, id, body.model_dump(exclude_unset=True))
    return await queries.employee_details(tx, caller, id)


@router.delete(
    "/employees/{id}", responses=refusals(NotFound, Stale, WrongState, employment.HeadsDepartment)
)
async def delete_employee(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_LEAVE)]
) -> s.EmployeeDetails:
    """Let an employee leave today; the record stays and can be found by id and by status."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_LEAVE, id)
    await changes.end_employment(tx, caller, id, left_on=caller.today, reason=None)
    return await queries.employee_details(tx, caller, id)


@router.post(
    "/employees/{id}/leave",
    responses=refusals(
        NotFound, Stale, WrongState, employment.HeadsDepartment, employment.NotEmployed
    ),
)
async def leave(
    id: UUID, body: s.Leaving, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_LEAVE)]
) -> s.EmployeeChangeView:
    """Record an employee's last day; a later one is scheduled."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_LEAVE, id)
    last = body.left_on or caller.today
    change = await changes.end_employment(tx, caller, id, left_on=last, reason=body.reason)
    return await queries.change_view(tx, change.id)


@router.post(
    "/employees/{id}/rehire",
    responses=refusals(NotFound, Stale, WrongState, employment.HiredTooEarly, *POSITION_REFUSALS),
)
async def rehire_employee(
    id: UUID, body: s.Return, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_REHIRE)]
) -> s.EmployeeDetails:
    """Hire a former employee again under the same code."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_REHIRE, id)
    fields = body.model_dump(exclude={"hired_on"})
    hired_on = body.hired_on or caller.today
    await employees.rehire_employee(tx, caller, id, hired_on=hired_on, fields=fields)
    return await queries.employee_details(tx, caller, id)


@router.get("/employees/{id}/positions", responses=refusals(NotFound))
async def list_positions(
    id: UUID,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.EMPLOYEE_READ)],
    on: Annotated[date | None, Query(description="Only the position held on this day.")] = None,
) -> Page[s.PositionView]:
    """Where an employee worked, newest first."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_READ, id)
    return Page(items=await record.positions(tx, id, on=on), next=None)


@router.get("/employees/{id}/changes", responses=refusals(NotFound))
async def list_changes(
    id: UUID, tx: ReadTx, caller: Annotated[Caller, May(p.EMPLOYEE_READ)]
) -> Page[s.EmployeeChangeView]:
    """The dated steps of an employee's record, those to come first."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_READ, id)
    return Page(items=await queries.changes_of(tx, id), next=None)


@router.post(
    "/employees/{id}/changes",
    status_code=201,
    responses=refusals(
        NotFound, Stale, employment.NothingToChange, employment.NotEmployed, *POSITION_REFUSALS
    ),
)
async def change_position(
    id: UUID, body: s.DatedChange, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_CHANGE)]
) -> s.EmployeeChangeView:
    """Change where an employee works from a day on; a day to come is scheduled."""
    await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_CHANGE, id)
    fields = body.model_dump(exclude_unset=True, exclude={"effective_on", "note"})
    change = await changes.change_position(
        tx, caller, id, effective_on=body.effective_on, fields=fields, note=body.note
    )
    return await queries.change_view(tx, change.id)


@router.post("/changes/{id}/cancel", responses=refusals(NotFound, Stale, WrongState))
async def cancel_change(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.EMPLOYEE_CHANGE)]
) -> s.EmployeeChangeView:
    """Take back a change that has not taken effect."""
    await CHANGES.permit(tx, caller, p.EMPLOYEE_CHANGE, id)
    await changes.cancel_change(tx, caller, id)
    return await queries.change_view(tx, id)


@router.get("/org-chart", responses=refusals(NotFound))
async def read_org_chart(
    tx: ReadTx,
    caller: Annotated[Caller, May(p.EMPLOYEE_READ)],
    root: Annotated[UUID | None, Query(description="The employee at the top.")] = None,
    depth: Annotated[int, Query(ge=0, le=queries.DEPTH_MAX, description="Levels below.")] = 3,
    on: Annotated[date | None, Query(description="The chart of this day.")] = None,
) -> s.OrgChart:
    """Who reports to whom, with the number of reports all the way down."""
    if root is not None:
        await EMPLOYEES.permit(tx, caller, p.EMPLOYEE_READ, root)
    return await queries.org_chart(tx, caller, root=root, depth=depth, on=on or caller.today)
