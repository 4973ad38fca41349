"""Background jobs and cron on procrastinate, queued in the caller's own transaction.

A tenant's role may not write the queue's tables; it calls one function that runs as its owner and
takes the tenant from the role, so that nobody can queue work for another tenant.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import procrastinate
from procrastinate import App, PsycopgConnector, RetryStrategy

from orrery.kernel import log, metrics, tenancy
from orrery.kernel.caller import service_caller
from orrery.kernel.db import Tx
from orrery.kernel.http import own_transaction

SCHEMA = "orrery_jobs"
RUN = "orrery.run"
TICK = "orrery.tick"
SWEEP = "orrery.sweep"
QUEUE = "orrery"
MAX_ATTEMPTS = 5
# A worker says every ten seconds that it lives; one that missed three of them is dead.
SILENT_SECONDS = 30

# A client that repeats a request does so within minutes; a week is for those that were offline.
KEY_DAYS = 7

logger = log.logger("jobs")

DEFER = """
create or replace function orrery.defer(
    service text, job text, arguments jsonb, after_seconds integer)
returns bigint language plpgsql security definer set search_path = orrery_jobs, pg_temp as $body$
declare
    tenant text := split_part(current_setting('role'), '__', 1);
    id bigint;
begin
    if tenant in ('', 'none') or split_part(current_setting('role'), '__', 2) <> service then
        raise exception 'only a tenant may defer a job of its own service';
    end if;
    insert into procrastinate_jobs (queue_name, task_name, args, scheduled_at)
    values ('orrery', 'orrery.run', jsonb_build_object(
        'tenant', tenant, 'service', service, 'job', job, 'arguments', arguments,
        'told', coalesce(nullif(current_setting('orrery.caller', true), ''), '{}')::jsonb),
        case when after_seconds > 0 then now() + make_interval(secs => after_seconds) end)
    returning procrastinate_jobs.id into id;
    return id;
