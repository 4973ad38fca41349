"""Users: created, changed, linked with employees, disabled and enabled by administrators."""

from typing import Any
from uuid import UUID

from orrery.contracts.identity import UserChanged, UserCreated, UserDisabled, UserEnabled
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Forbidden
from orrery.services.identity import models as m
from orrery.services.identity import permissions as p
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import attempts, passwords, roles, sessions
from orrery.services.identity.queries import principals
from orrery.services.identity.queries import roles as role_queries
from orrery.services.identity.rules import grants, links
from orrery.services.identity.rules.roles import check_administrator_remains


async def create_user(tx: Tx, caller: Caller, draft: s.UserDraft) -> m.User:
    """Create an account, with a password to replace and roles if given.

    Refuses: BadEmail, EmailTaken, WeakPassword, and what giving roles refuses. Announces:
    UserCreated, PasswordChanged, RoleAssigned.
    """
    if draft.roles and not caller.may(p.USER_ASSIGN):
        raise Forbidden(permission=p.USER_ASSIGN.code)
    user = await add_user(
        tx, caller, email=draft.email, full_name=draft.full_name, language=draft.language
    )
    if draft.temporary_password is not None:
        password = draft.temporary_password.get_secret_value()
        await passwords.store_password(tx, caller, user, password, is_temporary=True)
    if draft.roles:
        await roles.give_roles(tx, caller, user, draft.roles)
    return user


async def add_user(
    tx: Tx, caller: Caller, *, email: str, full_name: str, language: str, id: UUID | None = None
) -> m.User:
    """Add an account, linked with the employee of that address. Refuses: BadEmail, EmailTaken.
    Announces: UserCreated."""
    email = links.normal_email(email)
    user = await tx.add(
        m.User,
        id=id,
        email=email,
        full_name=full_name,
        language=language,
        is_active=True,
        employee_id=await _employee_of(tx, email),
        unit_ids=[],
        department_ids=[],
        last_signed_in_at=None,
    )
    tx.announce(UserCreated(user.id, user.email, user.full_name, user.employee_id))
    return user


async def change_user(tx: Tx, caller: Caller, user_id: UUID, change: s.UserChange) -> m.User:
    """Change a user's particulars. Refuses: StrongerAccount, BadEmail, EmailTaken. Announces:
    UserChanged."""
    user = await _lock_weaker(tx, caller, user_id)
    values: dict[str, Any] = {
        name: value
        for name in ("full_name", "language")
        if (value := getattr(change, name)) is not None
    }
    if change.email is not None:
        values["email"] = links.normal_email(change.email)
        if user.employee_id is None:
            values["employee_id"] = await _employee_of(tx, values["email"])
    if not values:
        return user
    user = await tx.change(user, **values)
    _announce_changed(tx, user)
    return user


async def link_employee(tx: Tx, caller: Caller, user_id: UUID, employee_id: UUID | None) -> m.User:
    """Say which employee a user is, or that he is none. Refuses: StrongerAccount, EmployeeTaken.
    Announces: UserChanged."""
    user = await _lock_weaker(tx, caller, user_id)
    user = await tx.change(user, employee_id=employee_id)
    _announce_changed(tx, user)
    return user


async def disable_user(tx: Tx, caller: Caller, user_id: UUID, *, reason: str) -> m.User:
    """Keep a user from signing in, and end his sessions. Refuses: StrongerAccount,
    LastAdministrator. Announces: UserDisabled, SessionsRevoked."""
    user = await _lock_weaker(tx, caller, user_id)
    if not user.is_active:
        return user
    await roles.lock_administrators(tx)
    others = [h for h in await role_queries.administrators(tx) if h.user_id != user_id]
    if await role_queries.is_administrator(tx, user_id):
        check_administrator_remains(others, caller.now)
    user = await tx.change(user, is_active=False)
    await sessions.end_sessions(tx, caller, user_id, reason="disabled")
    tx.announce(UserDisabled(user.id, user.email, reason))
    return user


async def enable_user(tx: Tx, caller: Caller, user_id: UUID) -> m.User:
    """Let a user sign in again. Refuses: StrongerAccount. Announces: UserEnabled."""
    user = await _lock_weaker(tx, caller, user_id)
    if user.is_active:
        return user
    user = await tx.change(user, is_active=True)
    tx.announce(UserEnabled(user.id, user.email))
    return user


async def set_temporary_password(tx: Tx, caller: Caller, user_id: UUID, password: str) -> m.User:
    """Set a password that the user has to replace; his sessions end.

    Refuses: StrongerAccount, WeakPassword. Announces: PasswordChanged, SessionsRevoked.
    """
    user = await _lock_weaker(tx, caller, user_id)
    await passwords.store_password(tx, caller, user, password, is_temporary=True)
    await attempts.forgive(tx, user.email)
    await sessions.end_sessions(tx, caller, user_id, reason="password_set")
    return user


async def end_users_sessions(tx: Tx, caller: Caller, user_id: UUID) -> int:
    """Sign a user out everywhere. Refuses: StrongerAccount. Announces: SessionsRevoked."""
    await _lock_weaker(tx, caller, user_id)
    return await sessions.end_sessions(tx, caller, user_id, reason="ended_by_administrator")


async def _lock_weaker(tx: Tx, caller: Caller, user_id: UUID) -> m.User:
    """The user, unless he may more than the caller. Refuses: NotFound, Stale, StrongerAccount."""
    user = await tx.lock(m.User, user_id)
    if caller.user_id != user_id:
        # What the account would hold if it were active: enabling it must not raise anybody either.
        theirs = (await principals.of_user(tx, user_id)).grants_possible()
        grants.check_not_stronger(held=await role_queries.held_by(tx, caller), theirs=theirs)
    return user


async def _employee_of(tx: Tx, email: str) -> UUID | None:
    found: UUID | None = await tx.value(
        "select e.id from employee e where e.email = %(email)s"
        " and not exists (select 1 from user_account a where a.employee_id = e.id)"
        " order by e.id limit 1",
        email=email,
    )
    return found


def _announce_changed(tx: Tx, user: m.User) -> None:
    tx.announce(UserChanged(user.id, user.email, user.full_name, user.language, user.employee_id))
