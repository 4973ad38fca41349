"""Events: nothing lost, nothing doubled, in order per subject, replayable (DESIGN 6)."""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orrery.kernel import clock, worker
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.toy.service import CostByTag, Seen, Thing, ThingMade, ThingRenamed

ROOT = Path(__file__).parents[2]


async def _announce(house: House, tenant: str, count: int) -> list[Any]:
    ids = [new_id() for _ in range(count)]
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for id in ids:
            tx.announce(ThingMade(id, str(id), Decimal(1)))
    return ids


async def _seen(house: House, tenant: str) -> Counter[Any]:
    async with house.tx("toy", tenant=tenant) as tx:
        return Counter(row.thing_id for row in await tx.all(Seen))


async def test_an_announcement_is_reacted_to_once_and_only_if_committed(toy_house: House) -> None:
    """ "Written to the outbox in the same transaction": a rollback announces nothing."""
    tenant = await toy_house.new_tenant()
    ids = await _announce(toy_house, tenant, 3)
    async with toy_house.tx("toy", tenant=tenant) as tx:
        tx.announce(ThingMade(new_id(), "rolled back", Decimal(1)))
    await toy_house.runtime.settle()
    await toy_house.runtime.settle()
    assert await _seen(toy_house, tenant) == Counter(ids)


async def test_a_redelivered_event_is_not_reacted_to_again(toy_house: House) -> None:
    """ "a reaction runs once (inbox key event + reaction)": at-least-once delivery is harmless."""
    tenant = await toy_house.new_tenant()
    ids = await _announce(toy_house, tenant, 5)
    for _ in range(3):
        await toy_house.runtime.settle()
        async with toy_house.runtime.database.connection() as connection:
            await connection.execute(
                "update toy.outbox set delivered_at = null where tenant = %s", [tenant]
            )
    await toy_house.runtime.settle()
    assert await _seen(toy_house, tenant) == Counter(ids)


async def test_what_commits_late_is_not_skipped(toy_house: House) -> None:
    """A transaction that announced first and commits last is delivered all the same."""
    tenant = await toy_house.new_tenant()
    slow, fast = new_id(), new_id()
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.run(
            "insert into outbox (id, tenant, name, subject, at, data) values (gen_random_uuid(),"
            " %(t)s, 'toy.thing_made.v1', 's', now(), %(d)s::jsonb)",
            t=tenant,
            d=f'{{"thing_id": "{slow}", "tag": "slow", "cost": "1"}}',
        )
        async with toy_house.tx("toy", tenant=tenant, commits=True) as other:
            other.announce(ThingMade(fast, "fast", Decimal(1)))
        await toy_house.runtime.settle()
        assert set(await _seen(toy_house, tenant)) == {fast}
    await toy_house.runtime.settle()
    assert set(await _seen(toy_house, tenant)) == {fast, slow}


async def test_events_of_one_subject_stay_in_order_though_older_transactions_run(
    toy_house: House,
) -> None:
    """A subject's events are ordered by its row lock; a position below the snapshot horizon would
    deliver the later one first when its transaction is the older one (decision 0006)."""
    tenant = await toy_house.new_tenant()
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        thing = await tx.add(Thing, tag="one", cost=1, specs={})
    async with toy_house.tx("toy", tenant=tenant, commits=True) as older:
        await older.add(Thing, tag="gives the older transaction its number first", cost=1, specs={})
        async with toy_house.tx("toy", tenant=tenant, commits=True) as bystander:
            await bystander.add(Thing, tag="keeps the horizon low", cost=1, specs={})
            async with toy_house.tx("toy", tenant=tenant, commits=True) as newer:
                await newer.lock(Thing, thing.id)
                newer.announce(ThingRenamed(thing.id, 1))
            await older.lock(Thing, thing.id)
            older.announce(ThingRenamed(thing.id, 2))
    await toy_house.runtime.settle()
    async with toy_house.tx("toy", tenant=tenant) as tx:
        assert [row.step for row in await tx.all(Seen, thing_id=thing.id)] == [1, 2]


