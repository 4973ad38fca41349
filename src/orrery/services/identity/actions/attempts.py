"""Attempts at a password: each is counted as wrong before the password is looked at."""

from datetime import datetime
from typing import Any

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity.queries.limits import of_lockout
from orrery.services.identity.rules import credentials, lockout
from orrery.services.identity.settings import Settings


async def count_attempt(tx: Tx, caller: Caller, email: str) -> datetime | None:
    """Count an attempt at an account's password; answers until when that locks it, if it does.

    It belongs in a transaction of its own, which stands although the request is refused. Refuses:
    LockedOut.
    """
    # The address is kept as a digest: it may be a password that slipped into the wrong field.
    row: Any = await tx.row(
        "insert into sign_in_tally (id, digest, failures, failed_at)"
        " values (gen_random_uuid(), %(digest)s, 0, %(now)s)"
        # The update that changes nothing locks the row, so that attempts are counted in a row.
        " on conflict (digest) do update set digest = excluded.digest"
        " returning id, failures, failed_at, locked_until",
        digest=credentials.digest(email),
        now=caller.now,
    )
    tally = lockout.count_attempt(
        lockout.Tally(row.failures, row.failed_at, row.locked_until),
        caller.now,
        of_lockout(tx.settings(Settings)),
    )
    await tx.run(
        "update sign_in_tally set failures = %(failures)s, failed_at = %(failed_at)s,"
        " locked_until = %(locked_until)s where id = %(id)s",
        failures=tally.failures,
        failed_at=tally.failed_at,
        locked_until=tally.locked_until,
        id=row.id,
    )
    return tally.locked_until


async def forgive(tx: Tx, email: str) -> None:
    """Forget the wrong passwords given for an address: the right one came, or a new one."""
    await tx.run(
        "delete from sign_in_tally where digest = %(digest)s", digest=credentials.digest(email)
    )
