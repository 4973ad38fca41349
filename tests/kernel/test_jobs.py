"""Jobs: queued with the transaction, retried, per tenant, gone with their tenant (DESIGN 8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from orrery.kernel import jobs, testing
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import Unavailable
from tests.toy.service import SERVICE, Color, paint

broken: set[str] = set()


async def stubborn(tx: Tx, caller: Caller, code: str) -> None:
    """Paint, then fail for as long as the color is among the broken."""
    await tx.add(Color, code=code, name=code)
    if code in broken:
        raise Unavailable(reason="out of paint")


async def nightly(tx: Tx, caller: Caller) -> None:
    """A cron job; a tenant among the broken poisons it."""
    if caller.tenant in broken:
        raise ValueError("poison")
    await tx.add(Color, code="night", name=caller.today.isoformat())


def undeclared(tx: Tx, caller: Caller) -> None:
    """A function that no manifest names."""


@pytest.fixture(scope="module")
async def yard() -> AsyncIterator[House]:
    """The toy with a cron line, on a database of its own."""
    toy = replace(SERVICE, jobs={"0 3 * * *": nightly}, deferred=[paint, stubborn])
    async with (
        testing.embedded_database() as url,
        testing.house(url, services={"toy": toy}, tenants=[]) as opened,
    ):
        yield opened


@pytest.fixture(autouse=True)
async def _clean(yard: House) -> AsyncIterator[None]:
    broken.clear()
    yield
    async with _queue_tables(yard) as connection:
        await connection.execute("delete from procrastinate_jobs")


@asynccontextmanager
async def _queue_tables(house: House) -> AsyncIterator[Any]:
    async with house.runtime.database.connection() as connection, connection.transaction():
        await connection.execute("set local search_path to orrery_jobs")
        yield connection


async def _defer(house: House, tenant: str, job: Any, **arguments: Any) -> None:
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.defer(job, **arguments)


async def _queue(house: House, *tenants: str) -> list[Any]:
    """What is queued, for some tenants or for all."""
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select args->>'tenant', args->>'job', status::text, attempts"
            " from orrery_jobs.procrastinate_jobs where task_name = 'orrery.run'"
            " and (%s or args->>'tenant' = any(%s)) order by id",
            [not tenants, list(tenants)],
        )
        return await cursor.fetchall()


async def _wait_is_over(house: House) -> timedelta:
    """Make everything that waits due now; answers how long the first still had to wait."""
    async with _queue_tables(house) as connection:
        cursor = await connection.execute(
            "with due as (select id, scheduled_at from procrastinate_jobs"
            " where status = 'todo' and scheduled_at > now())"
            " update procrastinate_jobs j set scheduled_at = now() - interval '1 s'"
            " from due where j.id = due.id returning due.scheduled_at - now()"
        )
        row = await cursor.fetchone()
    return row[0] if row else timedelta(0)


async def _colors(house: House, tenant: str) -> list[str]:
    async with house.tx("toy", tenant=tenant) as tx:
        return [row.code for row in await tx.all(Color)]


async def _tick(house: House) -> None:
    """What the clock does at three o'clock."""
    tasks: Any = house.runtime.jobs.app.tasks
    async with house.runtime.jobs.app.open_async():
        await tasks["orrery.tick.toy.nightly"].func(0)


async def test_a_job_exists_only_if_its_transaction_commits(yard: House) -> None:
    """ "queued in the caller's own transaction": a rollback or a savepoint undone queues none."""
    tenant = await yard.new_tenant()
    async with yard.tx("toy", tenant=tenant) as tx:
        await tx.defer(paint, code="undone")
    async with yard.tx("toy", tenant=tenant, commits=True) as tx:
        with pytest.raises(ZeroDivisionError):
            await _defer_and_fail(tx)
        await tx.defer(paint, code="kept")
        assert await _queue(yard) == []
    assert await _queue(yard) == [(tenant, "paint", "todo", 0)]
    await yard.settle()
    assert await _colors(yard, tenant) == ["kept"]
    assert await _queue(yard) == []


async def _defer_and_fail(tx: Tx) -> None:
    async with tx.savepoint():
        await tx.defer(paint, code="half")
        raise ZeroDivisionError


async def test_a_job_queued_outside_the_transaction_survives_its_rollback(yard: House) -> None:
    """Proof that the test above bites: queue on a connection of its own, and the job is there."""
    tenant = await yard.new_tenant()
    async with yard.tx("toy", tenant=tenant):
        await _defer(yard, tenant, paint, code="orphan")
    assert await _queue(yard) == [(tenant, "paint", "todo", 0)]


