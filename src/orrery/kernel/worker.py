"""The worker: each reaction once per event, in order per subject, with retries and dead letters."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orrery.kernel import clock, events, log, metrics
from orrery.kernel.caller import service_caller
from orrery.kernel.db import Database, Tx
from orrery.kernel.tenancy import NoSuchTenant
from orrery.kernel.types.refusal import Refusal

# 2, 4, 8 ... seconds, at most 10 minutes; after the last attempt a person decides (dead letter).
MAX_ATTEMPTS = 8
MAX_DELAY_SECONDS = 600
POLL_SECONDS = 1.0

logger = log.logger("worker")

Reaction = Callable[[Tx, Any, Any], Awaitable[None]]

# Only the oldest unfinished event of a subject may run; one that waits for its retry holds back
# the later ones of its subject, a dead one does not.
CLAIM = """
update inbox set state = 'done', done_at = clock_timestamp(), attempts = attempts + 1, error = null
where (event_id, reaction) = (
    select i.event_id, i.reaction from inbox i
    where i.state = 'pending' and i.next_at <= %s
      and not exists (
        select 1 from inbox earlier
        where earlier.state = 'pending' and earlier.reaction = i.reaction
          and earlier.tenant = i.tenant and earlier.subject = i.subject and earlier.seq < i.seq)
    order by i.next_at, i.seq limit 1 for update skip locked)
returning event_id, reaction, tenant, name, data, actor, on_behalf_of, request_id, attempts, at
"""


@dataclass(frozen=True)
class Claimed:
    """One event that a reaction has to take in."""

    event_id: Any
    reaction: str
    tenant: str
    name: str
    data: dict[str, Any]
    actor: str | None
    on_behalf_of: str | None
    request_id: str | None
    attempts: int
    at: Any


class Worker:
    """Works off the inboxes of some services until stopped."""

    def __init__(
        self,
        database: Database,
        reactions: Mapping[str, Mapping[str, Reaction]],
        host: Callable[[str], Any],
        *,
        concurrency: int,
    ) -> None:
        self._database = database
        self._reactions = reactions
        self.services = list(reactions)
        self._host = host
        self._concurrency = concurrency
        self.wake = asyncio.Event()
        self.told: Callable[[str], None] = lambda _service: None

    async def run(self) -> None:
        """React until cancelled, several events at a time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._run_one())

    async def _run_one(self) -> None:
        while True:
            self.wake.clear()
            try:
                worked = sum([await self.work_once(service) for service in self._reactions])
            except Exception as error:
                logger.warning("worker failed, trying again", error=str(error))
                worked = 0
                await asyncio.sleep(POLL_SECONDS)
            if not worked:
                try:
                    # Not wait_for: before Python 3.12 a wake-up makes it swallow the order to stop.
                    async with asyncio.timeout(POLL_SECONDS):
                        await self.wake.wait()
                except TimeoutError:
                    continue

    async def work_once(self, service: str) -> int:
        """Run one reaction of a service, if one is due; answers 1 or 0."""
        async with self._database.transaction(None, service, None) as transaction:
            cursor = await transaction.connection.execute(CLAIM, [clock.now()])
            row = await cursor.fetchone()
            if row is None:
                return 0
            claimed = Claimed(*row)
            token = log.request_id.set(claimed.request_id or "-")
            try:
                tx = await self._react(service, transaction, claimed)
                await transaction.commit()
            except Exception as error:
                await transaction.end()
                await self._failed(service, claimed, error)
            else:
                metrics.REACTIONS.labels(service, "done").inc()
                if tx.events:
                    self.told(service)
            finally:
                log.request_id.reset(token)
        return 1

    async def _react(self, service: str, transaction: Any, claimed: Claimed) -> Tx:
        caller = service_caller(
            claimed.tenant,
            service,
            behalf=claimed.on_behalf_of or claimed.actor,
            request_id=claimed.request_id or "-",
        )
        host = self._host(service)
        await transaction.enter(claimed.tenant, service, caller)
        tx = Tx(transaction.connection, await host.admit(caller), host)
        reaction = self._reactions[service].get(claimed.reaction)
        if reaction is None:
            raise LookupError(f"{service} has no reaction {claimed.reaction} any more")
        event = events.decode(claimed.name, claimed.data)
        tx.event_id, tx.event_at, tx.letter = claimed.event_id, claimed.at, claimed
        await reaction(tx, tx.caller, event)
        if tx.events:
            await events.write(tx, tx.events)
        return tx

    async def _failed(self, service: str, claimed: Claimed, error: Exception) -> None:
        """Count the attempt and plan the next one, or give up and leave a dead letter."""
        final = claimed.attempts >= MAX_ATTEMPTS or isinstance(error, NoSuchTenant)
        delay = min(2**claimed.attempts, MAX_DELAY_SECONDS) * random.uniform(0.8, 1.2)
        text = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
        logger.warning(
            "reaction failed",
            service=service,
            reaction=claimed.reaction,
            event_name=claimed.name,
            attempt=claimed.attempts,
            dead=final,
            error=text,
        )
        metrics.REACTIONS.labels(service, "dead" if final else "retry").inc()
        async with self._database.transaction(None, service, None) as transaction:
            await transaction.connection.execute(
                "update inbox set state = %s, attempts = %s, error = %s,"
                " next_at = %s + make_interval(secs => %s), done_at = null"
                " where event_id = %s and reaction = %s",
                [
                    "dead" if final else "pending",
                    claimed.attempts,
                    text[:2000],
                    clock.now(),
                    delay,
                    claimed.event_id,
                    claimed.reaction,
                ],
            )
            await transaction.commit()


