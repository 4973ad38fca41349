"""Departments: created, changed, archived; every change is announced, for others keep a copy."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orrery.contracts.people import DepartmentChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import new_id
from orrery.services.people import models as m
from orrery.services.people.actions import record
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import departments as rules
from orrery.services.people.rules import employment
from orrery.services.people.schemas import structure as s


async def create_department(
    tx: Tx, caller: Caller, values: Mapping[str, Any], *, id: UUID | None = None
) -> m.Department:
    """Add a department.

    Refuses: DepartmentCodeTaken, DepartmentArchived, HeadLeft, NotFound.
    Announces: DepartmentChanged.
    """
    department_id = id or new_id()
    await _check(tx, department_id, values)
    department = await tx.add(m.Department, id=department_id, **values)
    return _told(tx, department)


async def change_department(
    tx: Tx, caller: Caller, id: UUID, values: Mapping[str, Any]
) -> m.Department:
    """Change a department.

    Refuses: DepartmentCodeTaken, DepartmentCycle, DepartmentArchived, HeadLeft, NotFound.
    Announces: DepartmentChanged.
    """
    department = await tx.lock(m.Department, id)
    differing = {k: v for k, v in values.items() if getattr(department, k) != v}
    if not differing:
        return department
    await _check(tx, id, differing)
    return _told(tx, await tx.change(department, **differing))


async def archive_department(
    tx: Tx, caller: Caller, id: UUID, *, is_archived: bool
) -> m.Department:
    """Put an unused department away, or bring it back.

    Refuses: DepartmentInUse, DepartmentArchived. Announces: DepartmentChanged.
    """
    department = await tx.lock(m.Department, id)
    if department.is_archived == is_archived:
        return department
    if is_archived:
        employees, children = await _users_of(tx, id)
        rules.check_archivable(employees=employees, children=children)
    else:
        await _check(tx, id, {"parent_id": department.parent_id})
    return _told(tx, await tx.change(department, is_archived=is_archived))


async def import_department(
    tx: Tx, caller: Caller, draft: s.DepartmentImport, existing: m.Department | None
) -> m.Department:
    """Create or change a department from a row of a file; its parent is named by code.

    Refuses: UnknownReference, DepartmentCodeTaken, DepartmentCycle. Announces: DepartmentChanged.
    """
    values = draft.model_dump(exclude_unset=True, exclude={"parent"})
    if draft.parent is not None:
        parent = await tx.find(m.Department, code=draft.parent)
        if parent is None:
            raise employment.UnknownReference(field="parent", value=draft.parent)
        values["parent_id"] = parent.id
    known = existing or await tx.find(m.Department, code=draft.code)
    if known is None:
        return await create_department(tx, caller, values)
    return await change_department(tx, caller, known.id, values)


async def _check(tx: Tx, department_id: UUID, values: Mapping[str, Any]) -> None:
    parent_id, head_id = values.get("parent_id"), values.get("head_employee_id")
    if parent_id is None and head_id is None:
        return
    await record.hold_reporting_lines(tx)
    if parent_id is not None:
        parent = await tx.one(m.Department, parent_id)
        if parent.is_archived:
            raise rules.DepartmentArchived(department_id=parent.id, code=parent.code)
        chain = await queries.departments_above(tx, parent_id)
        rules.check_parent(department_id=department_id, parent_id=parent_id, chain=chain)
    if head_id is not None:
        head = await tx.one(m.Employee, head_id)
        if head.status != "active":
            raise rules.HeadLeft(employee_id=head.id)


async def _users_of(tx: Tx, id: UUID) -> tuple[int, int]:
    row = await tx.row(
        "select (select count(*) from employee e where e.department_id = %(id)s"
        " and e.status = 'active') as employees,"
        " (select count(*) from department d where d.parent_id = %(id)s and not d.is_archived)"
        " as children",
        id=id,
    )
    return (row.employees, row.children) if row else (0, 0)


def _told(tx: Tx, department: m.Department) -> m.Department:
    tx.announce(
        DepartmentChanged(
            department_id=department.id,
            code=department.code,
            title=department.name,
            unit_id=department.unit_id,
            head_employee_id=department.head_employee_id,
            is_archived=department.is_archived,
        )
    )
    return department
