"""Signing in: count the attempt, look at the password, begin a session.

It takes two transactions with the slow hash between them. The first one commits the attempt as a
failed one before the password is looked at: so it stays counted although the request is refused,
and a crowd of attempts at the same time gets no more guesses than a queue of them.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from orrery.contracts.identity import UserLockedOut, UserSignedIn
from orrery.kernel import settings as house
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.http import Opener
from orrery.kernel.tenancy import BadTenantCode, NoSuchTenant
from orrery.kernel.types.refusal import Unauthenticated
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import attempts, keys, passwords, sessions
from orrery.services.identity.actions.sessions import Begun, Origin
from orrery.services.identity.queries import accounts, principals
from orrery.services.identity.rules import lockout
from orrery.services.identity.rules.principal import Principal
from orrery.services.identity.rules.sessions import device_name
from orrery.services.identity.settings import Settings

SIGN_INS = Counter("orrery_identity_sign_ins", "Attempts to sign in, by outcome.", ["outcome"])


class WrongCredentials(Unauthenticated):
    """Tenant, e-mail and password do not belong together, or the account is disabled."""

    code = "identity.wrong_credentials"


@dataclass(frozen=True)
class Known:
    """What the first transaction learned about the account that was named."""

    settings: Settings
    user_id: UUID | None = None
    is_active: bool = False
    password_hash: str | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Arrived:
    """Somebody is in: his session and what his tokens will say."""

    begun: Begun
    user: s.UserView
    principal: Principal
    ring: keys.Ring
    settings: Settings


async def sign_in(
    open_tx: Opener, asked: s.SignIn, origin: Origin, *, for_programs: bool
) -> Arrived:
    """Let somebody in. Refuses: WrongCredentials, LockedOut. Announces: UserSignedIn or
    UserLockedOut."""
    password = asked.password.get_secret_value()
    known = await _knock(open_tx, asked)
    is_right = await passwords.is_right(known.settings, known.password_hash, password)
    if not is_right or not known.is_active or known.user_id is None:
        await _turn_away(open_tx, asked.tenant, known, origin, is_right=is_right)
        raise WrongCredentials
    async with open_tx(asked.tenant) as tx:
        arrived = await _let_in(
            tx, tx.caller, known.user_id, known, asked, origin, for_programs=for_programs
        )
    SIGN_INS.labels("signed_in").inc()
    return arrived


async def _knock(open_tx: Opener, asked: s.SignIn) -> Known:
    """Count the attempt and load the account. Refuses: LockedOut."""
    email = asked.email.strip().lower()
    try:
        async with open_tx(asked.tenant) as tx:
            settings = tx.settings(Settings)
            locked_until = await attempts.count_attempt(tx, tx.caller, email)
            row = await tx.row(
                "select a.id, a.is_active, c.password_hash from user_account a"
                " left join credential c on c.user_id = a.id where a.email = %(email)s",
                email=email,
            )
    except lockout.LockedOut:
        SIGN_INS.labels("locked_out").inc()
        raise
    except (NoSuchTenant, BadTenantCode):
        return Known(house.read(Settings))
    if row is None:
        return Known(settings)
    return Known(settings, row.id, row.is_active, row.password_hash, locked_until)


async def _turn_away(
    open_tx: Opener, tenant: str, known: Known, origin: Origin, *, is_right: bool
) -> None:
    """Write down who was refused, and tell when it was once too often."""
    outcome = "disabled" if is_right else "wrong_password"
    SIGN_INS.labels(outcome if known.user_id else "unknown").inc()
    if known.user_id is None:
        return
    async with open_tx(tenant) as tx:
        user = await tx.one(m.User, known.user_id)
        await _write_down(tx, user.id, outcome, origin)
        if known.locked_until is not None and user.is_active:
            tx.announce(UserLockedOut(user.id, user.email, known.locked_until))


async def _let_in(
    tx: Tx,
    caller: Caller,
    user_id: UUID,
    known: Known,
    asked: s.SignIn,
    origin: Origin,
    *,
    for_programs: bool,
) -> Arrived:
    user = await tx.lock(m.User, user_id)
    credential = await tx.find(m.Credential, user_id=user_id)
    # While the hash was computed an administrator may have disabled the account or its password.
    if not user.is_active or credential is None or credential.password_hash != known.password_hash:
        raise WrongCredentials
    if passwords.is_outdated(known.settings, credential.password_hash):
        fresh = await passwords.hashed(known.settings, asked.password.get_secret_value())
        await tx.change(credential, password_hash=fresh)
    await attempts.forgive(tx, user.email)
    # Not a change of the record that an editor's If-Match should trip over.
    await tx.run(
        "update user_account set last_signed_in_at = %(now)s where id = %(id)s",
        now=caller.now,
        id=user_id,
    )
    begun = await sessions.begin_session(tx, caller, user_id, origin, for_programs=for_programs)
    await _write_down(tx, user_id, "signed_in", origin)
    tx.announce(UserSignedIn(user_id, begun.id, caller.now, device_name(origin.device)))
    return Arrived(
        begun,
        await accounts.user_view(tx, user_id),
        await principals.of_user(tx, user_id),
        keys.ring_of(tx),
        known.settings,
    )


async def _write_down(tx: Tx, user_id: UUID, outcome: str, origin: Origin) -> None:
    await tx.add(
        m.SignIn,
        user_id=user_id,
        outcome=outcome,
        address=origin.address,
        device=device_name(origin.device),
    )
