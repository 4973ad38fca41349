"""Passwords: hashed with Argon2id in a thread, checked without telling who exists."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Counter

from orrery.contracts.identity import PasswordChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity import models as m
from orrery.services.identity.rules import passwords
from orrery.services.identity.settings import Settings

CHECKS = Counter("orrery_identity_password_checks", "Passwords compared with an Argon2id hash.")

T = TypeVar("T")


@lru_cache(maxsize=8)
def _hasher(memory_kib: int, passes: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)


@lru_cache(maxsize=8)
def _dummy(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody has this password")


def hasher_of(settings: Settings) -> PasswordHasher:
    """The hasher with the parameters that the settings ask for."""
    return _hasher(settings.argon2_memory_kib, settings.argon2_time_cost, settings.argon2_lanes)


async def hashed(settings: Settings, password: str) -> str:
    """The Argon2id hash of a password."""
    return await _in_thread(lambda: hasher_of(settings).hash(passwords.normal(password)))


async def is_right(settings: Settings, stored: str | None, password: str) -> bool:
    """Whether the password is the stored one.

    Without a stored one the answer is no after the same work, so that the time it takes does not
    tell who has an account here.
    """
    hasher = hasher_of(settings)

    def compare() -> bool:
        # Made before it is known whether it is needed: making it takes time, too.
        dummy = _dummy(hasher)
        CHECKS.inc()
        try:
            hasher.verify(stored or dummy, passwords.normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    return await _in_thread(compare)


def is_outdated(settings: Settings, stored: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    return hasher_of(settings).check_needs_rehash(stored)


async def _in_thread(work: Callable[[], T]) -> T:
    # Argon2 keeps a core busy for some 20 ms; in the event loop everybody would wait.
    return await asyncio.to_thread(work)


async def store_password(
    tx: Tx, caller: Caller, user: m.User, password: str, *, is_temporary: bool
) -> None:
    """Give a user a password. Refuses: WeakPassword. Announces: PasswordChanged."""
    passwords.check(password, email=user.email)
    await write_hash(
        tx,
        caller,
        user.id,
        await hashed(tx.settings(Settings), password),
        is_temporary=is_temporary,
    )
    tx.announce(PasswordChanged(user.id, user.email, is_temporary))


async def write_hash(
    tx: Tx, caller: Caller, user_id: UUID, password_hash: str, *, is_temporary: bool
) -> None:
    """Keep a hash as the user's credential, in place of the one before."""
    known = await tx.find(m.Credential, user_id=user_id)
    values = {
        "password_hash": password_hash,
        "is_temporary": is_temporary,
        "changed_at": caller.now,
    }
    if known is None:
        await tx.add(m.Credential, user_id=user_id, **values)
    else:
        await tx.change(known, **values)
