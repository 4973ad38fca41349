"""Sessions: begun by signing in, carried by a cookie or refresh tokens, ended by anybody's word."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from orrery.contracts.identity import SessionsRevoked
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import NotFound, Unauthenticated
from orrery.services.identity import models as m
from orrery.services.identity.queries import principals
from orrery.services.identity.queries.limits import of_lockout, of_sessions
from orrery.services.identity.rules import credentials, sessions
from orrery.services.identity.rules.principal import Principal
from orrery.services.identity.settings import Settings

# Old sessions end when somebody signs in more often than this without ever signing out.
SESSIONS_MOST = 100


@dataclass(frozen=True)
class Origin:
    """Where a request came from, as far as the gateway could tell."""

    address: str | None
    device: str | None


@dataclass(frozen=True)
class Begun:
    """A session that has just begun, with the secret that carries it (shown this once)."""

    id: UUID
    secret: str
    ends_at: datetime


async def begin_session(
    tx: Tx, caller: Caller, user_id: UUID, origin: Origin, *, for_programs: bool
) -> Begun:
    """Begin a session and write down its secret's digest."""
    settings, now = tx.settings(Settings), caller.now
    random = secrets.token_urlsafe(32)
    cookie = credentials.write_session(caller.tenant, random)
    session = await tx.add(
        m.Session,
        user_id=user_id,
        for_programs=for_programs,
        digest=None if for_programs else credentials.digest(cookie),
        device=sessions.device_name(origin.device),
        address=origin.address,
        created_at=now,
        last_seen_at=now,
        ended_at=None,
        ended_because=None,
    )
    await tx.run(
        "update session set ended_at = %(now)s, ended_because = 'too_many' where id in ("
        " select id from session where user_id = %(user)s and ended_at is null"
        " order by last_seen_at desc, id desc offset %(most)s)",
        now=now,
        user=user_id,
        most=SESSIONS_MOST,
    )
    secret = await issue_refresh(tx, caller, session.id) if for_programs else cookie
    limits = of_sessions(settings, for_programs=for_programs)
    return Begun(
        session.id, secret, sessions.ends_at(created_at=now, last_seen_at=now, limits=limits)
    )


async def issue_refresh(tx: Tx, caller: Caller, session_id: UUID) -> str:
    """The next refresh token of a session; only its digest is kept."""
    token = credentials.write_token(
        credentials.REFRESH_TOKEN_PREFIX, caller.tenant, secrets.token_urlsafe(32)
    )
    await tx.add(
        m.RefreshToken,
        session_id=session_id,
        digest=credentials.digest(token),
        created_at=caller.now,
        used_at=None,
    )
    return token


async def follow_session(
    tx: Tx, caller: Caller, digest: str, address: str | None
) -> tuple[UUID, Principal]:
    """Whose session a cookie carries; at most once a minute it is written that he was seen.

    Refuses: SessionEnded.
    """
    found = await principals.of_session(tx, digest)
    now = caller.now
    if (
        found is None
        or not found.principal.is_active
        or not sessions.is_live(
            created_at=found.created_at,
            last_seen_at=found.last_seen_at,
            ended_at=found.ended_at,
            now=now,
            limits=of_sessions(tx.settings(Settings), for_programs=False),
        )
    ):
        raise sessions.SessionEnded
    if sessions.is_sighting_due(last_seen_at=found.last_seen_at, now=now):
        await tx.run(
            "update session set last_seen_at = %(now)s, address = coalesce(%(address)s, address)"
            " where id = %(id)s and ended_at is null",
            now=now,
            address=address,
            id=found.id,
        )
    return found.id, found.principal


async def end_session(tx: Tx, caller: Caller, session_id: UUID, *, reason: str) -> None:
    """End one session. Refuses: NotFound. Announces: SessionsRevoked."""
    session = await tx.row(
        "update session set ended_at = %(now)s, ended_because = %(reason)s"
        " where id = %(id)s and ended_at is null returning user_id",
        now=caller.now,
        reason=reason,
        id=session_id,
    )
    if session is None:
        raise NotFound(resource="session", id=session_id)
    tx.announce(SessionsRevoked(session.user_id, session_id, reason))


async def end_own_session(tx: Tx, caller: Caller, session_id: UUID) -> None:
    """End one of the caller's sessions. Refuses: NotFound. Announces: SessionsRevoked."""
    session = await tx.one(m.Session, session_id)
    if caller.user_id is None or session.user_id != caller.user_id:
        raise NotFound(resource="session", id=session_id)
    await end_session(tx, caller, session_id, reason="signed_out")


async def end_current_session(tx: Tx, caller: Caller) -> None:
    """Sign out. Refuses: NoSession, NotFound. Announces: SessionsRevoked."""
    await end_session(tx, caller, current_session(caller), reason="signed_out")


async def end_sessions(
    tx: Tx, caller: Caller, user_id: UUID, *, reason: str, but: UUID | None = None
) -> int:
    """End every session of a user, but one if it is named. Announces: SessionsRevoked."""
    ended = await tx.rows(
        "update session set ended_at = %(now)s, ended_because = %(reason)s"
        " where user_id = %(user)s and ended_at is null and id is distinct from %(but)s"
        " returning id",
        now=caller.now,
        reason=reason,
        user=user_id,
        but=but,
    )
    if but is None and ended:
        tx.announce(SessionsRevoked(user_id, None, reason))
    elif ended:
        for session in ended:
            tx.announce(SessionsRevoked(user_id, session.id, reason))
    return len(ended)


def current_session(caller: Caller) -> UUID:
    """The session that the caller's token was made for. Refuses: NoSession."""
    if caller.session_id is None:
        raise sessions.NoSession
    return caller.session_id


def own_id(caller: Caller) -> UUID:
    """The caller's user; a service has none. Refuses: Unauthenticated."""
    if caller.user_id is None:
        raise Unauthenticated(reason="not_a_user")
    return caller.user_id


async def forget_sessions(tx: Tx, caller: Caller) -> None:
    """End what ran out, and forget sessions and tallies that ended long ago."""
    settings, now = tx.settings(Settings), caller.now
    long_ago = now - timedelta(days=settings.keep_ended_days)
    for for_programs in (False, True):
        limits = of_sessions(settings, for_programs=for_programs)
        await tx.run(
            "update session set ended_at = %(now)s, ended_because = 'ran_out'"
            " where ended_at is null and for_programs = %(programs)s"
            " and (last_seen_at <= %(idle)s or created_at <= %(absolute)s)",
            now=now,
            programs=for_programs,
            idle=now - limits.idle,
            absolute=now - limits.absolute,
        )
    await tx.run(
        "delete from refresh_token t using session s"
        " where s.id = t.session_id and s.ended_at <= %(long_ago)s",
        long_ago=long_ago,
    )
    await tx.run("delete from session where ended_at <= %(long_ago)s", long_ago=long_ago)
    await tx.run(
        "delete from sign_in_tally where failed_at <= %(long_ago)s",
        long_ago=now - of_lockout(settings).forget_after,
    )
