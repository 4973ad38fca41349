"""The relay: carries announced events from each service's outbox to the inboxes of those who react.

Undelivered rows are marked, not remembered by a position, so what commits late is never skipped;
one relay per outbox at a time (advisory lock) and the outbox's order keep a subject's events in
order (decision 0006 says why this is safer than a position below the snapshot horizon).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orrery.kernel import clock, log, metrics
from orrery.kernel.db import Database
from orrery.kernel.events import Letter

BATCH = 500
# A safety net under the wake-up: an announcement is found at the latest after this time.
POLL_SECONDS = 1.0

logger = log.logger("relay")


class Broker(Protocol):
    """Where the relay puts letters; without an engine, PostgreSQL itself is the broker."""

    async def publish(self, connection: Any, letters: Sequence[Letter]) -> None:
        """Hand over letters in order; returns when they are safe."""


class InboxBroker:
    """Puts letters straight into the inboxes, in the transaction that marks them delivered."""

    def __init__(self, subscribers: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        self._subscribers = subscribers

    async def publish(self, connection: Any, letters: Sequence[Letter]) -> None:
        """Write one row per reaction; a letter that is there already stays as it is."""
        rows: dict[str, list[Any]] = {}
        for letter in letters:
            for service, reaction in self._subscribers.get(letter.name, ()):
                rows.setdefault(service, []).append((reaction, letter))
        for service, deliveries in rows.items():
            await connection.execute(
                f'insert into "{service}".inbox (event_id, reaction, tenant, name, subject, at,'
                " actor, on_behalf_of, request_id, data, next_at)"
                " select o.id, d.reaction, o.tenant, o.name, o.subject, o.at, o.actor,"
                " o.on_behalf_of, o.request_id, o.data, %s"
                " from unnest(%s::text[], %s::uuid[]) with ordinality as d (reaction, id, position)"
                f' join "{_source(deliveries)}".outbox o on o.id = d.id order by d.position'
                " on conflict (event_id, reaction) do nothing",
                [clock.now(), [r for r, _ in deliveries], [letter.id for _, letter in deliveries]],
            )


def _source(deliveries: Sequence[tuple[str, Letter]]) -> str:
    return deliveries[0][1].name.partition(".")[0]


class Relay:
    """Empties the outboxes of some services, again and again until stopped."""

    def __init__(self, database: Database, services: Sequence[str], broker: Broker) -> None:
        self._database = database
        self._services = services
        self._broker = broker
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled; a failure is logged and tried again."""
        while True:
            self.wake.clear()
            try:
                moved = sum([await self.relay_once(service) for service in self._services])
            except Exception as error:
                logger.warning("relay failed, trying again", error=str(error))
                moved = 0
                await asyncio.sleep(POLL_SECONDS)
            if not moved:
                try:
                    # Not wait_for: before Python 3.12 a wake-up makes it swallow the order to stop.
                    async with asyncio.timeout(POLL_SECONDS):
                        await self.wake.wait()
                except TimeoutError:
                    continue

    async def relay_once(self, service: str) -> int:
        """Move one batch of a service's announcements; answers how many."""
        async with self._database.transaction(None, service, None) as transaction:
            connection = transaction.connection
            cursor = await connection.execute(
                "select pg_try_advisory_xact_lock(hashtext('orrery.relay'), hashtext(%s))",
                [service],
            )
            if not (await cursor.fetchone() or [False])[0]:
                return 0
            cursor = await connection.execute(
                "select id, tenant, name, subject, at, actor, on_behalf_of, request_id, data"
                " from outbox where delivered_at is null order by seq limit %s",
                [BATCH],
            )
            letters = [Letter(*row) for row in await cursor.fetchall()]
            if not letters:
                return 0
            await self._broker.publish(connection, letters)
            await connection.execute(
                "update outbox set delivered_at = clock_timestamp() where id = any(%s)",
                [[letter.id for letter in letters]],
            )
            await connection.execute("select pg_notify('orrery_inbox', %s)", [service])
            await transaction.commit()
        metrics.EVENTS_RELAYED.labels(service).inc(len(letters))
        return len(letters)
