"""The relay: woken from elsewhere, never doubled, counted; letters are CloudEvents (DESIGN 6)."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from orrery.kernel import events, relay
from orrery.kernel.caller import Caller
from orrery.kernel.metrics import REGISTRY
from orrery.kernel.relay import InboxBroker, Relay
from orrery.kernel.runtime import Runtime
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.toy.service import SERVICE, Seen, ThingMade, ThingRenamed

# Far beyond what any test waits for: whoever moves before was woken.
NEVER = 600.0


async def _announce(house: House, tenant: str, count: int = 1) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for id in ids:
            tx.announce(ThingMade(id, str(id), Decimal(1)))
    return ids


async def _seen(house: House, tenant: str) -> list[UUID]:
    async with house.tx("toy", tenant=tenant) as tx:
        return [row.thing_id for row in await tx.all(Seen)]


async def _undelivered(house: House, tenant: str) -> int:
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select count(*) from toy.outbox where tenant = %s and delivered_at is null", [tenant]
        )
        row = await cursor.fetchone()
    return int(row[0]) if row else -1


async def _until(seconds: float, is_done: Any) -> float:
    """How long it took until something was so; at most some seconds."""
    started = time.monotonic()
    for _ in range(int(seconds * 100)):
        if await is_done():
            break
        await asyncio.sleep(0.01)
    return time.monotonic() - started


@asynccontextmanager
async def _elsewhere(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    """Relay and worker as another process runs them, never looking by themselves again."""
    for module in ("relay", "worker"):
        monkeypatch.setattr(f"orrery.kernel.{module}.POLL_SECONDS", NEVER)
    await house.runtime.settle()
    other = Runtime(house.runtime.settings, house.url, services={"toy": SERVICE})
    async with other.running():
        other.start_background()
        await asyncio.sleep(0.5)  # both have looked once and wait
        yield other


async def test_an_announcement_wakes_the_relay_of_another_process(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTIFY over a connection of its own: announced here, reacted to there, in no time."""
    tenant = await toy_house.new_tenant()
    async with _elsewhere(toy_house, monkeypatch):
        for number in range(1, 4):
            await _announce(toy_house, tenant)

            async def is_seen(number: int = number) -> bool:
                return len(await _seen(toy_house, tenant)) == number

            assert await _until(20, is_seen) < 10


async def test_a_notice_of_any_connection_wakes_the_relay(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wake-up is PostgreSQL's own: a bare connection's notify is enough."""
    tenant = await toy_house.new_tenant()
    monkeypatch.setattr(toy_house.runtime, "announced", lambda _service: None)
    async with _elsewhere(toy_house, monkeypatch):
        await _announce(toy_house, tenant)
        await asyncio.sleep(0.4)
        assert await _undelivered(toy_house, tenant) == 1
        async with await psycopg.AsyncConnection.connect(
            toy_house.url, autocommit=True
        ) as connection:
            await connection.execute("notify orrery_outbox, 'toy'")

        async def is_delivered() -> bool:
            return await _undelivered(toy_house, tenant) == 0

        assert await _until(20, is_delivered) < 10


async def test_without_the_listener_the_relay_sleeps_on(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the tests above bite: deaf, the other process moves nothing."""

    async def deaf(_self: Runtime) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Runtime, "_listen", deaf)
    tenant = await toy_house.new_tenant()
    async with _elsewhere(toy_house, monkeypatch):
        await _announce(toy_house, tenant)
        await asyncio.sleep(1)
        assert await _undelivered(toy_house, tenant) == 1
    await toy_house.runtime.settle()
    assert len(await _seen(toy_house, tenant)) == 1


