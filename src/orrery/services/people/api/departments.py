"""Routes of departments."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.exchange.imports import Import
from orrery.kernel.http import May, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.services.people import permissions as p
from orrery.services.people.actions import departments as actions
from orrery.services.people.actions import imports
from orrery.services.people.queries.departments import department_details
from orrery.services.people.queries.resources import DEPARTMENTS
from orrery.services.people.rules import departments as rules
from orrery.services.people.schemas import structure as s

router = routes("/departments", tags="department")
records = resource_routes(
    replace(
        DEPARTMENTS,
        imports=Import(
            draft=s.DepartmentImport,
            action=actions.import_department,
            undone=imports.take_back_department,
            permission=p.DEPARTMENT_WRITE,
        ),
    )
)


@router.post(
    "",
    status_code=201,
    responses=refusals(rules.DepartmentCodeTaken, rules.DepartmentArchived, rules.HeadLeft),
)
async def create_department(
    body: s.DepartmentDraft, tx: WriteTx, caller: Annotated[Caller, May(p.DEPARTMENT_WRITE)]
) -> s.DepartmentView:
    """Add a department."""
    department = await actions.create_department(tx, caller, body.model_dump())
    return await department_details(tx, caller, department.id)


@router.patch(
    "/{id}",
    responses=refusals(
        NotFound,
        Stale,
        rules.DepartmentCodeTaken,
        rules.DepartmentCycle,
        rules.DepartmentArchived,
        rules.HeadLeft,
    ),
)
async def change_department(
    id: UUID,
    body: s.DepartmentChange,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.DEPARTMENT_WRITE)],
) -> s.DepartmentView:
    """Change a department."""
    await DEPARTMENTS.permit(tx, caller, p.DEPARTMENT_WRITE, id)
    await actions.change_department(tx, caller, id, body.model_dump(exclude_unset=True))
    return await department_details(tx, caller, id)


@router.post("/{id}/archive", responses=refusals(NotFound, Stale, rules.DepartmentInUse))
async def archive_department(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.DEPARTMENT_WRITE)]
) -> s.DepartmentView:
    """Put a department away that nobody works in."""
    await DEPARTMENTS.permit(tx, caller, p.DEPARTMENT_WRITE, id)
    await actions.archive_department(tx, caller, id, is_archived=True)
    return await department_details(tx, caller, id)


@router.post("/{id}/restore", responses=refusals(NotFound, Stale, rules.DepartmentArchived))
async def restore_department(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.DEPARTMENT_WRITE)]
) -> s.DepartmentView:
    """Bring an archived department back."""
    await DEPARTMENTS.permit(tx, caller, p.DEPARTMENT_WRITE, id)
    await actions.archive_department(tx, caller, id, is_archived=False)
    return await department_details(tx, caller, id)
