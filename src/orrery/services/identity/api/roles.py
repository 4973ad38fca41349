"""Roles, the permissions they are made of, and why somebody may."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound
from orrery.services.identity import permissions as p
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import roles as actions
from orrery.services.identity.actions import sessions
from orrery.services.identity.queries import roles as queries
from orrery.services.identity.queries.users import ROLES, USERS
from orrery.services.identity.rules.grants import GrantsMoreThanHeld, UnknownPermission
from orrery.services.identity.rules.roles import BuiltInRole, RoleCodeTaken, RoleInUse

router = routes("", tags="role")
resources = resource_routes(ROLES)

Reader = Annotated[Caller, May(p.ROLE_READ)]
Writer = Annotated[Caller, May(p.ROLE_WRITE)]


@router.post(
    "/roles",
    status_code=201,
    responses=refusals(UnknownPermission, GrantsMoreThanHeld, RoleCodeTaken),
)
async def create_role(body: s.RoleDraft, tx: WriteTx, caller: Writer) -> s.RoleView:
    """Bundle permissions under a name."""
    return s.RoleView.of(await actions.create_role(tx, caller, body))


@router.patch(
    "/roles/{id}", responses=refusals(NotFound, BuiltInRole, UnknownPermission, GrantsMoreThanHeld)
)
async def change_role(id: UUID, body: s.RoleChange, tx: WriteTx, caller: Writer) -> s.RoleView:
    """Change a role; it bites at everybody's next token."""
    return s.RoleView.of(await actions.change_role(tx, caller, id, body))


@router.post("/roles/{id}/archive", responses=refusals(NotFound, BuiltInRole, RoleInUse))
async def archive_role(id: UUID, tx: WriteTx, caller: Writer) -> s.RoleView:
    """Take a role that nobody has out of use."""
    return s.RoleView.of(await actions.archive_role(tx, caller, id))


@router.post("/roles/{id}/restore", responses=refusals(NotFound, BuiltInRole, GrantsMoreThanHeld))
async def restore_role(id: UUID, tx: WriteTx, caller: Writer) -> s.RoleView:
    """Bring an archived role back."""
    return s.RoleView.of(await actions.restore_role(tx, caller, id))


@router.get("/permissions")
async def list_permissions(tx: ReadTx, caller: Reader) -> s.Permissions:
    """Every permission of every service, of which roles are made."""
    return s.Permissions(items=queries.permission_list(tx))


@router.get("/explain", responses=refusals(NotFound))
async def explain(
    tx: ReadTx,
    caller: Annotated[Caller, May(p.ACCOUNT_READ)],
    permission: Annotated[str, Query(max_length=150)],
    user_id: UUID | None = None,
) -> s.Explanation:
    """Why somebody (oneself, if nobody is named) may or may not do something."""
    asked = user_id or sessions.own_id(caller)
    if asked != caller.user_id:
        await USERS.permit(tx, caller, p.USER_READ, asked)
    return await queries.explanation(tx, caller, user_id=asked, permission=permission)