end $body$;
grant usage on schema orrery to public;
grant execute on function orrery.defer(text, text, jsonb, integer) to public;
"""


async def defer(tx: Tx, service: str, job: str, arguments: Mapping[str, Any]) -> int:
    """Queue a job; it exists only if the transaction commits."""
    values = dict(arguments)
    after = int(values.pop("after_seconds", 0))
    return int(
        await tx.value(
            "select orrery.defer(%(service)s, %(job)s, %(arguments)s::jsonb, %(after)s)",
            service=service,
            job=job,
            arguments=orjson.dumps(values, default=str).decode(),
            after=after,
        )
    )


class Jobs:
    """The queue of this process: schema, worker and cron lines."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._connector = PsycopgConnector(
            conninfo=runtime.database.url,
            kwargs={"options": f"-c search_path={SCHEMA}"},
            min_size=1,
            max_size=4,
        )
        self.app = App(connector=self._connector)
        self._declare()

    def _declare(self) -> None:
        @self.app.task(
            name=RUN,
            queue=QUEUE,
            # It counts the attempts before this one.
            retry=RetryStrategy(max_attempts=MAX_ATTEMPTS - 1, exponential_wait=3),
        )
        async def run(
            tenant: str, service: str, job: str, arguments: dict[str, Any], told: dict[str, Any]
        ) -> None:
            await self.run(tenant, service, job, arguments, told)

        @self.app.periodic(cron="* * * * *")
        @self.app.task(name=SWEEP, queue=QUEUE, queueing_lock=SWEEP, pass_context=False)
        async def sweep(timestamp: int) -> None:  # noqa: ARG001 - passed by name
            await self.sweep(silent_seconds=SILENT_SECONDS)

        for service in self._runtime.services.values():
            for line, job in service.cron():
                self._declare_cron(service.name, line, job.__name__)

    def _declare_cron(self, service: str, line: str, job: str) -> None:
        # One queued job per tenant: a poisoned tenant never holds up the others (acceptance B.6).
        @self.app.periodic(cron=line)
        @self.app.task(name=f"{TICK}.{service}.{job}", queue=QUEUE, pass_context=False)
        async def tick(timestamp: int) -> None:
            for tenant in await self._runtime.tenants_of(service):
                try:
                    async with own_transaction(self._runtime.hosts[service], tenant) as tx:
                        await defer(tx, service, job, {})
                except Exception as error:
                    metrics.JOBS.labels(service, job, "failed").inc()
                    logger.warning("cron not queued", tenant=tenant, job=job, error=str(error))
            logger.info("cron", service=service, job=job, at=timestamp)

    async def run(
        self,
        tenant: str,
        service: str,
        job: str,
        arguments: Mapping[str, Any],
        told: Mapping[str, Any],
    ) -> None:
        """Run one job in one transaction of its tenant; jobs that need several open their own."""
        host = self._runtime.hosts[service]
        function = host.job(job)
        request, behalf = str(told.get("request") or "job"), told.get("behalf") or told.get("actor")
        # What a service queued by itself, as a cron line does, is on nobody's behalf.
        behalf = None if behalf == f"service:{service}" else behalf
        caller = service_caller(tenant, service, behalf=behalf, request_id=request)
        token = log.request_id.set(request)
        try:
            async with own_transaction(host, tenant, caller) as tx:
                await function(tx, tx.caller, **arguments)
        except (tenancy.NoSuchTenant, tenancy.TenantSuspended) as gone:
            logger.warning("job dropped", service=service, job=job, reason=gone.code)
        except Exception:
            metrics.JOBS.labels(service, job, "failed").inc()
            raise
        else:
            metrics.JOBS.labels(service, job, "done").inc()
        finally:
            log.request_id.reset(token)

    async def forget(self, connection: Any, tenant: str) -> None:
        """Take a tenant's jobs out of the queue, for whoever gets its code next."""
        await connection.execute("set local search_path to orrery_jobs")
        await connection.execute(
            "delete from procrastinate_jobs where args->>'tenant' = %s and status <> 'doing'",
            [tenant],
        )

    async def prepare(self, connection: Any) -> None:
        """Create the queue's schema; safe to repeat."""
        found = await (
            await connection.execute("select to_regclass('orrery_jobs.procrastinate_jobs')")
        ).fetchone()
        if not (found and found[0]):
            await connection.execute("create schema if not exists orrery_jobs")
            await connection.execute("set local search_path to orrery_jobs")
            await connection.execute(procrastinate.schema.SchemaManager.get_schema())
        await connection.execute(DEFER)

    async def work(self, *, concurrency: int) -> None:
        """Run jobs and cron until cancelled."""
        async with self.app.open_async():
            await self.app.run_worker_async(
                queues=[QUEUE],
                concurrency=concurrency,
                install_signal_handlers=False,
                delete_jobs="successful",
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=5.0,
            )

    async def sweep(self, *, silent_seconds: float) -> int:
        """Queue again what dead workers left behind; answers how many jobs."""
        manager = self.app.job_manager
        left = list(await manager.get_stalled_jobs(seconds_since_heartbeat=silent_seconds))
        for job in left:
            await manager.retry_job(job)
        await self._forget_keys()
        return len(left)

    async def _forget_keys(self) -> None:
        """Drop the answers kept for idempotency keys that nobody will send again."""
        async with self._runtime.database.connection() as connection:
            for service in self._runtime.services:
                await connection.execute(
                    f'delete from "{service}".idempotency_key'
                    " where created_at < now() - make_interval(days => %s)",
                    [KEY_DAYS],
                )

    async def drain(self) -> None:
        """Run what is due now and return; for tests and the command line."""
        async with self.app.open_async():
            await asyncio.wait_for(
                self.app.run_worker_async(
                    queues=[QUEUE],
                    wait=False,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                ),
                300,
            )
