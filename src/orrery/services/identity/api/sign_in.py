"""Signing in: sessions for browsers, tokens for programs, keys for verifiers."""

from starlette.responses import Response

from orrery.kernel.http import OpenTx, Public, internal_routes, refusals, routes
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import keys as key_actions
from orrery.services.identity.actions import sign_in, tokens
from orrery.services.identity.api.doors import FromWhere, WithCookies
from orrery.services.identity.queries import keys
from orrery.services.identity.rules.lockout import LockedOut
from orrery.services.identity.rules.sessions import SessionEnded

router = routes("", tags="sign-in")
internal = internal_routes()


@router.post("/sessions", status_code=201, responses=refusals(sign_in.WrongCredentials, LockedOut))
async def open_session(
    body: s.SignIn,
    response: Response,
    open_tx: OpenTx,
    caller: Public,
    origin: FromWhere,
    cookies: WithCookies,
) -> s.SignedIn:
    """Sign in with a browser: sets the session cookie and answers the CSRF token."""
    arrived = await sign_in.sign_in(open_tx, body, origin, for_programs=False)
    cookies.put(response, arrived.begun.secret)
    return s.SignedIn(
        user=arrived.user,
        session_id=arrived.begun.id,
        ends_at=arrived.begun.ends_at,
        csrf_token=cookies.csrf_token(arrived.begun.secret),
        must_change_password=arrived.principal.must_change_password,
    )


@router.post("/tokens", status_code=201, responses=refusals(sign_in.WrongCredentials, LockedOut))
async def issue_tokens(
    body: s.SignIn, open_tx: OpenTx, caller: Public, origin: FromWhere
) -> s.TokenPair:
    """Sign in with a program: an access token, and a refresh token for the next one."""
    return await tokens.sign_in_program(open_tx, body, origin)


@router.post("/tokens/refresh", responses=refusals(tokens.BadRefreshToken))
async def refresh_tokens(body: s.Refresh, open_tx: OpenTx, caller: Public) -> s.TokenPair:
    """Exchange a refresh token, which works once; used twice, its whole session ends."""
    return await tokens.refresh(open_tx, body.refresh_token.get_secret_value())


@router.get("/jwks")
async def read_keys(response: Response, open_tx: OpenTx, caller: Public) -> s.JsonWebKeySet:
    """The public keys by which access tokens are verified (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    async with open_tx(None) as tx:
        await key_actions.ensure_key(tx)
        return await keys.key_set(tx)


@internal.post("/resolve", responses=refusals(SessionEnded, tokens.BadApiToken))
async def resolve_credential(body: s.Credential, open_tx: OpenTx) -> s.Resolved:
    """The access token for a cookie or an API token that the gateway was shown."""
    return s.Resolved.of(await tokens.resolve(open_tx, body))
