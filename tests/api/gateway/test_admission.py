"""Slots and queue in the moments that a server rarely shows: turns that come as somebody leaves."""

import asyncio
from collections import deque
from collections.abc import MutableMapping
from typing import Any

import pytest

from orrery.kernel.types.refusal import TooLarge
from orrery.services.gateway.api.admission import (
    Admission,
    LiveConnections,
    Overloaded,
    TooManyConnections,
)
from orrery.services.gateway.api.bodies import Body, BodyTooSlow


def admission(**changes: Any) -> Admission:
    usual: dict[str, Any] = {
        "slots": 1,
        "tenant_slots": 1,
        "queue_length": 10,
        "queue_seconds": 5.0,
    }
    return Admission(**(usual | changes))


async def test_who_is_cancelled_while_waiting_leaves_the_queue() -> None:
    door = admission()
    await door.enter("a")
    waiting = asyncio.create_task(door.enter("a"))
    await asyncio.sleep(0)
    assert door.waiting == 1
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert (door.waiting, door.at_work) == (0, 1)
    door.leave("a")
    assert door.at_work == 0


async def test_a_slot_that_comes_as_its_waiter_is_cancelled_goes_to_the_next() -> None:
    door = admission()
    await door.enter("a")
    first, second = asyncio.create_task(door.enter("a")), asyncio.create_task(door.enter("b"))
    await asyncio.sleep(0)
    door.leave("a")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.wait_for(second, 1)
    assert (door.waiting, door.at_work) == (0, 1)


async def test_after_any_mixture_of_leaving_and_giving_up_every_slot_is_free() -> None:
    door = admission(slots=3, tenant_slots=2, queue_length=5, queue_seconds=0.02)
    outcomes: list[str] = []

    async def work(tenant: str, milliseconds: int) -> None:
        try:
            await door.enter(tenant)
        except Overloaded as refusal:
            outcomes.append(refusal.facts["reason"])
            return
        try:
            await asyncio.sleep(milliseconds / 1000)
            outcomes.append("done")
        finally:
            door.leave(tenant)

    tasks = [asyncio.create_task(work("abc"[n % 3], n % 7 * 5)) for n in range(60)]
    await asyncio.sleep(0.004)
    for task in tasks[::5]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (door.at_work, door.waiting) == (0, 0)
    assert "done" in outcomes
    assert "queue_full" in outcomes
    await asyncio.wait_for(door.enter("a"), 1)


async def test_a_tenant_at_its_share_does_not_hold_up_another_behind_it() -> None:
    door = admission(slots=3, tenant_slots=2)
    await door.enter("a")
    await door.enter("a")
    third = asyncio.create_task(door.enter("a"))
    await asyncio.sleep(0)
    await asyncio.wait_for(door.enter("b"), 1)
    assert not third.done()
    door.leave("a")
    await asyncio.wait_for(third, 1)


def test_live_connections_are_counted_in_all_and_per_user() -> None:
    live = LiveConnections(most=2, most_of_user=1)
    live.enter("ada")
    with pytest.raises(TooManyConnections):
        live.enter("ada")
    live.enter("grace")
    with pytest.raises(Overloaded):
        live.enter("joan")
    live.leave("grace")
    live.enter("joan")


class Sent:
    """A client's messages, with pauses."""

    def __init__(self, *pieces: bytes | float, ends: bool = True) -> None:
        self._pieces = deque(pieces)
        self._ends = ends

    async def __call__(self) -> MutableMapping[str, Any]:
        while self._pieces and isinstance(self._pieces[0], float):  # noqa: ASYNC110 - it is the pause
            await asyncio.sleep(float(self._pieces.popleft()))
        if not self._pieces:
            await asyncio.Event().wait()
        piece = self._pieces.popleft()
        more = bool(self._pieces) or not self._ends
        return {"type": "http.request", "body": piece, "more_body": more}


def body(sent: Sent, *, limit: int = 100, pause: float = 5.0, pace: int = 1) -> Body:
    return Body(sent, limit=limit, pause_seconds=pause, bytes_per_second=pace)


async def test_a_small_body_is_held_whole_and_given_on_unchanged() -> None:
    held = body(Sent(b"one", b"two"))
    await held.hold(1000)
    pieces = [(await held.receive())["body"] for _ in range(2)]
    assert (pieces, held.refusal) == ([b"one", b"two"], None)


async def test_no_more_than_asked_for_is_held() -> None:
    sent = Sent(b"x" * 10, b"y" * 10, b"z" * 10)
    held = body(sent)
    await held.hold(15)
    assert len(sent._pieces) == 1
    assert [(await held.receive())["body"][:1] for _ in range(3)] == [b"x", b"y", b"z"]


@pytest.mark.parametrize(("size", "is_refused"), [(100, False), (101, True)])
async def test_the_limit_itself_is_allowed(size: int, is_refused: bool) -> None:
    held = body(Sent(b"x" * 60, b"x" * (size - 60)))
    await held.hold(1000)
    assert isinstance(held.refusal, TooLarge) is is_refused


async def test_a_refused_body_ends_for_the_service_at_once() -> None:
    held = body(Sent(b"x" * 60, b"x" * 60, ends=False))
    assert (await held.receive())["type"] == "http.request"
    assert (await held.receive())["type"] == "http.disconnect"
    assert isinstance(held.refusal, TooLarge)


async def test_a_pause_that_is_too_long_is_refused_and_a_shorter_one_is_not() -> None:
    patient = body(Sent(b"x", 0.05, b"x"), pause=1.0)
    await patient.hold(1000)
    assert patient.refusal is None
    hasty = body(Sent(b"x", 0.5, b"x"), pause=0.05)
    await hasty.hold(1000)
    assert isinstance(hasty.refusal, BodyTooSlow)


async def test_a_body_that_drips_is_refused_after_its_grace() -> None:
    drips = [piece for _ in range(20) for piece in (b"x", 0.02)]
    held = body(Sent(*drips, b"x"), pause=0.1, pace=1000)
    await held.hold(1000)
    assert isinstance(held.refusal, BodyTooSlow)
