"""Employees from a file, row by row and in any order.

A row may name its manager by external id, code or e-mail. When that manager is not there yet, the
name is kept on the employee (``manager_awaited``) and the manager's own row, whenever it comes, in
this file or a later one, takes up everybody who waits for it. So a file needs no order, one pass is
enough, an interrupted import goes on where it stopped, and what never resolved stays visible.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orrery.contracts.people import DepartmentChanged, EmployeeChanged, EmployeeDeleted
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.history import TakenBack
from orrery.services.people import models as m
from orrery.services.people.actions import employees, record
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import employment
from orrery.services.people.schemas import employees as s

NAMED = {"department", "job_role", "manager"}


async def import_employee(
    tx: Tx, caller: Caller, draft: s.EmployeeImport, existing: m.Employee | None
) -> m.Employee:
    """Hire or correct an employee from a row of a file.

    Refuses: UnknownReference, CodeTaken, EmailTaken, OwnManager, ManagerLeft, ReportingCycle,
    HiredTooEarly. Announces: EmployeeHired or EmployeeChanged.
    """
    values = draft.model_dump(exclude_unset=True, exclude=NAMED)
    if draft.department is not None:
        values["department_id"] = await _department(tx, draft.department)
    if draft.job_role is not None:
        values["job_role_id"] = await _job_role(tx, draft.job_role)
    if draft.manager is not None:
        values |= await _manager(tx, draft)
    if existing is None:
        employee = await employees.hire_employee(tx, caller, values)
    else:
        kept = {k: v for k, v in values.items() if k not in ("hired_on", "code") or v is not None}
        employee = await employees.change_employee(tx, caller, existing.id, kept)
    await _take_up_those_who_wait(tx, caller, employee)
    return employee


async def take_back_employee(tx: Tx, caller: Caller, taken: TakenBack) -> None:
    """Tell others that an import was taken back. Announces: EmployeeDeleted or EmployeeChanged."""
    told = taken.before or taken.after or {}
    card = {
        "employee_id": taken.id,
        "code": told["code"],
        "full_name": employment.full_name(told["first_name"], told["last_name"]),
        "email": told["email"],
    }
    if taken.before is None:
        tx.announce(EmployeeDeleted(**card, left_on=caller.today))
        return
    fields = queries.typed({name: told[name] for name in employment.POSITION_FIELDS})
    tx.announce(EmployeeChanged(**card, **fields))


async def take_back_department(tx: Tx, caller: Caller, taken: TakenBack) -> None:
    """Tell others that an import was taken back. Announces: DepartmentChanged."""
    told = taken.before or taken.after or {}
    ids = queries.typed({name: told[name] for name in ("unit_id", "head_employee_id")})
    tx.announce(
        DepartmentChanged(
            department_id=taken.id,
            code=told["code"],
            title=told["name"],
            is_archived=taken.before is None or told["is_archived"],
            **ids,
        )
    )


async def _manager(tx: Tx, draft: s.EmployeeImport) -> Mapping[str, Any]:
    named = draft.manager or ""
    if named in (draft.external_id, draft.code):
        raise employment.OwnManager(manager=named)
    found = await tx.row(
        "select id from employee where external_id = %(named)s or code = %(named)s"
        " or email = lower(%(named)s)"
        " order by external_id = %(named)s desc nulls last, code = %(named)s desc limit 1",
        named=named,
    )
    if found is None:
        return {"manager_id": None, "manager_awaited": named}
    return {"manager_id": found.id, "manager_awaited": None}


async def _take_up_those_who_wait(tx: Tx, caller: Caller, manager: m.Employee) -> None:
    waiting = await tx.rows(
        "select id from employee where manager_awaited is not null and id <> %(manager)s"
        " and (manager_awaited in (%(external_id)s, %(code)s)"
        " or lower(manager_awaited) = %(email)s)",
        manager=manager.id,
        external_id=manager.external_id,
        code=manager.code,
        email=manager.email,
    )
    for report in await tx.lock_many(m.Employee, [row.id for row in waiting]):
        await record.check_position(tx, report.id, {"manager_id": manager.id})
        await record.hang_under(
            tx, caller, report, manager_id=manager.id, on=report.hired_on, note="import"
        )


async def _department(tx: Tx, named: str) -> UUID:
    found = await tx.value(
        "select id from department where not is_archived"
        " and (code = %(named)s or lower(name) = lower(%(named)s))"
        " order by code = %(named)s desc limit 1",
        named=named,
    )
    return _known(found, "department", named)


async def _job_role(tx: Tx, named: str) -> UUID:
    found = await tx.value(
        "select id from job_role where not is_archived"
        " and (code = %(named)s or lower(name) = lower(%(named)s))"
        " order by code = %(named)s desc limit 1",
        named=named,
    )
    return _known(found, "job_role", named)


def _known(found: UUID | None, field: str, named: str) -> UUID:
    if found is None:
        raise employment.UnknownReference(field=field, value=named)
    return found
