"""Employees: hired, corrected, leaving, hired again."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from orrery.contracts.people import EmployeeDeleted, EmployeeHired
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import new_id
from orrery.services.people import models as m
from orrery.services.people.actions import record
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import employment
from orrery.services.people.rules.employment import POSITION_FIELDS, Step

CODE_PATTERN = "EMP-{000}"


async def hire_employee(
    tx: Tx, caller: Caller, values: Mapping[str, Any], *, id: UUID | None = None
) -> m.Employee:
    """Enter an employee; the record starts on the day of hiring, today when none is given.

    Refuses: CodeTaken, EmailTaken, DepartmentArchived, ManagerLeft, NotFound.
    Announces: EmployeeHired.
    """
    employee_id = id or new_id()
    fields = {name: values.get(name) for name in POSITION_FIELDS}
    card = _card(values)
    hired_on = card.pop("hired_on", None) or caller.today
    code = card.pop("code", None)
    await record.check_position(tx, employee_id, fields, is_new=True)
    employee = await tx.add(
        m.Employee,
        id=employee_id,
        code=code or await _next_code(tx),
        status=employment.EMPLOYEE.start,
        hired_on=hired_on,
        **card,
        **fields,
    )
    await record.begin(tx, caller, employee, fields)
    _tell_hired(tx, employee, is_rehire=False)
    return employee


async def change_employee(
    tx: Tx, caller: Caller, id: UUID, values: Mapping[str, Any]
) -> m.Employee:
    """Correct an employee's card; a change of position counts from today and joins the record.

    Refuses: CodeTaken, EmailTaken, HiredTooEarly, NotEmployed, DepartmentArchived, OwnManager,
    ManagerLeft, ReportingCycle. Announces: EmployeeChanged.
    """
    before = after = await tx.lock(m.Employee, id)
    card = _card(values)
    fields = {
        name: values[name]
        for name in POSITION_FIELDS
        if name in values and values[name] != getattr(before, name)
    }
    hired_on = card.pop("hired_on", before.hired_on)
    if hired_on != before.hired_on:
        after = await _move_hiring(tx, caller, after, hired_on)
    if fields:
        after = await _change_position(tx, caller, after, fields)
    after = await record.change_card(tx, after, card)
    record.tell_changed(tx, before, after)
    return after


async def leave(
    tx: Tx,
    caller: Caller,
    employee: m.Employee,
    *,
    left_on: date,
    reason: str | None,
    planned: m.EmployeeChange | None = None,
) -> m.Employee:
    """End an employment after its last day; the leaver's reports go to the leaver's manager.

    Refuses: WrongState, HeadsDepartment, NotEmployed. Announces: EmployeeDeleted, EmployeeChanged.
    """
    status = employment.EMPLOYEE.after(employee.status, "leave")
    employment.check_leaving(
        employment.spans(await queries.steps(tx, employee.id)), left_on=left_on
    )
    headed = await queries.departments_headed(tx, employee.id)
    if headed:
        raise employment.HeadsDepartment(employee_id=employee.id, departments=headed)
    gone = await record.add_step(
        tx,
        caller,
        employee,
        Step("leave", left_on),
        note=reason,
        values={
            "status": status,
            "left_on": left_on,
            "left_reason": reason,
            "manager_awaited": None,
        },
        planned=planned,
    )
    await _cancel_what_was_to_come(tx, employee.id)
    for report in await tx.lock_many(m.Employee, await queries.reports_of(tx, employee.id)):
        await record.hang_under(
            tx,
            caller,
            report,
            manager_id=employee.manager_id,
            on=left_on,
            note=f"{employee.code} left",
        )
    tx.announce(
        EmployeeDeleted(
            employee_id=gone.id,
            code=gone.code,
            full_name=employment.full_name(gone.first_name, gone.last_name),
            email=gone.email,
            left_on=left_on,
        )
    )
    return gone


async def rehire_employee(
    tx: Tx, caller: Caller, id: UUID, *, hired_on: date, fields: Mapping[str, Any]
) -> m.Employee:
    """Hire a former employee again under the same code.

    Refuses: WrongState, HiredTooEarly, DepartmentArchived, ManagerLeft. Announces: EmployeeHired.
    """
    employee = await tx.lock(m.Employee, id)
    status = employment.EMPLOYEE.after(employee.status, "rehire")
    employment.check_return(hired_on=hired_on, left_on=employee.left_on or hired_on)
    await record.check_position(tx, id, fields)
    employee = await record.add_step(
        tx,
        caller,
        employee,
        Step("rehire", hired_on, fields),
        values={"status": status, "hired_on": hired_on, "left_on": None, "left_reason": None},
    )
    _tell_hired(tx, employee, is_rehire=True)
    return employee


def _card(values: Mapping[str, Any]) -> dict[str, Any]:
    card = {name: value for name, value in values.items() if name not in POSITION_FIELDS}
    return card | ({"email": employment.address(card["email"])} if "email" in card else {})


async def _next_code(tx: Tx) -> str:
    # Codes given by hand or by an import may lie ahead of the series; the series steps over them.
    while True:
        code = await tx.take_number("employee", pattern=CODE_PATTERN)
        if await tx.find(m.Employee, code=code) is None:
            return code


async def _move_hiring(tx: Tx, caller: Caller, employee: m.Employee, hired_on: date) -> m.Employee:
    steps = employment.check_hiring_moved(await queries.steps(tx, employee.id), hired_on=hired_on)
    await tx.run(
        "update employee_change set effective_on = %(on)s, version = version + 1 where id ="
        " (select id from employee_change where employee_id = %(employee)s and status = 'applied'"
        " and kind in ('hire', 'rehire') order by sequence desc limit 1)",
        on=hired_on,
        employee=employee.id,
    )
    return await record.write_record(tx, caller, employee, steps, values={"hired_on": hired_on})


async def _change_position(
    tx: Tx, caller: Caller, employee: m.Employee, fields: Mapping[str, Any]
) -> m.Employee:
    # A change for somebody who has not started yet counts from the first day.
    on = max(caller.today, employee.hired_on)
    told = employment.spans(await queries.steps(tx, employee.id))
    employment.check_change(told, effective_on=on, fields=fields)
    await record.check_position(tx, employee.id, fields)
    awaited = {"manager_awaited": None} if "manager_id" in fields else {}
    return await record.add_step(tx, caller, employee, Step("change", on, fields), values=awaited)


async def _cancel_what_was_to_come(tx: Tx, employee_id: UUID) -> None:
    for change in await tx.all(m.EmployeeChange, employee_id=employee_id, status="scheduled"):
        status = employment.CHANGE.after(change.status, "cancel")
        await tx.change(change, status=status)


def _tell_hired(tx: Tx, employee: m.Employee, *, is_rehire: bool) -> None:
    tx.announce(
        EmployeeHired(
            employee_id=employee.id,
            code=employee.code,
            full_name=employment.full_name(employee.first_name, employee.last_name),
            email=employee.email,
            department_id=employee.department_id,
            hired_on=employee.hired_on,
            is_rehire=is_rehire,
        )
    )
