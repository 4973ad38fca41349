"""GW-3: circuit breaker opens after N failures, half-opens, and the response names the service."""

import pytest

from orrery.kernel.types.refusal import Unavailable
from orrery.services.gateway.rules.breaker import Breaker


def opened() -> Breaker:
    breaker = Breaker("people", failures=3, pause=10)
    for _ in range(3):
        breaker.enter(100)
        breaker.failed(100)
    return breaker


def test_it_opens_after_the_last_of_n_failures_and_names_the_service() -> None:
    breaker = Breaker("people", failures=3, pause=10)
    for _ in range(2):
        breaker.failed(100)
    breaker.enter(100)
    assert breaker.state == "closed"
    breaker.failed(100)
    assert breaker.state == "open"
    with pytest.raises(Unavailable) as refusal:
        breaker.enter(109)
    assert refusal.value.facts == {"service": "people", "reason": "breaker_open"}


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker("people", failures=3, pause=10)
    for _ in range(5):
        breaker.failed(100)
        breaker.failed(100)
        breaker.succeeded()
    assert breaker.state == "closed"


def test_after_the_pause_one_request_tries_and_the_others_wait() -> None:
    breaker = opened()
    breaker.enter(110)
    assert breaker.state == "half_open"
    with pytest.raises(Unavailable):
        breaker.enter(110)
    breaker.succeeded()
    breaker.enter(110)
    assert breaker.state == "closed"


def test_a_failed_try_opens_it_for_another_pause() -> None:
    breaker = opened()
    breaker.enter(110)
    breaker.failed(110)
    with pytest.raises(Unavailable):
        breaker.enter(119)
    breaker.enter(120)
    assert breaker.state == "half_open"


def test_a_client_that_leaves_during_the_try_lets_the_next_one_try() -> None:
    breaker = opened()
    breaker.enter(110)
    breaker.abandoned()
    breaker.enter(110)
    assert breaker.state == "half_open"
