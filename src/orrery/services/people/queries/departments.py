"""Departments as they are looked up."""

from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import NotFound
from orrery.services.people.schemas import structure as s


async def department_details(tx: ReadTx, caller: Caller, id: UUID) -> s.DepartmentView:
    """A department with the names of what it belongs to and who heads it."""
    row = await tx.row(
        "select t.*, u.name as parent_name, h.first_name || ' ' || h.last_name as head_name,"
        " (select count(*) from employee e where e.department_id = t.id and e.status = 'active')"
        " as employees"
        " from department t left join department u on u.id = t.parent_id"
        " left join employee h on h.id = t.head_employee_id where t.id = %(id)s",
        id=id,
    )
    if row is None:
        raise NotFound(resource="department", id=id)
    return s.DepartmentView.of(row)
