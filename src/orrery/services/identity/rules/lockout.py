"""Lock-out: wrong passwords cost time, and each further one costs twice as much."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from orrery.kernel.types.refusal import Refusal


class LockedOut(Refusal):
    """Too many wrong passwords for this account; no password is looked at until the time stated."""

    code = "identity.locked_out"
    status = 429


@dataclass(frozen=True)
class Limits:
    """How many wrong passwords are forgiven and what the others cost."""

    failures_allowed: int
    wait_first: timedelta
    wait_longest: timedelta
    forget_after: timedelta


@dataclass(frozen=True)
class Tally:
    """The wrong passwords given for one account since the last right one."""

    failures: int = 0
    failed_at: datetime | None = None
    locked_until: datetime | None = None


def wait_after(failures: int, limits: Limits) -> timedelta:
    """How long an account waits after so many wrong passwords in a row."""
    beyond = failures - limits.failures_allowed
    if beyond < 0:
        return timedelta(0)
    # A shift by more than this would pass every sensible limit; it keeps the number small.
    return min(limits.wait_first * (1 << min(beyond, 30)), limits.wait_longest)


def count_attempt(tally: Tally, now: datetime, limits: Limits) -> Tally:
    """Count an attempt as wrong before its password is looked at. Refuses: LockedOut.

    A right password clears the tally afterwards. Counting first means that a hundred attempts at
    the same time get no more guesses than a hundred in a row.
    """
    if tally.locked_until is not None and now < tally.locked_until:
        left = tally.locked_until - now
        raise LockedOut(until=tally.locked_until, retry_after=-(-left // timedelta(seconds=1)))
    is_forgotten = tally.failed_at is not None and now - tally.failed_at >= limits.forget_after
    failures = 1 if is_forgotten else tally.failures + 1
    wait = wait_after(failures, limits)
    return Tally(failures, now, now + wait if wait else None)