async def test_events_of_one_subject_are_reacted_to_in_order_by_parallel_workers(
    toy_house: House,
) -> None:
    """Four workers at once: 30 events of each of 5 subjects keep their order."""
    tenant = await toy_house.new_tenant()
    subjects = [new_id() for _ in range(5)]
    for step in range(30):
        async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
            for subject in subjects:
                tx.announce(ThingRenamed(subject, step))
    while await toy_house.runtime.relay.relay_once("toy"):
        pass

    async def work() -> None:
        while await toy_house.runtime.worker.work_once("toy"):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    await toy_house.runtime.settle()
    async with toy_house.tx("toy", tenant=tenant) as tx:
        for subject in subjects:
            rows = await tx.rows(
                "select step from seen where thing_id = %(s)s order by id", s=subject
            )
            assert [row.step for row in rows] == list(range(30))


async def test_a_poisoned_event_is_retried_then_laid_aside_and_can_be_replayed(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "with retries and backoff, then a dead-letter list that the operations app can replay"; a
    poisoned event never blocks other subjects (acceptance B.6)."""
    tenant = await toy_house.new_tenant()
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        tx.announce(ThingMade(new_id(), "poison", Decimal(1)))
    good = await _announce(toy_house, tenant, 2)
    now = clock.now()
    await toy_house.runtime.settle()
    assert await _seen(toy_house, tenant) == Counter(good)
    database = toy_house.runtime.database
    for attempt in range(1, worker.MAX_ATTEMPTS):
        assert await worker.dead_letters(database, "toy", tenant) == []
        clock.set(now + timedelta(seconds=attempt * worker.MAX_DELAY_SECONDS * 2))
        await toy_house.runtime.settle()
    dead = await worker.dead_letters(database, "toy", tenant)
    assert [(row[1], row[6]) for row in dead] == [("note_made", worker.MAX_ATTEMPTS)]
    assert "this one never works" in dead[0][7]
    assert await _seen(toy_house, tenant) == Counter(good)

    monkeypatch.setitem(toy_house.runtime.worker._reactions["toy"], "note_made", _works_now)
    assert await worker.replay(database, "toy", tenant=tenant) == 1
    await toy_house.runtime.settle()
    assert sum((await _seen(toy_house, tenant)).values()) == 3
    assert await worker.dead_letters(database, "toy", tenant) == []


async def _works_now(tx: Any, caller: Any, event: ThingMade) -> None:
    await tx.add(Seen, thing_id=event.thing_id, step=1)


async def _kill_until_done(house: House, tenant: str, *more: str) -> int:
    """Run relay and worker in another process and kill it -9 at random moments; how often."""
    kills = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "tests.toy.background", house.url, *more),
            cwd=ROOT,
        )
        started = sum((await _seen(house, tenant)).values())
        moved = False
        while child.returncode is None and not moved and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            moved = sum((await _seen(house, tenant)).values()) > started
        await asyncio.sleep(random.random() / 10)
        child.send_signal(signal.SIGKILL)
        await child.wait()
        kills += 1
        async with house.runtime.database.connection() as connection:
            cursor = await connection.execute(
                "select (select count(*) from toy.outbox"
                " where delivered_at is null and tenant = %s)"
                " + (select count(*) from toy.inbox where state = 'pending' and tenant = %s)",
                [tenant, tenant],
            )
            row = await cursor.fetchone()
        if row == (0,) or kills >= 6:
            break
    return kills


@pytest.mark.slow
async def test_kill_9_of_relay_and_worker_loses_nothing_and_doubles_nothing(
    toy_house: House,
) -> None:
    """ "Kill -9 of relay or worker in mid-flight loses nothing and doubles nothing"."""
    tenant = await toy_house.new_tenant()
    ids: list[Any] = []
    for _ in range(20):
        ids += await _announce(toy_house, tenant, 200)
    kills = await _kill_until_done(toy_house, tenant)
    await toy_house.runtime.settle()
    seen = await _seen(toy_house, tenant)
    assert kills >= 2
    assert set(ids) - set(seen) == set()
    assert {id: n for id, n in seen.items() if n != 1} == {}


@pytest.mark.slow
async def test_a_worker_that_claims_first_loses_events_when_killed(toy_house: House) -> None:
    """Proof that the test above bites: commit the claim before the reaction, and kills lose."""
    tenant = await toy_house.new_tenant()
    ids = await _announce(toy_house, tenant, 400)
    await _kill_until_done(toy_house, tenant, "claim_first")
    await toy_house.runtime.settle()
    assert set(ids) - set(await _seen(toy_house, tenant)) != set()


async def _projection(house: House, tenant: str) -> list[Any]:
    async with house.tx("toy", tenant=tenant) as tx:
        return [tuple(row) for row in await tx.rows("select * from cost_by_tag order by id")]


async def _fill(house: House, tenant: str) -> None:
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for number in range(60):
            tx.announce(ThingMade(new_id(), f"tag {number}", Decimal(number)))
    await house.runtime.settle()


async def test_a_projection_rebuilt_from_the_log_comes_out_equal(toy_house: House) -> None:
    """ "any projection can be dropped and rebuilt from it, and must come out equal"."""
    tenant = await toy_house.new_tenant()
    await _fill(toy_house, tenant)
    before = await _projection(toy_house, tenant)
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.run("delete from cost_by_tag where cost > 30")
        await tx.run("update cost_by_tag set cost = cost + 1")
    assert await toy_house.rebuild("toy", tenant) == 60
    assert len(before) == 60
    assert await _projection(toy_house, tenant) == before


async def test_a_rebuild_counts_what_is_still_on_its_way_once(toy_house: House) -> None:
    """Events not yet reacted to are taken from the log and not again from the inbox."""
    tenant = await toy_house.new_tenant()
    await _fill(toy_house, tenant)
    await _announce(toy_house, tenant, 4)
    await toy_house.rebuild("toy", tenant)
    await toy_house.runtime.settle()
    assert len(await _projection(toy_house, tenant)) == 64


async def test_a_log_with_a_hole_does_not_rebuild_the_same_state(toy_house: House) -> None:
    """Proof that replay = state bites: lose one event of the log and the projections differ."""
    tenant = await toy_house.new_tenant()
    await _fill(toy_house, tenant)
    before = await _projection(toy_house, tenant)
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute(
            "delete from toy.outbox where seq ="
            " (select max(seq) from toy.outbox where tenant = %s)",
            [tenant],
        )
    await toy_house.rebuild("toy", tenant)
    assert await _projection(toy_house, tenant) != before


async def test_the_request_id_and_actor_travel_with_the_event(toy_house: House) -> None:
    """GW-5: the correlation id goes from the edge to the last event and history line."""
    tag = str(new_id())
    async with toy_house.client({"*": "all"}) as client:
        made = await client.post(
            "/api/v1/toy/things",
            json={"tag": tag, "cost": "1"},
            headers={"X-Request-ID": "edge-42"},
        )
    assert made.headers["X-Request-ID"] == "edge-42"
    await toy_house.runtime.settle()
    async with toy_house.tx("toy") as tx:
        row = await tx.row(
            "select h.request_id, h.on_behalf_of, h.actor from history h join seen s"
            " on s.id = h.record_id where s.thing_id = %(id)s",
            id=made.json()["id"],
        )
        creator = await tx.value(
            "select created_by::text from thing where id = %(id)s", id=made.json()["id"]
        )
    assert row is not None
    assert (row.request_id, row.actor, row.on_behalf_of) == ("edge-42", "service:toy", creator)


async def test_the_projection_is_kept_by_its_own_reaction(toy_house: House) -> None:
    """Two reactions to one event each run once, in transactions of their own."""
    tenant = await toy_house.new_tenant()
    ids = await _announce(toy_house, tenant, 2)
    await toy_house.runtime.settle()
    async with toy_house.tx("toy", tenant=tenant) as tx:
        assert {row.id for row in await tx.all(CostByTag)} == set(ids)
