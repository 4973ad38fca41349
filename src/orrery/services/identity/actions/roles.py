"""Roles: bundled, changed, archived, given and taken; nobody hands out what he does not hold."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from orrery.contracts.identity import RoleAssigned, RoleChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.permission import Scope
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.queries import roles as queries
from orrery.services.identity.rules import grants, roles


async def add_built_in_roles(tx: Tx) -> None:
    """Give a new tenant the roles that every tenant has."""
    await tx.add_many(
        m.Role,
        [
            {
                "code": role.code,
                "name": role.name,
                "description": role.description,
                "grants": dict(role.grants),
                "is_built_in": True,
            }
            for role in roles.BUILT_IN
        ],
    )


async def create_role(tx: Tx, caller: Caller, draft: s.RoleDraft) -> m.Role:
    """Bundle grants under a name. Refuses: UnknownPermission, GrantsMoreThanHeld, RoleCodeTaken.
    Announces: RoleChanged."""
    await _check_grants(tx, caller, draft.grants)
    role = await tx.add(
        m.Role,
        code=draft.code,
        name=draft.name,
        description=draft.description,
        grants=draft.grants,
        is_built_in=False,
    )
    _announce(tx, role)
    return role


async def change_role(tx: Tx, caller: Caller, role_id: UUID, change: s.RoleChange) -> m.Role:
    """Change a role; whoever has it has it so from his next token on.

    Refuses: BuiltInRole, UnknownPermission, GrantsMoreThanHeld. Announces: RoleChanged.
    """
    role = await _lock_custom(tx, role_id)
    if change.grants is not None:
        await _check_grants(tx, caller, change.grants)
    values = change.model_dump(exclude_none=True)
    if not values:
        return role
    role = await tx.change(role, **values)
    _announce(tx, role)
    return role


async def archive_role(tx: Tx, caller: Caller, role_id: UUID) -> m.Role:
    """Take a role out of use. Refuses: BuiltInRole, RoleInUse. Announces: RoleChanged."""
    role = await _lock_custom(tx, role_id)
    users = await tx.value(
        "select count(*) from role_assignment where role_id = %(id)s", id=role_id
    )
    if users:
        raise roles.RoleInUse(role=role.code, users=users)
    role = await tx.change(role, is_archived=True)
    _announce(tx, role)
    return role


async def restore_role(tx: Tx, caller: Caller, role_id: UUID) -> m.Role:
    """Bring an archived role back. Refuses: BuiltInRole, GrantsMoreThanHeld. Announces:
    RoleChanged."""
    role = await _lock_custom(tx, role_id)
    grants.check_may_grant(held=await queries.held_by(tx, caller), wanted=_grants(role))
    role = await tx.change(role, is_archived=False)
    _announce(tx, role)
    return role


async def assign_roles(
    tx: Tx, caller: Caller, user_id: UUID, wanted: Sequence[s.AssignmentDraft]
) -> m.User:
    """Let a user have these roles and no others, from his next token on.

    Refuses: NotFound, RoleArchived, EmptyPeriod, GrantsMoreThanHeld, LastAdministrator.
    Announces: RoleAssigned.
    """
    user = await tx.lock(m.User, user_id)
    await give_roles(tx, caller, user, wanted)
    return user


async def give_roles(
    tx: Tx, caller: Caller, user: m.User, wanted: Sequence[s.AssignmentDraft]
) -> None:
    """Make a locked user's roles what is wanted; see ``assign_roles``."""
    drafts = {draft.role: draft for draft in wanted}
    found = await queries.roles_by_code(tx, list(drafts))
    for code, draft in drafts.items():
        roles.check_period(valid_from=draft.valid_from, valid_until=draft.valid_until)
        if found[code].is_archived:
            raise roles.RoleArchived(role=code)
    before = await queries.assigned(tx, user.id)
    after = {
        code: queries.Assigned(
            found[code].id, draft.valid_from, draft.valid_until, found[code].grants
        )
        for code, draft in drafts.items()
    }
    touched = {
        c: (after.get(c) or before[c]) for c in {*before, *after} if before.get(c) != after.get(c)
    }
    if not touched:
        return
    # Taking away counts like giving: else a lesser administrator could disarm a greater one.
    grants.check_may_grant(
        held=await queries.held_by(tx, caller),
        wanted=grants.widest(g for a in touched.values() for g in a.grants.items()),
    )
    await _check_administrators(tx, caller, user, touched, after)
    await _write_assignments(tx, user.id, after)
    tx.announce(RoleAssigned(user.id, sorted(after)))


async def lock_administrators(tx: Tx) -> None:
    """Let only one transaction at a time change who administers."""
    # Not ``tx.lock``: the request's If-Match speaks of the user, not of this role.
    await tx.run("select 1 from role where code = %(code)s for update", code=roles.ADMIN)


async def _check_administrators(
    tx: Tx,
    caller: Caller,
    user: m.User,
    touched: dict[str, queries.Assigned],
    after: dict[str, queries.Assigned],
) -> None:
    if roles.ADMIN not in touched:
        return
    await lock_administrators(tx)
    holdings = [h for h in await queries.administrators(tx) if h.user_id != user.id]
    mine = after.get(roles.ADMIN)
    if mine is not None and user.is_active:
        holdings.append(roles.Holding(user.id, mine.valid_from, mine.valid_until))
    roles.check_administrator_remains(holdings, caller.now)


async def _write_assignments(tx: Tx, user_id: UUID, after: dict[str, queries.Assigned]) -> None:
    """Rows that stay as they are keep their id, so that the history shows what really changed."""
    kept = {row.role_id: row for row in await tx.all(m.RoleAssignment, user_id=user_id)}
    wanted = {assigned.role_id: assigned for assigned in after.values()}
    for role_id, row in kept.items():
        if role_id not in wanted:
            await tx.remove(row)
        elif (period := wanted[role_id].period) != (row.valid_from, row.valid_until):
            await tx.change(row, valid_from=period[0], valid_until=period[1])
    await tx.add_many(
        m.RoleAssignment,
        [
            {
                "user_id": user_id,
                "role_id": role_id,
                "valid_from": assigned.valid_from,
                "valid_until": assigned.valid_until,
            }
            for role_id, assigned in wanted.items()
            if role_id not in kept
        ],
    )


async def _check_grants(tx: Tx, caller: Caller, wanted: dict[str, Scope]) -> None:
    grants.check_known(wanted, queries.known_permissions(tx))
    grants.check_may_grant(held=await queries.held_by(tx, caller), wanted=wanted)


async def _lock_custom(tx: Tx, role_id: UUID) -> m.Role:
    role = await tx.lock(m.Role, role_id)
    if role.is_built_in:
        raise roles.BuiltInRole(role=role.code)
    return role


def _grants(role: m.Role) -> dict[str, Scope]:
    stored: Any = role.grants
    return dict(stored)


def _announce(tx: Tx, role: m.Role) -> None:
    tx.announce(RoleChanged(role.id, role.code, dict(role.grants), role.is_archived))