async def test_a_lost_notice_is_made_up_for_by_the_next_look(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The poll is the safety net under the wake-up."""
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.2)
    tenant = await toy_house.new_tenant()
    lonely = Relay(toy_house.runtime.database, ["toy"], toy_house.runtime.relay._broker)
    task = asyncio.create_task(lonely.run())
    await _announce(toy_house, tenant)

    async def is_delivered() -> bool:
        return await _undelivered(toy_house, tenant) == 0

    assert await _until(20, is_delivered) < 10
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_relay_that_fails_tries_again(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is down loses nothing: what was not handed over stays undelivered."""
    monkeypatch.setattr(relay, "POLL_SECONDS", 0.05)
    tenant = await toy_house.new_tenant()
    good = toy_house.runtime.relay._broker
    calls = 0

    class Shaky:
        async def publish(self, connection: Any, letters: Any) -> None:
            nonlocal calls
            calls += 1
            await good.publish(connection, letters)
            if calls < 3:
                raise ConnectionError("the broker is down")

    ids = await _announce(toy_house, tenant, 2)
    shaky = Relay(toy_house.runtime.database, ["toy"], Shaky())
    task = asyncio.create_task(shaky.run())

    async def is_delivered() -> bool:
        return await _undelivered(toy_house, tenant) == 0

    assert await _until(20, is_delivered) < 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert calls == 3
    await toy_house.runtime.settle()
    assert sorted(await _seen(toy_house, tenant)) == sorted(ids)


class Recorder:
    """A broker that keeps what it was handed, in order, and takes its time."""

    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def publish(self, _connection: Any, letters: Any) -> None:
        """Remember."""
        await asyncio.sleep(0.005)
        self.letters += letters


async def _relayed_by_two(house: House, monkeypatch: pytest.MonkeyPatch, tenant: str) -> list[int]:
    """Steps of one subject in the order in which two relays at once handed them over."""
    monkeypatch.setattr(relay, "BATCH", 7)
    await house.runtime.settle()
    subject, recorder = new_id(), Recorder()
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for step in range(100):
            tx.announce(ThingRenamed(subject, step))
    relays = [Relay(house.runtime.database, ["toy"], recorder) for _ in range(2)]

    async def empty(one: Relay) -> None:
        while await _undelivered(house, tenant):
            await one.relay_once("toy")

    await asyncio.gather(*(empty(one) for one in relays))
    return [letter.data["step"] for letter in recorder.letters]


async def test_two_relays_at_once_neither_double_nor_disorder(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time per outbox: a hundred events of one subject come once and in order."""
    tenant = await toy_house.new_tenant()
    assert await _relayed_by_two(toy_house, monkeypatch, tenant) == list(range(100))


async def test_without_the_lock_two_relays_double_what_they_carry(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the advisory lock is the guard: with a lock each, letters are carried twice."""
    execute = psycopg.AsyncConnection.execute

    async def unlocked(self: Any, query: Any, *more: Any, **options: Any) -> Any:
        if isinstance(query, str) and "pg_try_advisory_xact_lock" in query:
            query = query.replace("hashtext(%s)", "hashtext(%s || random()::text)")
        return await execute(self, query, *more, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", unlocked)
    tenant = await toy_house.new_tenant()
    carried = await _relayed_by_two(toy_house, monkeypatch, tenant)
    assert len(carried) > 100


async def test_a_letter_that_is_in_the_inbox_already_stays_as_it_is(toy_house: House) -> None:
    """Handed over twice, it is one row per reaction, also when it was taken in meanwhile."""
    tenant = await toy_house.new_tenant()
    await _announce(toy_house, tenant)
    await toy_house.runtime.settle()
    broker = InboxBroker(toy_house.runtime.subscribers())
    async with toy_house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select id, tenant, name, subject, at, actor, on_behalf_of, request_id, data"
            " from toy.outbox where tenant = %s",
            [tenant],
        )
        letters = [events.Letter(*row) for row in await cursor.fetchall()]
        await broker.publish(connection, letters * 2)
        cursor = await connection.execute(
            "select reaction, state from toy.inbox where tenant = %s order by 1", [tenant]
        )
        assert await cursor.fetchall() == [("note_made", "done"), ("project", "done")]


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_the_counters_move_with_what_is_relayed_and_reacted_to(toy_house: House) -> None:
    """Three events with two reactions each; a poisoned one counts as a retry."""
    tenant = await toy_house.new_tenant()
    await toy_house.runtime.settle()

    def counts() -> list[float]:
        reactions = [
            _count("orrery_reactions_total", service="toy", outcome=outcome)
            for outcome in ("done", "retry", "dead")
        ]
        return [_count("orrery_events_relayed_total", service="toy"), *reactions]

    before = counts()
    await _announce(toy_house, tenant, 3)
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        tx.announce(ThingMade(new_id(), "poison", Decimal(1)))
    await toy_house.runtime.settle()
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [4, 7, 1, 0]


async def test_a_letter_has_every_attribute_that_cloudevents_requires() -> None:
    """CloudEvents 1.0: id, source, specversion and type, and names other brokers can carry."""
    clock = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    caller = Caller(tenant="acme", user_id=UUID(int=7), request_id="r-1", on_behalf_of="x")
    event = ThingMade(UUID(int=9), "a", Decimal("1.50"))
    first, second = (letter.cloud_event() for letter in events.letters(caller, [event, event]))
    assert first["specversion"] == "1.0"
    assert first["id"] != second["id"] != ""
    assert (first["source"], first["type"]) == ("/toy", "toy.thing_made.v1")
    assert urlsplit(first["source"]).path == "/toy"
    assert first["subject"] == str(UUID(int=9))
    assert first["datacontenttype"] == "application/json"
    assert first["data"] == {"thing_id": str(UUID(int=9)), "tag": "a", "cost": "1.50"}
    sent = datetime.fromisoformat(first["time"])
    assert sent.utcoffset() is not None
    assert sent > clock.replace(year=2020)
    # Context attributes: lower-case letters and digits only, at most twenty of them.
    assert [n for n in first if not re.fullmatch(r"[a-z0-9]{1,20}", n)] == []
    extensions = {n: v for n, v in first.items() if n.startswith("orrery")}
    assert extensions == {
        "orrerytenant": "acme", "orreryactor": str(UUID(int=7)), "orrerybehalf": "x",
        "orreryrequest": "r-1",
    }  # fmt: skip


@pytest.mark.parametrize("part", ["relay", "worker"])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
async def test_who_is_woken_and_stopped_at_the_same_moment_stops(
    toy_house: House, monkeypatch: pytest.MonkeyPatch, part: str, steps: int
) -> None:
    """A wake-up on its way does not swallow the order to stop; the process would hang."""
    monkeypatch.setattr(f"orrery.kernel.{part}.POLL_SECONDS", NEVER)
    await toy_house.runtime.settle()
    house = Runtime(toy_house.runtime.settings, toy_house.url, services={"toy": SERVICE})
    async with house.running():
        loop = getattr(house, part)
        task = asyncio.create_task(loop.run())
        await asyncio.sleep(0.3)
        loop.wake.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        _, waiting = await asyncio.wait([task], timeout=3)
        for late in waiting:
            late.cancel()
        assert waiting == set()
