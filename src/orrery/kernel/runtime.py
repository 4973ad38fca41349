"""One process of the house: its database, services, neighbours, relay, worker and jobs."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, cast

from orrery.kernel import migrate, settings, tenancy, worker
from orrery.kernel.caller import Caller, Verifier, service_caller
from orrery.kernel.db import Database, Transaction, Tx
from orrery.kernel.exchange import batches
from orrery.kernel.http import own_transaction
from orrery.kernel.jobs import Jobs
from orrery.kernel.jobs import defer as defer_job
from orrery.kernel.neighbours import Directory, Neighbour, NeighbourNotDeclared
from orrery.kernel.relay import InboxBroker, Relay
from orrery.kernel.service import Service, create_app, discover
from orrery.kernel.tenancy import NoSuchTenant, TenantSuspended
from orrery.kernel.types.provisioning import Provisioning
from orrery.kernel.types.refusal import Refusal, Unauthenticated, Unavailable
from orrery.kernel.worker import Worker

# A suspended tenant is shut out everywhere after this time at the latest.
TENANT_CACHE_SECONDS = 5.0
# A stranger's tokens must not make us fetch keys without end.
KEYS_PAUSE_SECONDS = 2.0


class ProvisioningFailed(Refusal):
    """A step of a new tenant failed; nothing of it was kept."""

    code = "kernel.provisioning_failed"


@dataclass(frozen=True)
class Tenant:
    """What the house knows of a tenant."""

    code: str
    title: str
    state: str
    time_zone: str


class Host:
    """What one service sees of the house."""

    def __init__(self, runtime: "Runtime", service: Service) -> None:
        self.runtime = runtime
        self.service = service
        self.service_name = service.name
        own = [job for _, job in service.cron()] + list(service.deferred)
        self._jobs = {job.__name__: job for job in [batches.run_import, *own]}

    def settings_of(self, kind: type[Any]) -> Any:
        """A service's own settings, or the house's."""
        return settings.read(kind)

    def neighbour(self, service: str, caller: Caller) -> Neighbour:
        """A client for a neighbour that the manifest names."""
        if service not in self.service.asks:
            raise NeighbourNotDeclared(f"{self.service_name} does not declare asks={service!r}")
        return Neighbour(
            self.runtime.directory,
            asking=self.service_name,
            service=service,
            caller=caller,
            key=self.runtime.settings.service_key.get_secret_value(),
        )

    def catalogue(self) -> list[dict[str, str]]:
        """Every permission of every service."""
        return [
            {"code": p.code, "title": p.title, "service": s.name}
            for s in self.runtime.services.values()
            for p in s.permissions
        ]

    def job(self, name: str) -> Any:
        """A job by name."""
        return self._jobs[name]

    async def defer(self, tx: Tx, job: Any, arguments: Mapping[str, Any]) -> None:
        """Queue a job that the manifest names."""
        if job.__name__ not in self._jobs:
            raise LookupError(f"{self.service_name} does not declare deferred={job.__name__}")
        await defer_job(tx, self.service_name, job.__name__, arguments)

    async def admit(self, caller: Caller) -> Caller:
        """The caller in the tenant's time zone. Refuses: NoSuchTenant, TenantSuspended."""
        tenant = await self.runtime.tenant(caller.tenant)
        if tenant.state != "active":
            raise TenantSuspended(tenant=tenant.code)
        return replace(caller, time_zone=tenant.time_zone)

    def transaction(
        self, tenant: str | None, caller: Caller | None = None
    ) -> AbstractAsyncContextManager[Tx]:
        """A transaction outside the edge; commits when the block ends well."""
        return own_transaction(self, tenant, caller)


