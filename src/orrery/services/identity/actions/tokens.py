"""Tokens: access tokens for whoever is known, refresh tokens that work once, API tokens."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from orrery.contracts.identity import ApiTokenIssued, ApiTokenRevoked
from orrery.kernel import clock
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.http import Opener
from orrery.kernel.tenancy import NoSuchTenant, TenantSuspended
from orrery.kernel.types.refusal import NotFound, Refusal, Unauthenticated
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import keys, sessions, sign_in
from orrery.services.identity.actions.sessions import Origin
from orrery.services.identity.queries import principals
from orrery.services.identity.queries import roles as role_queries
from orrery.services.identity.queries.limits import of_sessions
from orrery.services.identity.rules import credentials, grants
from orrery.services.identity.rules.principal import Principal, claims, token_end
from orrery.services.identity.rules.sessions import SessionEnded, is_live, is_sighting_due
from orrery.services.identity.settings import Settings

API_TOKEN_LONGEST = timedelta(days=366)
API_TOKENS_MOST = 50


class BadRefreshToken(Unauthenticated):
    """The refresh token is none, ran out, or was used before (then its whole session ended)."""

    code = "identity.bad_refresh_token"


class BadApiToken(Unauthenticated):
    """The API token is none, ran out, was revoked, or its user is disabled."""

    code = "identity.bad_api_token"


class BadExpiry(Refusal):
    """An API token ends in the future, and within a year."""

    code = "identity.bad_expiry"


class TooManyTokens(Refusal):
    """One user may hold only so many API tokens at a time."""

    code = "identity.too_many_tokens"


@dataclass(frozen=True)
class Access:
    """A signed access token and when it ends."""

    access_token: str
    expires_at: datetime
    expires_in: int
    tenant: str
    user_id: UUID
    session_id: UUID | None


@dataclass(frozen=True)
class Refreshed:
    """What a refresh token brought: whom it is for, and the next one."""

    session_id: UUID
    secret: str
    principal: Principal
    ring: keys.Ring
    settings: Settings


async def access(
    open_tx: Opener,
    ring: keys.Ring,
    settings: Settings,
    principal: Principal,
    *,
    session_id: UUID | None,
    patterns: Collection[str] | None = None,
) -> Access:
    """Sign an access token; outside a transaction, for the key list may have to be read."""
    now = clock.now()
    expires_at = token_end(principal, now, timedelta(seconds=settings.access_token_seconds))
    said = claims(principal, now, expires_at=expires_at, session_id=session_id, patterns=patterns)
    signer = await ring.signer(open_tx)
    return Access(
        access_token=signer.sign(said),
        expires_at=expires_at,
        expires_in=int((expires_at - now).total_seconds()),
        tenant=principal.tenant,
        user_id=principal.user_id,
        session_id=session_id,
    )


async def sign_in_program(open_tx: Opener, asked: s.SignIn, origin: Origin) -> s.TokenPair:
    """Let a program in. Refuses: WrongCredentials, LockedOut. Announces: UserSignedIn."""
    arrived = await sign_in.sign_in(open_tx, asked, origin, for_programs=True)
    refreshed = Refreshed(
        arrived.begun.id, arrived.begun.secret, arrived.principal, arrived.ring, arrived.settings
    )
    return await _pair(open_tx, refreshed)


async def refresh(open_tx: Opener, token: str) -> s.TokenPair:
    """Exchange a refresh token for the next pair. Refuses: BadRefreshToken.

    Used a second time, a token was copied, and nobody can tell which of the two is the thief:
    the whole session ends. That must stand although the request is refused.
    """
    secret = credentials.read_token(token, credentials.REFRESH_TOKEN_PREFIX)
    if secret is None:
        raise BadRefreshToken
    try:
        async with open_tx(secret.tenant) as tx:
            refreshed = await _rotate(tx, tx.caller, secret.digest)
    except NoSuchTenant as error:
        raise BadRefreshToken from error
    if refreshed is None:
        raise BadRefreshToken
    return await _pair(open_tx, refreshed)


async def _pair(open_tx: Opener, refreshed: Refreshed) -> s.TokenPair:
    made = await access(
        open_tx,
        refreshed.ring,
        refreshed.settings,
        refreshed.principal,
        session_id=refreshed.session_id,
    )
    return s.TokenPair(
        access_token=made.access_token,
        token_type="Bearer",
        expires_at=made.expires_at,
        expires_in=made.expires_in,
        refresh_token=refreshed.secret,
        must_change_password=refreshed.principal.must_change_password,
    )


async def _rotate(tx: Tx, caller: Caller, digest: str) -> Refreshed | None:
    known = await tx.find(m.RefreshToken, digest=digest)
    if known is None:
        return None
    # The session is the parent and locked first; its tokens change only under this lock.
    session = await tx.lock(m.Session, known.session_id)
    token = await tx.one(m.RefreshToken, known.id)
    if token.used_at is not None:
        if session.ended_at is None:
            await sessions.end_session(tx, caller, session.id, reason="refresh_token_reused")
        return None
    principal = await principals.of_user(tx, session.user_id)
    limits = of_sessions(tx.settings(Settings), for_programs=True)
    if not principal.is_active or not is_live(
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        ended_at=session.ended_at,
        now=caller.now,
        limits=limits,
    ):
        return None
    await tx.change(token, used_at=caller.now)
    await tx.change(session, last_seen_at=caller.now)
    secret = await sessions.issue_refresh(tx, caller, session.id)
    return Refreshed(session.id, secret, principal, keys.ring_of(tx), tx.settings(Settings))


async def resolve(open_tx: Opener, asked: s.Credential) -> Access:
    """The access token for a cookie or API token that the gateway was shown.

    Refuses: SessionEnded, BadApiToken.
    """
    text = asked.credential.get_secret_value()
    gone: type[Unauthenticated] = SessionEnded if asked.kind == "session" else BadApiToken
    secret = (
        credentials.read_session(text)
        if asked.kind == "session"
        else credentials.read_token(text, credentials.API_TOKEN_PREFIX)
    )
    if secret is None:
        raise gone
    patterns: list[str] | None = None
    try:
        async with open_tx(secret.tenant) as tx:
            ring, settings = keys.ring_of(tx), tx.settings(Settings)
            session_id: UUID | None = None
            if asked.kind == "session":
                session_id, principal = await sessions.follow_session(
                    tx, tx.caller, secret.digest, asked.address
                )
            else:
                principal, patterns = await _follow_api_token(tx, tx.caller, secret.digest)
    except (NoSuchTenant, TenantSuspended) as error:
        raise gone from error
    return await access(
        open_tx, ring, settings, principal, session_id=session_id, patterns=patterns
    )


async def _follow_api_token(
    tx: Tx, caller: Caller, digest: str
) -> tuple[Principal, list[str] | None]:
    found = await principals.of_api_token(tx, digest)
    now = caller.now
    if (
        found is None
        or found.revoked_at is not None
        or found.expires_at <= now
        or not found.principal.is_active
    ):
        raise BadApiToken
    if is_sighting_due(last_seen_at=found.last_used_at, now=now):
        await tx.run(
            "update api_token set last_used_at = %(now)s where id = %(id)s", now=now, id=found.id
        )
    return found.principal, found.patterns


async def issue_api_token(tx: Tx, caller: Caller, draft: s.ApiTokenDraft) -> tuple[m.ApiToken, str]:
    """Make a token for a program. Refuses: NoSession, BadExpiry, TooManyTokens,
    UnknownPermission. Announces: ApiTokenIssued."""
    # A program must not make itself more tokens: one that leaked could then never be revoked.
    sessions.current_session(caller)
    user_id, now = sessions.own_id(caller), caller.now
    if not now < draft.expires_at <= now + API_TOKEN_LONGEST:
        raise BadExpiry(expires_at=draft.expires_at, latest=now + API_TOKEN_LONGEST)
    if draft.patterns is not None:
        grants.check_known(draft.patterns, role_queries.known_permissions(tx))
    await tx.lock(m.User, user_id)
    alive = await tx.value(
        "select count(*) from api_token where user_id = %(user)s and revoked_at is null"
        " and expires_at > %(now)s",
        user=user_id,
        now=now,
    )
    if alive >= API_TOKENS_MOST:
        raise TooManyTokens(most=API_TOKENS_MOST)
    secret = credentials.write_token(
        credentials.API_TOKEN_PREFIX, caller.tenant, secrets.token_urlsafe(32)
    )
    token = await tx.add(
        m.ApiToken,
        user_id=user_id,
        name=draft.name,
        shown=credentials.shown(secret),
        digest=credentials.digest(secret),
        patterns=draft.patterns,
        expires_at=draft.expires_at,
    )
    tx.announce(ApiTokenIssued(user_id, token.id, token.name, token.expires_at))
    return token, secret


async def revoke_api_token(tx: Tx, caller: Caller, token_id: UUID) -> m.ApiToken:
    """Make one of the caller's tokens useless. Refuses: NotFound. Announces: ApiTokenRevoked."""
    token = await tx.lock(m.ApiToken, token_id)
    if token.user_id != caller.user_id:
        raise NotFound(resource="api_token", id=token_id)
    if token.revoked_at is not None:
        return token
    token = await tx.change(token, revoked_at=caller.now)
    tx.announce(ApiTokenRevoked(token.user_id, token.id, token.name))
    return token
