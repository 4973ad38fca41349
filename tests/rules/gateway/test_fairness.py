"""The fair queue: tenants take turns (GW-2: one tenant's load is not another tenant's wait)."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orrery.services.gateway.rules.fairness import FairQueue


def anybody(_: str) -> bool:
    return True


def drain(queue: FairQueue[str]) -> list[str]:
    served = []
    while (turn := queue.pop(anybody)) is not None:
        served.append(turn[1])
    return served


def test_tenants_take_turns_whoever_came_first_or_most() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for tenant, count in (("a", 4), ("b", 1), ("c", 2)):
        for number in range(count):
            queue.push(tenant, f"{tenant}{number}")
    assert drain(queue) == ["a0", "b0", "c0", "a1", "c1", "a2", "a3"]
    assert len(queue) == 0


def test_a_full_queue_turns_away_the_newest_of_the_longest_line() -> None:
    queue: FairQueue[str] = FairQueue(3)
    for number in range(3):
        assert queue.push("flood", f"f{number}") is None
    assert queue.push("flood", "f3") == "f3"
    assert queue.push("small", "s0") == "f2"
    assert drain(queue) == ["f0", "s0", "f1"]


def test_among_equal_lines_the_newcomer_leaves() -> None:
    queue: FairQueue[str] = FairQueue(2)
    queue.push("a", "a0")
    queue.push("b", "b0")
    assert queue.push("b", "b1") == "b1"
    assert queue.push("c", "c0") == "c0"
    assert drain(queue) == ["a0", "b0"]


def test_a_tenant_that_may_not_run_is_passed_over_and_keeps_its_place() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.push("a", "a0")
    queue.push("b", "b0")
    assert queue.pop(lambda tenant: tenant != "a") == ("b", "b0")
    assert queue.pop(lambda tenant: tenant != "a") is None
    assert queue.waiting("a") == 1
    assert queue.pop(anybody) == ("a", "a0")


def test_who_gives_up_leaves_the_queue_once() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.push("a", "a0")
    queue.push("a", "a1")
    assert queue.discard("a", "a0") is True
    assert queue.discard("a", "a0") is False
    assert queue.discard("b", "a1") is False
    assert drain(queue) == ["a1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=60))
def test_nobody_waits_for_more_than_one_request_of_each_other_tenant(
    arrivals: list[tuple[str, int]],
) -> None:
    queue: FairQueue[str] = FairQueue(1000)
    for tenant, number in arrivals:
        queue.push(tenant, f"{tenant}{number}")
    served = drain(queue)
    assert len(served) == len(arrivals)
    for tenant in {tenant for tenant, _ in arrivals}:
        places = [at for at, item in enumerate(served) if item[0] == tenant]
        gaps = [later - earlier for earlier, later in pairwise(places)]
        assert all(gap <= 3 for gap in gaps)
