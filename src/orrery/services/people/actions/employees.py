"""Employees: hired, corrected, leaving, hired again."""

from collections.abc import Collection, Mapping, Sequence
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
    await record.check_position(tx, employee_id, fields, is_new=True)
    (employee,) = await enter_employees(tx, caller, [{"id": employee_id, **values}])
    return employee


async def enter_employees(
    tx: Tx, caller: Caller, hires: Sequence[Mapping[str, Any]]
) -> list[m.Employee]:
    """Enter employees whose departments and managers were found good.

    Refuses: CodeTaken, EmailTaken. Announces: EmployeeHired.
    """
    # Rows of one statement have the same columns, whatever each of them says.
    unsaid = dict.fromkeys([*POSITION_FIELDS, "code", *(name for hire in hires for name in hire)])
    rows = [
        {
            **unsaid,
            **card_of(hire),
            **{name: hire.get(name) for name in POSITION_FIELDS},
            "status": employment.EMPLOYEE.start,
            "hired_on": hire.get("hired_on") or caller.today,
        }
        for hire in hires
    ]
    uncoded = [row for row in rows if not row["code"]]
    codes = await _next_codes(tx, len(uncoded), {row["code"] for row in rows})
    for row, code in zip(uncoded, codes, strict=True):
        row["code"] = code
    made = await tx.add_many(m.Employee, rows)
    await record.begin(tx, caller, made)
    for employee in made:
        _tell_hired(tx, employee, is_rehire=False)
    return made


async def change_employee(
    tx: Tx, caller: Caller, id: UUID, values: Mapping[str, Any]
) -> m.Employee:
    """Correct an employee's card; a change of position counts from today and joins the record.

    Refuses: CodeTaken, EmailTaken, HiredTooEarly, NotEmployed, DepartmentArchived, OwnManager,
    ManagerLeft, ReportingCycle. Announces: EmployeeChanged.
    """
    before = after = await tx.lock(m.Employee, id)
    card, fields = card_of(values), moves_of(before, values)
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
    reports = await tx.lock_many(m.Employee, await queries.reports_of(tx, employee.id))
    await record.hang_under(
        tx,
        caller,
        [(report, employee.manager_id, left_on) for report in reports],
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


def card_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of some values is a plain correction, as it is kept."""
    card = {name: value for name, value in values.items() if name not in POSITION_FIELDS}
    return card | ({"email": employment.address(card["email"])} if "email" in card else {})


def moves_of(before: m.Employee, values: Mapping[str, Any]) -> dict[str, Any]:
    """What of some values would change where an employee works."""
    return {
        name: values[name]
        for name in POSITION_FIELDS
        if name in values and values[name] != getattr(before, name)
    }


async def _next_codes(tx: Tx, count: int, given: Collection[str]) -> list[str]:
    # Codes given by hand or by an import may lie ahead of the series; the series steps over them.
    found: list[str] = []
    while len(found) < count:
        fresh = await tx.take_numbers("employee", count - len(found), pattern=CODE_PATTERN)
        rows = await tx.rows("select code from employee where code = any(%(codes)s)", codes=fresh)
        taken = {row.code for row in rows}
        found += [code for code in fresh if code not in taken and code not in given]
    return found


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