class Runtime:
    """The house in one process; which parts run is the platform's choice."""

    def __init__(
        self, chosen: settings.Settings, url: str, services: Mapping[str, Service] | None = None
    ) -> None:
        self.settings = chosen
        self.services = dict(services if services is not None else discover())
        self.database = Database(
            url, size=chosen.pool_size, statement_timeout_ms=chosen.statement_timeout_ms
        )
        self.directory = Directory(chosen.neighbours)
        self.verifier = Verifier(chosen.service_key.get_secret_value())
        self.hosts = {name: Host(self, service) for name, service in self.services.items()}
        self.apps: dict[str, Any] = {}
        self.jobs = Jobs(self)
        self.relay = Relay(self.database, list(self.services), InboxBroker(self.subscribers()))
        self.worker = self._worker(self.services.values())
        self.stopping = asyncio.Event()
        self._tenants: dict[str, tuple[float, Tenant]] = {}
        self._keys_at = -KEYS_PAUSE_SECONDS
        self._keys_lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self.is_relaying = False

    def subscribers(self) -> dict[str, list[tuple[str, str]]]:
        """Who reacts to an event: its name and the (service, reaction) pairs."""
        told: dict[str, list[tuple[str, str]]] = {}
        for service in self.services.values():
            for event, names in service.subscriptions.items():
                told.setdefault(event, []).extend((service.name, name) for name in names)
        return told

    def _worker(self, services: Iterable[Service]) -> Worker:
        reactions = {s.name: s.reaction_names for s in services if s.reactions}
        made = Worker(
            self.database,
            reactions,
            self.hosts.__getitem__,
            concurrency=self.settings.worker_concurrency,
        )
        made.told = self.announced
        return made

    def serve(self, names: Iterable[str]) -> None:
        """Build the apps of some services; neighbours in this process are called directly."""
        for name in names:
            self.apps[name] = create_app(self.services[name], self.hosts[name])
            self.directory.serve(name, self.apps[name])

    async def open(self) -> None:
        """Connect to the database."""
        await self.database.open()

    async def close(self) -> None:
        """Stop what runs and disconnect."""
        self.stopping.set()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
        self._tasks.clear()
        for app in self.apps.values():
            if hasattr(app, "close"):
                await app.close()
        await self.directory.close()
        await self.database.close()

    def start_background(self) -> None:
        """Run relay, worker, jobs and the listener in this process."""
        self.is_relaying = True
        for work in (
            self.relay.run(),
            self.worker.run(),
            self.jobs.work(concurrency=self.settings.worker_concurrency),
            self._listen(),
        ):
            self._tasks.append(asyncio.create_task(work))

    async def _listen(self) -> None:
        """Wake relay and worker when another process announces or delivers."""
        while True:
            with suppress(Exception):
                async with self.database.connection() as connection:
                    await connection.execute("listen orrery_outbox")
                    await connection.execute("listen orrery_inbox")
                    try:
                        async for notice in connection.notifies():
                            part = self.relay if notice.channel == "orrery_outbox" else self.worker
                            part.wake.set()
                    finally:
                        with suppress(Exception):
                            await connection.execute("unlisten *")
            await asyncio.sleep(1)

    def announced(self, service: str) -> None:
        """Something was announced: wake the relay here, or tell the one in another process."""
        self.relay.wake.set()
        if not self.is_relaying:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(asyncio.create_task(self._notify(service)))

    async def _notify(self, service: str) -> None:
        with suppress(Exception):
            async with self.database.connection() as connection:
                await connection.execute("select pg_notify('orrery_outbox', %s)", [service])

    async def settle(self) -> None:
        """Relay, react and run jobs until nothing is due; for tests, seeds and the command line."""
        while True:
            moved = sum([await self.relay.relay_once(name) for name in self.services])
            for name in self.worker.services:
                while await self.worker.work_once(name):
                    moved += 1
            if not moved:
                return

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token; an unknown key makes us ask the issuer for its keys again."""
        try:
            return self.verifier.claims(token)
        except Unauthenticated as refusal:
            if refusal.facts.get("reason") != "unknown_key":
                raise
        async with self._keys_lock:
            # Whoever waited here while another request fetched the keys finds them now.
            if not self.verifier.knows(token):
                await self._fetch_keys()
        return self.verifier.claims(token)

    async def _fetch_keys(self) -> None:
        if time.monotonic() - self._keys_at < KEYS_PAUSE_SECONDS:
            return
        self._keys_at = time.monotonic()
        issuer = next((s for s in self.services.values() if s.issuer), None)
        if issuer is None:
            raise Unavailable(reason="no_issuer")
        try:
            response = await self.directory.client(issuer.name).get(cast(str, issuer.issuer))
            response.raise_for_status()
        except Exception as error:
            self._keys_at = -KEYS_PAUSE_SECONDS
            raise Unavailable(service=issuer.name, reason="no_keys") from error
        self.verifier.trust(response.json())

    async def tenant(self, code: str) -> Tenant:
        """What is known of a tenant, at most some seconds old. Refuses: NoSuchTenant."""
        known = self._tenants.get(code)
        if known is None or known[0] < time.monotonic():
            async with self.database.connection() as connection:
                cursor = await connection.execute(
                    "select code, title, state, time_zone from orrery.tenant where code = %s",
                    [code],
                )
                row = await cursor.fetchone()
            if row is None:
                raise NoSuchTenant(tenant=code)
            known = (time.monotonic() + TENANT_CACHE_SECONDS, Tenant(*row))
            self._tenants[code] = known
        return known[1]

    async def tenants(self) -> Sequence[Tenant]:
        """Every tenant."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                "select code, title, state, time_zone from orrery.tenant order by code"
            )
            return [Tenant(*row) for row in await cursor.fetchall()]

    async def tenants_of(self, service: str) -> list[str]:
        """The active tenants that have a service."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                "select t.code from orrery.tenant t join orrery.revision r"
                " on r.schema_name = t.code || '__' || %s where t.state = 'active' order by 1",
                [service],
            )
            return [row[0] for row in await cursor.fetchall()]

    async def migrate(self) -> list[migrate.Report]:
        """Bring the platform and every tenant to the newest revision."""
        reports = await migrate.migrate_platform(self.database, self.services.values())
        async with self.database.connection() as connection, connection.transaction():
            await self.jobs.prepare(connection)
        every = list(self.services.values())
        async for report in migrate.migrate_tenants(self.database, every):
            reports.append(report)
        return reports

    async def provision(self, order: Provisioning) -> None:
        """Make a tenant: schemas, roles, tables and every service's hook in ONE transaction, so
        that a failing step leaves nothing behind (ORG-3). Refuses: TenantExists, BadTenantCode.
        """
        tenancy.schema_of(order.tenant, "check")
        async with self.database.connection() as connection:
            transaction = Transaction(connection)
            await connection.execute("begin")
            transaction.is_open = True
            try:
                await self._provision(connection, transaction, order)
                await transaction.commit()
            finally:
                await transaction.end()
        self._tenants.pop(order.tenant, None)
        self.announced("orrery")

    async def _provision(self, connection: Any, transaction: Any, order: Provisioning) -> None:
        cursor = await connection.execute(
            "insert into orrery.tenant (code, title, state, time_zone)"
            " values (%s, %s, 'active', %s) on conflict do nothing returning code",
            [order.tenant, order.title, order.time_zone],
        )
        if await cursor.fetchone() is None:
            raise tenancy.TenantExists(tenant=order.tenant)
        for service in self.services.values():
            await tenancy.create_schema(connection, order.tenant, service.name)
            await migrate.migrate_schema(connection, service, order.tenant)
        for service in self.services.values():
            if service.provision is not None:
                await self._fill(transaction, service, order)

    async def _fill(self, transaction: Transaction, service: Service, order: Provisioning) -> None:
        from orrery.kernel import events

        caller = service_caller(order.tenant, service.name, behalf=None, request_id="provision")
        caller = replace(caller, time_zone=order.time_zone)
        await transaction.enter(order.tenant, service.name, caller)
        tx = Tx(transaction.connection, caller, self.hosts[service.name])
        await cast(Any, service.provision)(tx, caller, order)
        if tx.events:
            await events.write(tx, tx.events)
        await transaction.leave()

    async def seed(self, tenant: str) -> None:
        """Fill the demo company: every service's seed, each in its own transaction."""
        for service in self.services.values():
            if service.seed is not None:
                async with self.hosts[service.name].transaction(tenant) as tx:
                    await service.seed(tx, tx.caller)

    async def set_state(self, tenant: str, state: str) -> None:
        """Suspend a tenant or make it active again. Refuses: NoSuchTenant."""
        async with self.database.connection() as connection:
            cursor = await connection.execute(
                "update orrery.tenant set state = %s where code = %s", [state, tenant]
            )
            if not cursor.rowcount:
                raise NoSuchTenant(tenant=tenant)
        self._tenants.pop(tenant, None)

    async def drop(self, tenant: str) -> None:
        """Remove a tenant with everything it has. Refuses: NoSuchTenant."""
        await self.tenant(tenant)
        async with self.database.connection() as connection, connection.transaction():
            for service in self.services:
                await tenancy.drop_schema(connection, tenant, service)
            await connection.execute("delete from orrery.tenant where code = %s", [tenant])
            await self.jobs.forget(connection, tenant)
        self._tenants.pop(tenant, None)

    async def rebuild(self, service: str, tenant: str) -> int:
        """Fill a service's projections again from the log; answers how many events it took."""
        manifest = self.services[service]
        return await worker.rebuild(
            self.database,
            self.hosts[service],
            tenant=tenant,
            projections=[table.__tablename__ for table in manifest.projections],
            reactions=manifest.reaction_names,
            subscriptions=manifest.subscriptions,
            sources=sorted({name.partition(".")[0] for name in manifest.subscriptions}),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Runtime"]:
        """Open, and close at the end."""
        await self.open()
        try:
            yield self
        finally:
            await self.close()
