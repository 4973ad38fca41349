"""Departments: a copy of what people says about them."""

from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization import models as m


async def copy_department(
    tx: Tx,
    caller: Caller,
    id: UUID,
    *,
    code: str,
    title: str,
    unit_id: UUID | None,
    head_employee_id: UUID | None,
    is_archived: bool,
) -> m.Department:
    """Keep a department as people last described it."""
    values = {
        "code": code,
        "title": title,
        "unit_id": unit_id,
        "head_employee_id": head_employee_id,
        "is_archived": is_archived,
    }
    known = await tx.find(m.Department, id=id)
    if known is None:
        return await tx.add(m.Department, id=id, **values)
    return await tx.change(known, **values)
