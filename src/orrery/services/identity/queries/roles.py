"""Roles, who has them, and why somebody may."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.permission import SCOPES, Permission, Scope
from orrery.kernel.types.refusal import NotFound
from orrery.services.identity import schemas as s
from orrery.services.identity.queries import principals
from orrery.services.identity.rules import explain, grants, roles


async def held_by(tx: ReadTx, caller: Caller) -> dict[str, Scope]:
    """What the caller holds according to his token, as far as it is still true.

    A token may be five minutes old. Whoever lost a role in the meantime must not use those
    minutes to give it back to himself.
    """
    if caller.user_id is None:
        return dict(caller.grants)
    principal = await principals.find_user(tx, caller.user_id)
    if principal is None:
        return dict(caller.grants)
    fresh = principal.grants_at(caller.now)
    return grants.widest(
        (common, min(mine, theirs, key=_width))
        for held, mine in caller.grants.items()
        for pattern, theirs in fresh.items()
        if (common := grants.overlap(held, pattern)) is not None
    )


def _width(scope: Scope) -> int:
    return SCOPES.index(scope)


async def assignments(tx: ReadTx, user_id: UUID, now: datetime) -> list[s.AssignmentView]:
    """The roles of a user, and whether each counts at an instant."""
    rows = await tx.rows(
        "select r.id as role_id, r.code, r.name, r.is_archived, x.valid_from, x.valid_until"
        " from role_assignment x join role r on r.id = x.role_id"
        " where x.user_id = %(id)s order by r.code",
        id=user_id,
    )
    return [
        s.AssignmentView(
            role_id=row.role_id,
            code=row.code,
            name=row.name,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            counts=not row.is_archived
            and roles.counts_at(now, valid_from=row.valid_from, valid_until=row.valid_until),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Assigned:
    """A role that a user has or shall have, and what it grants."""

    role_id: UUID
    valid_from: datetime | None
    valid_until: datetime | None
    grants: dict[str, Scope]

    @property
    def period(self) -> tuple[datetime | None, datetime | None]:
        """From when until when it counts."""
        return self.valid_from, self.valid_until


async def assigned(tx: ReadTx, user_id: UUID) -> dict[str, Assigned]:
    """The roles a user has, by code."""
    rows = await tx.rows(
        "select r.code, r.id, x.valid_from, x.valid_until, r.grants"
        " from role_assignment x join role r on r.id = x.role_id where x.user_id = %(id)s",
        id=user_id,
    )
    return {row.code: Assigned(row.id, row.valid_from, row.valid_until, row.grants) for row in rows}


async def is_administrator(tx: ReadTx, user_id: UUID) -> bool:
    """Whether a user has the administrator's role, at present or not."""
    return roles.ADMIN in await assigned(tx, user_id)


async def administrators(tx: ReadTx) -> list[roles.Holding]:
    """Who has the administrator's role among the active users."""
    rows = await tx.rows(
        "select x.user_id, x.valid_from, x.valid_until from role_assignment x"
        " join role r on r.id = x.role_id join user_account a on a.id = x.user_id"
        " where r.code = %(code)s and a.is_active order by x.user_id",
        code=roles.ADMIN,
    )
    return [roles.Holding(row.user_id, row.valid_from, row.valid_until) for row in rows]


def known_permissions(tx: ReadTx) -> list[Permission]:
    """Every permission of every service."""
    return [Permission(entry["code"], entry["title"]) for entry in tx.catalogue()]


def permission_list(tx: ReadTx) -> list[s.PermissionView]:
    """Every permission of every service, by code."""
    entries = sorted(tx.catalogue(), key=lambda entry: entry["code"])
    return [s.PermissionView.model_validate(entry) for entry in entries]


async def explanation(
    tx: ReadTx, caller: Caller, *, user_id: UUID, permission: str
) -> s.Explanation:
    """Why a user may or may not do something. Refuses: NotFound."""
    code = next((p for p in known_permissions(tx) if p.code == permission), None)
    if code is None:
        raise NotFound(resource="permission", id=permission)
    principal = await principals.of_user(tx, user_id)
    verdict = explain.verdict(
        code,
        await _given(tx, user_id),
        caller.now,
        is_active=principal.is_active,
        must_change_password=principal.must_change_password,
    )
    return s.Explanation(
        user_id=user_id,
        permission=code.code,
        title=code.title,
        is_allowed=verdict.scope is not None,
        scope=verdict.scope,
        because=s.Because.of_all(verdict.because),
        missing=verdict.missing,
        roles_that_would=await _roles_granting(tx, code),
    )


async def _given(tx: ReadTx, user_id: UUID) -> list[explain.Given]:
    rows = await tx.rows(
        "select r.code, g.pattern, g.scope, x.valid_from, x.valid_until, r.is_archived"
        " from role_assignment x join role r on r.id = x.role_id"
        " cross join lateral jsonb_each_text(r.grants) g (pattern, scope)"
        " where x.user_id = %(id)s order by r.code, g.pattern",
        id=user_id,
    )
    return [explain.Given(*row) for row in rows]


async def _roles_granting(tx: ReadTx, permission: Permission) -> list[str]:
    rows = await tx.rows("select code, grants from role where not is_archived order by code")
    return [row.code for row in rows if any(permission.matches(p) for p in row.grants)]


async def roles_by_code(tx: ReadTx, codes: Sequence[str]) -> dict[str, Any]:
    """Some roles by their codes. Refuses: NotFound."""
    rows = await tx.rows(
        "select id, code, is_archived, grants from role where code = any(%(codes)s)",
        codes=list(codes),
    )
    found = {row.code: row for row in rows}
    missing = sorted(set(codes) - set(found))
    if missing:
        raise NotFound(resource="role", code=missing[0])
    return found
