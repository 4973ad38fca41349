"""What people see of their own account: who they are, where they are signed in, their tokens."""

from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import Unauthenticated
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.queries import principals, roles
from orrery.services.identity.queries.limits import of_sessions
from orrery.services.identity.rules.sessions import ends_at
from orrery.services.identity.settings import Settings


async def user_view(tx: ReadTx, user_id: UUID) -> s.UserView:
    """A user as the API shows him. Refuses: NotFound."""
    user = await tx.one(m.User, user_id)
    return s.UserView.of(user, roles=sorted(await roles.assigned(tx, user_id)))


async def me(tx: ReadTx, caller: Caller) -> s.Me:
    """Who is signed in and what he may do. Refuses: Unauthenticated."""
    if caller.user_id is None:
        raise Unauthenticated(reason="not_a_user")
    principal = await principals.of_user(tx, caller.user_id)
    return s.Me(
        user=await user_view(tx, caller.user_id),
        tenant=caller.tenant,
        time_zone=caller.time_zone,
        roles=await roles.assignments(tx, caller.user_id, caller.now),
        grants=dict(caller.grants),
        session_id=caller.session_id,
        must_change_password=principal.must_change_password,
    )


async def live_sessions(tx: ReadTx, caller: Caller, user_id: UUID) -> list[s.SessionView]:
    """Where a user is signed in, the latest first."""
    rows = await tx.rows(
        "select id, for_programs, device, address, created_at, last_seen_at"
        " from session where user_id = %(user)s and ended_at is null"
        " order by last_seen_at desc, id desc",
        user=user_id,
    )
    settings = tx.settings(Settings)
    views = [_session_view(row, settings, caller) for row in rows]
    return [view for view in views if caller.now < view.ends_at]


def _session_view(row: Any, settings: Settings, caller: Caller) -> s.SessionView:
    limits = of_sessions(settings, for_programs=row.for_programs)
    return s.SessionView.of(
        row,
        ends_at=ends_at(created_at=row.created_at, last_seen_at=row.last_seen_at, limits=limits),
        is_current=row.id == caller.session_id,
    )


async def api_tokens(tx: ReadTx, user_id: UUID) -> list[s.ApiTokenView]:
    """A user's API tokens, the latest first, also those that ended."""
    rows = await tx.rows(
        "select id, name, shown, patterns, expires_at, last_used_at, revoked_at, created_at"
        " from api_token where user_id = %(user)s order by id desc limit 200",
        user=user_id,
    )
    return s.ApiTokenView.of_all(rows)
