"""Who somebody is and what he may do, in one indexed read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import NotFound
from orrery.services.identity.rules.principal import Held, Principal

WHO: LiteralString = """
    a.id as user_id, a.email, a.full_name, a.is_active, a.employee_id, a.unit_ids, a.department_ids,
    coalesce(c.is_temporary, false) as must_change_password,
    (select coalesce(jsonb_agg(
        jsonb_build_array(g.pattern, g.scope, x.valid_from, x.valid_until)), '[]')
     from role_assignment x
     join role r on r.id = x.role_id and not r.is_archived
     cross join lateral jsonb_each_text(r.grants) g (pattern, scope)
     where x.user_id = a.id) as held
"""
CREDENTIALS: LiteralString = """
    left join credential c on c.user_id = a.id
"""
BY_ID: LiteralString = " ".join(
    ("select", WHO, "from user_account a", CREDENTIALS, "where a.id = %(id)s")
)
BY_SESSION: LiteralString = " ".join(
    (
        "select s.id as session_id, s.created_at, s.last_seen_at, s.ended_at,",
        WHO,
        "from session s join user_account a on a.id = s.user_id",
        CREDENTIALS,
        "where s.digest = %(digest)s",
    )
)
BY_API_TOKEN: LiteralString = " ".join(
    (
        "select t.id as token_id, t.expires_at, t.last_used_at, t.revoked_at, t.patterns,",
        WHO,
        "from api_token t join user_account a on a.id = t.user_id",
        CREDENTIALS,
        "where t.digest = %(digest)s",
    )
)


@dataclass(frozen=True)
class SessionFound:
    """A browser's session and whose it is."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    principal: Principal


@dataclass(frozen=True)
class ApiTokenFound:
    """A program's token and as whom it acts."""

    id: UUID
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    patterns: list[str] | None
    principal: Principal


async def of_user(tx: ReadTx, user_id: UUID) -> Principal:
    """The principal of a user. Refuses: NotFound."""
    principal = await find_user(tx, user_id)
    if principal is None:
        raise NotFound(resource="user", id=user_id)
    return principal


async def find_user(tx: ReadTx, user_id: UUID) -> Principal | None:
    """The principal of a user, or None."""
    row = await tx.row(BY_ID, id=user_id)
    return _principal(tx.caller.tenant, row) if row else None


async def of_session(tx: ReadTx, digest: str) -> SessionFound | None:
    """The session that a cookie's digest belongs to."""
    row = await tx.row(BY_SESSION, digest=digest)
    if row is None:
        return None
    principal = _principal(tx.caller.tenant, row)
    return SessionFound(row.session_id, row.created_at, row.last_seen_at, row.ended_at, principal)


async def of_api_token(tx: ReadTx, digest: str) -> ApiTokenFound | None:
    """The API token that a digest belongs to."""
    row = await tx.row(BY_API_TOKEN, digest=digest)
    if row is None:
        return None
    principal = _principal(tx.caller.tenant, row)
    return ApiTokenFound(
        row.token_id, row.expires_at, row.last_used_at, row.revoked_at, row.patterns, principal
    )


def _principal(tenant: str, row: Any) -> Principal:
    return Principal(
        tenant=tenant,
        user_id=row.user_id,
        email=row.email,
        full_name=row.full_name,
        is_active=row.is_active,
        must_change_password=row.must_change_password,
        employee_id=row.employee_id,
        unit_ids=tuple(row.unit_ids),
        department_ids=tuple(row.department_ids),
        held=tuple(
            Held(pattern, scope, _instant(begin), _instant(end))
            for pattern, scope, begin, end in row.held
        ),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
