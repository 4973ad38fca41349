"""Users, for administrators."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound
from orrery.services.identity import permissions as p
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import roles as role_actions
from orrery.services.identity.actions import users as actions
from orrery.services.identity.queries import accounts
from orrery.services.identity.queries import roles as role_queries
from orrery.services.identity.queries.users import SIGN_INS, USERS
from orrery.services.identity.rules.grants import GrantsMoreThanHeld, StrongerAccount
from orrery.services.identity.rules.links import BadEmail, EmailTaken, EmployeeTaken
from orrery.services.identity.rules.passwords import WeakPassword
from orrery.services.identity.rules.roles import EmptyPeriod, LastAdministrator, RoleArchived

router = routes("/users", tags="user")
resources = resource_routes(USERS)
sign_ins = resource_routes(SIGN_INS)

Reader = Annotated[Caller, May(p.USER_READ)]
Writer = Annotated[Caller, May(p.USER_WRITE)]
Assigner = Annotated[Caller, May(p.USER_ASSIGN)]
Ender = Annotated[Caller, May(p.SESSION_END)]


@router.post(
    "",
    status_code=201,
    responses=refusals(BadEmail, EmailTaken, WeakPassword, GrantsMoreThanHeld, RoleArchived),
)
async def create_user(body: s.UserDraft, tx: WriteTx, caller: Writer) -> s.UserView:
    """Create a user, with a temporary password and roles if given."""
    user = await actions.create_user(tx, caller, body)
    return await accounts.user_view(tx, user.id)


@router.patch("/{id}", responses=refusals(NotFound, StrongerAccount, BadEmail, EmailTaken))
async def change_user(id: UUID, body: s.UserChange, tx: WriteTx, caller: Writer) -> s.UserView:
    """Change a user's address, name or language."""
    await USERS.permit(tx, caller, p.USER_WRITE, id)
    await actions.change_user(tx, caller, id, body)
    return await accounts.user_view(tx, id)


@router.put("/{id}/employee", responses=refusals(NotFound, StrongerAccount, EmployeeTaken))
async def link_employee(id: UUID, body: s.EmployeeLink, tx: WriteTx, caller: Writer) -> s.UserView:
    """Say which employee a user is, or that he is none."""
    await USERS.permit(tx, caller, p.USER_WRITE, id)
    await actions.link_employee(tx, caller, id, body.employee_id)
    return await accounts.user_view(tx, id)


@router.post("/{id}/disable", responses=refusals(NotFound, StrongerAccount, LastAdministrator))
async def disable_user(id: UUID, body: s.Reason, tx: WriteTx, caller: Writer) -> s.UserView:
    """Keep a user from signing in and end his sessions."""
    await USERS.permit(tx, caller, p.USER_WRITE, id)
    await actions.disable_user(tx, caller, id, reason=body.reason)
    return await accounts.user_view(tx, id)


@router.post("/{id}/enable", responses=refusals(NotFound, StrongerAccount))
async def enable_user(id: UUID, tx: WriteTx, caller: Writer) -> s.UserView:
    """Let a disabled user sign in again."""
    await USERS.permit(tx, caller, p.USER_WRITE, id)
    await actions.enable_user(tx, caller, id)
    return await accounts.user_view(tx, id)


@router.post("/{id}/password", responses=refusals(NotFound, StrongerAccount, WeakPassword))
async def set_temporary_password(
    id: UUID, body: s.TemporaryPassword, tx: WriteTx, caller: Writer
) -> s.UserView:
    """Set a password that the user has to replace; his sessions end."""
    await USERS.permit(tx, caller, p.USER_WRITE, id)
    await actions.set_temporary_password(tx, caller, id, body.password.get_secret_value())
    return await accounts.user_view(tx, id)


@router.get("/{id}/roles", responses=refusals(NotFound))
async def read_roles(id: UUID, tx: ReadTx, caller: Reader) -> s.AssignmentsView:
    """The roles of a user, from when until when, and whether each counts at present."""
    await USERS.permit(tx, caller, p.USER_READ, id)
    return s.AssignmentsView(items=await role_queries.assignments(tx, id, caller.now))


@router.put(
    "/{id}/roles",
    responses=refusals(NotFound, GrantsMoreThanHeld, LastAdministrator, RoleArchived, EmptyPeriod),
)
async def assign_roles(
    id: UUID, body: s.Assignments, tx: WriteTx, caller: Assigner
) -> s.AssignmentsView:
    """Let a user have these roles and no others, from his next token on."""
    await USERS.permit(tx, caller, p.USER_ASSIGN, id)
    await role_actions.assign_roles(tx, caller, id, body.roles)
    return s.AssignmentsView(items=await role_queries.assignments(tx, id, caller.now))


@router.get("/{id}/sessions", responses=refusals(NotFound))
async def list_users_sessions(id: UUID, tx: ReadTx, caller: Reader) -> s.Sessions:
    """Where a user is signed in."""
    await USERS.permit(tx, caller, p.USER_READ, id)
    return s.Sessions(items=await accounts.live_sessions(tx, caller, id))


@router.delete("/{id}/sessions", responses=refusals(NotFound, StrongerAccount))
async def end_users_sessions(id: UUID, tx: WriteTx, caller: Ender) -> s.Ended:
    """Sign a user out everywhere."""
    await USERS.permit(tx, caller, p.SESSION_END, id)
    return s.Ended(ended=await actions.end_users_sessions(tx, caller, id))
