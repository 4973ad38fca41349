"""One's own account: who am I, my password, my sessions, my tokens."""

from typing import Annotated
from uuid import UUID

from starlette.responses import Response

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.types.refusal import NotFound
from orrery.services.identity import permissions as p
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import account, sessions, tokens
from orrery.services.identity.api.doors import OpenOwn, WithCookies
from orrery.services.identity.queries import accounts
from orrery.services.identity.rules.grants import UnknownPermission
from orrery.services.identity.rules.lockout import LockedOut
from orrery.services.identity.rules.passwords import WeakPassword, WrongPassword
from orrery.services.identity.rules.sessions import NoSession

router = routes("", tags="account")

Reader = Annotated[Caller, May(p.ACCOUNT_READ)]
Owner = Annotated[Caller, May(p.ACCOUNT_USE)]


@router.get("/me")
async def read_me(tx: ReadTx, caller: Reader) -> s.Me:
    """Who is signed in, with his roles and grants."""
    return await accounts.me(tx, caller)


@router.patch("/me")
async def change_me(body: s.AccountChange, tx: WriteTx, caller: Owner) -> s.UserView:
    """Change one's own language."""
    user = await account.change_account(tx, caller, body)
    return await accounts.user_view(tx, user.id)


@router.post("/me/password", responses=refusals(WeakPassword, WrongPassword, LockedOut))
async def change_password(body: s.PasswordChange, open_own: OpenOwn, caller: Owner) -> s.Ended:
    """Replace one's own password; all other sessions end."""
    return s.Ended(ended=await account.change_password(open_own, caller, body))


@router.get("/sessions")
async def list_sessions(tx: ReadTx, caller: Reader) -> s.Sessions:
    """Where one is signed in, with device and address, the latest first."""
    user_id = sessions.own_id(caller)
    return s.Sessions(items=await accounts.live_sessions(tx, caller, user_id))


@router.delete("/sessions", responses=refusals(NoSession))
async def end_every_session(
    tx: WriteTx, caller: Owner, response: Response, cookies: WithCookies
) -> s.Ended:
    """Sign out everywhere, here too."""
    cookies.clear(response)
    user_id = sessions.own_id(caller)
    return s.Ended(ended=await sessions.end_sessions(tx, caller, user_id, reason="signed_out"))


@router.delete("/sessions/others", responses=refusals(NoSession))
async def end_other_sessions(tx: WriteTx, caller: Owner) -> s.Ended:
    """Sign out everywhere but here."""
    user_id, here = sessions.own_id(caller), sessions.current_session(caller)
    ended = await sessions.end_sessions(tx, caller, user_id, reason="signed_out", but=here)
    return s.Ended(ended=ended)


@router.delete("/sessions/current", responses=refusals(NoSession, NotFound))
async def end_current_session(
    tx: WriteTx, caller: Owner, response: Response, cookies: WithCookies
) -> s.Ended:
    """Sign out here."""
    cookies.clear(response)
    await sessions.end_current_session(tx, caller)
    return s.Ended(ended=1)


@router.delete("/sessions/{id}", responses=refusals(NotFound))
async def end_session(id: UUID, tx: WriteTx, caller: Owner) -> s.Ended:
    """Sign out on another device."""
    await sessions.end_own_session(tx, caller, id)
    return s.Ended(ended=1)


@router.get("/api-tokens")
async def list_api_tokens(tx: ReadTx, caller: Reader) -> s.ApiTokens:
    """One's tokens for programs, without their secrets."""
    return s.ApiTokens(items=await accounts.api_tokens(tx, sessions.own_id(caller)))


@router.post(
    "/api-tokens",
    status_code=201,
    responses=refusals(NoSession, tokens.BadExpiry, tokens.TooManyTokens, UnknownPermission),
)
async def issue_api_token(body: s.ApiTokenDraft, open_own: OpenOwn, caller: Owner) -> s.NewApiToken:
    """Make a token for a program; its secret is in this answer and nowhere else."""
    async with open_own() as tx:
        token, secret = await tokens.issue_api_token(tx, caller, body)
    return s.NewApiToken(token=s.ApiTokenView.of(token), secret=secret)


@router.delete("/api-tokens/{id}", responses=refusals(NotFound))
async def revoke_api_token(id: UUID, tx: WriteTx, caller: Owner) -> s.ApiTokenView:
    """Make a token useless."""
    return s.ApiTokenView.of(await tokens.revoke_api_token(tx, caller, id))
