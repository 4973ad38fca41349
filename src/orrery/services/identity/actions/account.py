"""What people change about their own account."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from orrery.contracts.identity import UserChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.actions import attempts, passwords, sessions
from orrery.services.identity.rules.passwords import WrongPassword, check
from orrery.services.identity.settings import Settings

OpenOwn = Callable[[], AbstractAsyncContextManager[Tx]]


async def change_password(open_own: OpenOwn, caller: Caller, body: s.PasswordChange) -> int:
    """Replace one's own password; every other session ends, and how many is answered.

    Refuses: WeakPassword, LockedOut, WrongPassword. Announces: PasswordChanged, SessionsRevoked.
    """
    user_id = sessions.own_id(caller)
    present, new = body.present.get_secret_value(), body.new.get_secret_value()
    # A stolen session must not become a way to guess the password without being counted.
    async with open_own() as tx:
        user = await tx.one(m.User, user_id)
        check(new, email=user.email)
        await attempts.count_attempt(tx, caller, user.email)
        credential = await tx.find(m.Credential, user_id=user_id)
        settings = tx.settings(Settings)
    stored = credential.password_hash if credential else None
    if not await passwords.is_right(settings, stored, present):
        raise WrongPassword
    async with open_own() as tx:
        user = await tx.lock(m.User, user_id)
        await attempts.forgive(tx, user.email)
        await passwords.store_password(tx, caller, user, new, is_temporary=False)
        return await sessions.end_sessions(
            tx, caller, user_id, reason="password_changed", but=caller.session_id
        )


async def change_account(tx: Tx, caller: Caller, change: s.AccountChange) -> m.User:
    """Change one's own language. Announces: UserChanged."""
    user = await tx.lock(m.User, sessions.own_id(caller))
    user = await tx.change(user, language=change.language)
    tx.announce(UserChanged(user.id, user.email, user.full_name, user.language, user.employee_id))
    return user