async def dead_letters(database: Database, service: str, tenant: str | None) -> Sequence[Any]:
    """What a service gave up on, oldest first."""
    async with database.transaction(None, service, None) as transaction:
        cursor = await transaction.connection.execute(
            "select event_id, reaction, tenant, name, subject, at, attempts, error, data from inbox"
            " where state = 'dead' and tenant = coalesce(%s, tenant) order by seq limit 1000",
            [tenant],
        )
        return await cursor.fetchall()


async def replay(
    database: Database, service: str, *, tenant: str | None, event_id: Any | None = None
) -> int:
    """Give dead letters another chance; answers how many."""
    async with database.transaction(None, service, None) as transaction:
        cursor = await transaction.connection.execute(
            "update inbox set state = 'pending', attempts = 0, next_at = %s, error = null"
            " where state = 'dead' and tenant = coalesce(%s, tenant)"
            " and event_id = coalesce(%s, event_id)",
            [clock.now(), tenant, event_id],
        )
        count = cursor.rowcount
        await transaction.commit()
        return count


async def rebuild(
    database: Database,
    host: Any,
    *,
    tenant: str,
    projections: Sequence[str],
    reactions: Mapping[str, Reaction],
    subscriptions: Mapping[str, Sequence[str]],
    sources: Sequence[str],
) -> int:
    """Empty a service's projections and fill them again from the log, in one transaction."""
    service = host.service_name
    caller = service_caller(tenant, service, behalf=None, request_id="rebuild")
    async with database.transaction(None, service, None) as transaction:
        # Nobody may claim or deliver meanwhile; claims in flight finish before the lock is granted.
        await transaction.connection.execute("lock table inbox in share row exclusive mode")
        log_rows: list[Any] = []
        for source in sources:
            cursor = await transaction.connection.execute(
                "select at, seq, id, name, data, actor, on_behalf_of, request_id"
                f' from "{source}".outbox'
                " where tenant = %s and name = any(%s)",
                [tenant, list(subscriptions)],
            )
            log_rows += await cursor.fetchall()
        # What is still on its way would be counted twice: the log already holds it.
        await transaction.connection.execute(
            "insert into inbox (event_id, reaction, tenant, name, subject, at, data, state,"
            " done_at)"
            " select o.id, r.reaction, %s, '', '', now(), '{}', 'done', now()"
            " from unnest(%s::uuid[], %s::text[]) as r (id, reaction)"
            " join unnest(%s::uuid[]) as o (id) on o.id = r.id on conflict (event_id, reaction)"
            " do update set state = 'done', done_at = now()",
            [
                tenant,
                *_pairs(log_rows, subscriptions),
                [row[2] for row in log_rows],
            ],
        )
        await transaction.enter(tenant, service, caller)
        tx = Tx(transaction.connection, await host.admit(caller), host)
        for table in projections:
            await transaction.connection.execute(f'delete from "{table}"')
        for row in sorted(log_rows, key=lambda row: (row[0], row[1])):
            for name in subscriptions[row[3]]:
                tx.event_id, tx.event_at = row[2], row[0]
                tx.letter = Claimed(
                    row[2], name, tenant, row[3], row[4], row[5], row[6], row[7], 0, row[0]
                )
                await reactions[name](tx, tx.caller, events.decode(row[3], row[4]))
        await transaction.commit()
    return len(log_rows)


def _pairs(
    log_rows: Sequence[Any], subscriptions: Mapping[str, Sequence[str]]
) -> tuple[list[Any], list[str]]:
    pairs = [(row[2], name) for row in log_rows for name in subscriptions[row[3]]]
    return [event_id for event_id, _ in pairs], [name for _, name in pairs]
