"""Lock-out with back-off (ID-1; the brief: "5 wrong -> 60 s, doubling to 1 h")."""

from datetime import UTC, datetime, timedelta

import pytest

from orrery.services.identity.rules.lockout import (
    Limits,
    LockedOut,
    Tally,
    count_attempt,
    wait_after,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits(
    failures_allowed=5,
    wait_first=60 * SECOND,
    wait_longest=timedelta(hours=1),
    forget_after=timedelta(hours=24),
)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 60), (6, 120), (7, 240), (8, 480), (9, 960), (10, 1920), (11, 3600),
     (12, 3600), (10_000, 3600)],
)  # fmt: skip
def test_five_wrong_passwords_cost_a_minute_and_each_further_one_twice_as_much(
    failures: int, seconds: int
) -> None:
    assert wait_after(failures, LIMITS) == timedelta(seconds=seconds)


def test_the_first_four_wrong_passwords_cost_nothing() -> None:
    tally = Tally()
    for _ in range(4):
        tally = count_attempt(tally, NOON, LIMITS)
    assert tally == Tally(4, NOON, None)


def test_the_fifth_attempt_locks_before_its_password_is_looked_at() -> None:
    assert count_attempt(Tally(4, NOON, None), NOON, LIMITS) == Tally(5, NOON, NOON + 60 * SECOND)


def test_a_locked_account_is_told_how_long_and_counts_nothing() -> None:
    locked = Tally(5, NOON, NOON + 60 * SECOND)
    with pytest.raises(LockedOut) as refused:
        count_attempt(locked, NOON + 59 * SECOND + SECOND / 2, LIMITS)
    assert refused.value.status == 429
    assert refused.value.facts == {"until": NOON + 60 * SECOND, "retry_after": 1}


def test_the_lock_opens_at_its_last_second_and_the_next_wrong_password_doubles_it() -> None:
    locked = Tally(5, NOON, NOON + 60 * SECOND)
    open_again = NOON + 60 * SECOND
    assert count_attempt(locked, open_again, LIMITS) == Tally(
        6, open_again, open_again + 120 * SECOND
    )


@pytest.mark.parametrize(
    ("later", "failures"), [(timedelta(hours=24) - SECOND, 4), (timedelta(hours=24), 1)]
)
def test_wrong_passwords_are_forgotten_after_a_day(later: timedelta, failures: int) -> None:
    assert count_attempt(Tally(3, NOON, None), NOON + later, LIMITS).failures == failures