async def test_a_job_works_under_the_request_and_on_behalf_of_who_queued_it(yard: House) -> None:
    """History names the service, the person behind it and the request that asked for it."""
    tenant, user = await yard.new_tenant(), new_id()
    async with yard.tx("toy", tenant=tenant, commits=True, user_id=user, request_id="edge-7") as tx:
        await tx.defer(paint, code="red")
    await yard.settle()
    async with yard.tx("toy", tenant=tenant) as tx:
        line = await tx.row("select * from history where table_name = 'color'")
    assert line is not None
    told = (line.actor, line.on_behalf_of, line.request_id)
    assert told == ("service:toy", str(user), "edge-7")


async def test_a_failing_job_is_undone_and_tried_again_until_it_is_given_up(yard: House) -> None:
    """Waits of 3, 9, 27 ... seconds; after the last attempt it stays, marked as failed."""
    tenant = await yard.new_tenant()
    broken.add("green")
    await _defer(yard, tenant, stubborn, code="green")
    told, waits = [], []
    for _ in range(jobs.MAX_ATTEMPTS):
        await yard.runtime.jobs.drain()
        told += [line[2:] for line in await _queue(yard)]
        waits.append(round((await _wait_is_over(yard)).total_seconds(), -1))
        assert await _colors(yard, tenant) == []
    assert told == [("todo", 1), ("todo", 2), ("todo", 3), ("todo", 4), ("failed", 5)]
    assert waits == [0, 10, 30, 80, 0]


async def test_a_job_that_fails_once_succeeds_with_its_second_attempt(yard: House) -> None:
    """What the first attempt wrote is rolled back, so nothing is there twice."""
    tenant = await yard.new_tenant()
    broken.add("blue")
    await _defer(yard, tenant, stubborn, code="blue")
    await yard.runtime.jobs.drain()
    assert await _queue(yard) == [(tenant, "stubborn", "todo", 1)]
    broken.clear()
    await _wait_is_over(yard)
    await yard.runtime.jobs.drain()
    assert await _colors(yard, tenant) == ["blue"]
    assert await _queue(yard) == []


async def test_a_job_may_wait_some_seconds(yard: House) -> None:
    """after_seconds: not a moment before, and not handed to the job as an argument."""
    tenant = await yard.new_tenant()
    await _defer(yard, tenant, paint, code="later", after_seconds=60)
    await _defer(yard, tenant, paint, code="now", after_seconds=0)
    await yard.runtime.jobs.drain()
    assert await _colors(yard, tenant) == ["now"]
    assert timedelta(seconds=50) < await _wait_is_over(yard) <= timedelta(seconds=60)
    await yard.runtime.jobs.drain()
    assert sorted(await _colors(yard, tenant)) == ["later", "now"]


async def test_a_poisoned_tenants_cron_does_not_hold_up_the_others(yard: House) -> None:
    """Acceptance B.6: its own job fails and is retried, everybody else's is done."""
    good, bad, late = [await yard.new_tenant() for _ in range(3)]
    broken.add(bad)
    await _tick(yard)
    await yard.runtime.jobs.drain()
    assert [await _colors(yard, t) for t in (good, bad, late)] == [["night"], [], ["night"]]
    assert await _queue(yard, good, bad, late) == [(bad, "nightly", "todo", 1)]


async def test_a_tenant_whose_job_cannot_even_be_queued_does_not_hold_up_the_others(
    yard: House,
) -> None:
    """A schema that is damaged or half-made: the others' jobs are queued all the same."""
    good, bad, late = sorted([await yard.new_tenant() for _ in range(3)])
    role = f'"{bad}__toy"'
    async with yard.runtime.database.connection() as connection:
        await connection.execute(f"alter role {role} rename to gone")
        try:
            await _tick(yard)
        finally:
            await connection.execute(f"alter role gone rename to {role}")
    queued = {line[0] for line in await _queue(yard)}
    assert {good, late} <= queued
    assert bad not in queued


async def test_one_job_for_all_tenants_would_let_one_hold_up_the_others(yard: House) -> None:
    """Proof that a job per tenant is the guard: all in one, and who comes later gets nothing."""
    good, bad, late = [await yard.new_tenant() for _ in range(3)]
    broken.add(bad)
    with pytest.raises(ValueError, match="poison"):
        await _all_in_one(yard, [good, bad, late])
    assert [await _colors(yard, t) for t in (good, bad, late)] == [["night"], [], []]


async def _all_in_one(house: House, tenants: list[str]) -> None:
    for tenant in tenants:
        await house.runtime.jobs.run(tenant, "toy", "nightly", {}, {})


async def test_the_jobs_of_a_suspended_tenant_are_dropped(yard: House) -> None:
    """Nothing of a suspended tenant is written, also not later when it is active again."""
    tenant = await yard.new_tenant()
    await _defer(yard, tenant, paint, code="too late")
    await yard.runtime.set_state(tenant, "suspended")
    await _tick(yard)
    assert await _queue(yard, tenant) == [(tenant, "paint", "todo", 0)]
    await yard.runtime.jobs.drain()
    await yard.runtime.set_state(tenant, "active")
    await yard.runtime.jobs.drain()
    assert await _queue(yard, tenant) == []
    assert await _colors(yard, tenant) == []


