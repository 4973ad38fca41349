"""Delivery: states, back-off, what a server's answer means."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.kernel.types.states import WrongState
from orrery.services.notifications.rules import delivery
from orrery.services.notifications.rules.delivery import (
    ATTEMPTS_LIMIT,
    PAUSE_LIMIT,
    STATES,
    Outcome,
    batch,
    lease,
    not_reached,
    pause_after,
    refused_by_server,
    settled,
)

MESSAGE = UUID("01890000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("code", "verb"),
    [
        (421, "put_off"),
        (450, "put_off"),
        (499, "put_off"),
        (500, "give_up"),
        (550, "give_up"),
        (599, "give_up"),
        (600, "put_off"),
    ],
)
def test_5xx_is_final_and_4xx_is_tried_again(code: int, verb: str) -> None:
    """Permanent 5xx -> dead at once, 4xx -> retry (RFC 5321 4.2.1)."""
    assert refused_by_server(code, "no") == Outcome(verb, f"{code} no")


@pytest.mark.parametrize(
    ("attempts", "verb"),
    [(1, "put_off"), (ATTEMPTS_LIMIT - 1, "put_off"), (ATTEMPTS_LIMIT, "give_up")],
)
def test_the_last_attempt_turns_a_delay_into_the_end(attempts: int, verb: str) -> None:
    """Attempts are limited; what is given up keeps the reason of its last try."""
    assert settled(not_reached("refused"), attempts=attempts) == Outcome(verb, "refused")


def test_a_success_or_a_refusal_does_not_depend_on_the_attempts() -> None:
    """Only delays are counted out."""
    assert settled(delivery.ACCEPTED, attempts=99) is delivery.ACCEPTED
    assert settled(Outcome("give_up", "x"), attempts=1) == Outcome("give_up", "x")


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (9, 7680), (10, 14400), (500, 14400)],
)
def test_the_pause_doubles_up_to_four_hours_and_spreads_by_a_fifth(
    attempts: int, seconds: int
) -> None:
    """Attempts with exponential back-off and jitter."""
    pauses = {pause_after(attempts, UUID(int=number)) for number in range(200)}
    assert min(pauses) >= timedelta(seconds=seconds * 8 // 10)
    assert max(pauses) <= timedelta(seconds=seconds * 12 // 10)
    assert len(pauses) > 10


@given(st.integers(min_value=1, max_value=ATTEMPTS_LIMIT), st.uuids())
def test_the_same_message_waits_the_same_time(attempts: int, id: UUID) -> None:
    """The jitter comes from the message, so that it can be told."""
    assert pause_after(attempts, id) == pause_after(attempts, id)
    assert pause_after(attempts, id) <= PAUSE_LIMIT * 6 / 5


def test_all_attempts_together_outlast_a_night_without_a_server() -> None:
    """A server that is down for eight hours loses nothing."""
    total = sum((pause_after(n, MESSAGE) for n in range(1, ATTEMPTS_LIMIT)), timedelta())
    assert total > timedelta(hours=8)


def test_a_lease_covers_the_slowest_share_of_a_connection() -> None:
    """Two senders never hold one message: the lease outlasts what a connection may take."""
    assert batch(4) == 8
    assert lease(60) == timedelta(seconds=180)
    assert lease(60) > timedelta(seconds=delivery.SHARE_LIMIT * (60 + delivery.DOCUMENTS_SECONDS))


def test_every_state_can_be_reached() -> None:
    """queued, sending, sent, failed, dead."""
    assert STATES.unreachable() == set()
    assert STATES.states == {"queued", "sending", "sent", "failed", "dead"}


@pytest.mark.parametrize("state", ["queued", "sending", "sent"])
def test_only_failed_and_dead_messages_are_retried(state: str) -> None:
    """NOT-3: failed sends retryable; what was sent is not sent again."""
    with pytest.raises(WrongState):
        STATES.after(state, "retry")
    assert STATES.after("failed", "retry") == STATES.after("dead", "retry") == "queued"