async def test_the_jobs_of_a_dropped_tenant_are_gone_with_it(yard: House) -> None:
    """A new tenant of the same code does not inherit the work of the old one."""
    tenant, other = await yard.new_tenant(), await yard.new_tenant()
    await _defer(yard, tenant, paint, code="inherited")
    await _defer(yard, other, paint, code="stays")
    await yard.runtime.drop(tenant)
    assert await _queue(yard) == [(other, "paint", "todo", 0)]
    await yard.runtime.provision(testing.order(tenant))
    await yard.runtime.jobs.drain()
    assert await _colors(yard, tenant) == []
    assert await _colors(yard, other) == ["stays"]


async def test_a_job_that_waits_for_a_tenant_that_is_gone_is_dropped(yard: House) -> None:
    """Left behind all the same, it ends without a retry."""
    await yard.runtime.jobs.run("nobody", "toy", "paint", {"code": "x"}, {})
    assert await _queue(yard) == []


async def test_a_job_that_the_manifest_does_not_name_is_refused(yard: House) -> None:
    """A job of another service has no name here, and its service's queue is closed."""
    tenant = await yard.new_tenant()
    async with yard.tx("toy", tenant=tenant, commits=True) as tx:
        with pytest.raises(LookupError, match="undeclared"):
            await tx.defer(undeclared)
        for statement in (
            "select orrery.defer('other', 'paint', '{}', 0)",
            "select orrery.defer('', 'paint', '{}', 0)",
        ):
            with pytest.raises(psycopg.errors.RaiseException):
                await _value_in_savepoint(tx, statement)
    async with yard.tx("toy", tenant=tenant) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.run("insert into orrery_jobs.procrastinate_jobs (task_name) values ('x')")
    async with yard.runtime.database.connection() as connection:
        with pytest.raises(psycopg.errors.RaiseException):
            await connection.execute("select orrery.defer('toy', 'paint', '{}', 0)")
    assert await _queue(yard) == []


async def _value_in_savepoint(tx: Tx, statement: Any) -> None:
    async with tx.savepoint():
        await tx.value(statement)


async def test_what_a_dead_worker_left_behind_is_queued_again(yard: House) -> None:
    """A worker that stopped saying that it lives gives its job back; a living one keeps it."""
    tenant = await yard.new_tenant()
    await _defer(yard, tenant, paint, code="left")
    await _defer(yard, tenant, paint, code="held")
    async with yard.runtime.jobs.app.open_async():
        manager = yard.runtime.jobs.app.job_manager
        workers = [await manager.register_worker() for _ in range(2)]
        for worker in workers:
            assert await manager.fetch_job([jobs.QUEUE], worker_id=worker) is not None
        async with yard.runtime.database.connection() as connection:
            await connection.execute(
                "update orrery_jobs.procrastinate_workers"
                " set last_heartbeat = now() - interval '1 minute' where id = %s",
                [workers[0]],
            )
        assert await yard.runtime.jobs.sweep(silent_seconds=jobs.SILENT_SECONDS) == 1
    assert [line[2] for line in await _queue(yard)] == ["todo", "doing"]
    await yard.runtime.jobs.drain()
    assert await _colors(yard, tenant) == ["left"]


async def test_a_working_process_takes_up_what_is_queued_while_it_runs(yard: House) -> None:
    """The worker waits for work and ends when it is told to."""
    tenant = await yard.new_tenant()
    work = asyncio.create_task(yard.runtime.jobs.work(concurrency=2))
    await asyncio.sleep(0.3)
    await _defer(yard, tenant, paint, code="quick")
    for _ in range(250):
        if await _colors(yard, tenant):
            break
        await asyncio.sleep(0.02)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await _colors(yard, tenant) == ["quick"]


async def test_the_sweep_forgets_old_idempotency_keys_and_keeps_the_young(toy_house: House) -> None:
    """Everything has a limit (STYLE rule 12): an answer is kept for a week."""
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute("delete from toy.idempotency_key")
        for days in (6, 8):
            await connection.execute(
                "insert into toy.idempotency_key (tenant, actor, key, request_hash, created_at)"
                " values ('acme', 'x', %s, '', now() - make_interval(days => %s))",
                [f"{days} days", days],
            )
    async with toy_house.runtime.jobs.app.open_async():
        await toy_house.runtime.jobs.sweep(silent_seconds=30)
    async with toy_house.runtime.database.connection() as connection:
        cursor = await connection.execute("select key from toy.idempotency_key")
        assert await cursor.fetchall() == [("6 days",)]
