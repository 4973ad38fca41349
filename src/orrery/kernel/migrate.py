"""Migrations: one Alembic chain per service and kind of schema, rendered once, run per schema.

A revision is rendered without a schema name, so the same text serves every tenant; schemas run in
parallel, each in its own transaction, so a broken run is taken up where it stopped.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from orrery.kernel import events, history, log, tenancy
from orrery.kernel.chains import EMPTY, Chain, head
from orrery.kernel.db import Database
from orrery.kernel.service import Service

# A migration that cannot get its lock soon must not make everybody else wait behind it.
LOCK_TIMEOUT = "5s"

logger = log.logger("migrate")


@dataclass(frozen=True)
class Report:
    """What the migration of one schema came to."""

    schema: str
    before: str
    after: str
    error: str | None = None


def kernel_sql(service: Service, tenant: str | None) -> str:
    """What every schema has from the kernel: history and numbers, or outbox and inbox."""
    if tenant is None:
        return events.TABLES.replace("{group}", tenancy.group_of(service.name))
    return history.TABLES.replace("{schema}", tenancy.schema_of(tenant, service.name))


async def migrate_schema(
    connection: AsyncConnection[Any], service: Service, tenant: str | None
) -> Report:
    """Bring one schema to the head, inside the caller's transaction."""
    chain: Chain = "platform" if tenant is None else "tenant"
    schema = tenancy.schema_of(tenant, service.name)
    cursor = await connection.execute(
        "select revision from orrery.revision where schema_name = %s and chain = %s for update",
        [schema, chain],
    )
    row = await cursor.fetchone()
    before, target = (row[0] if row else ""), head(service, chain)
    if before == target:
        return Report(schema, before, target)
    await tenancy.enter_schema(connection, tenant, service.name)
    if not before:
        await connection.execute(kernel_sql(service, tenant).encode())
    if target != EMPTY:
        # Alembic costs a third of a second to import; a house at its head never needs it.
        from orrery.kernel import revisions

        await connection.execute(revisions.render(service, chain, before or EMPTY).encode())
    metadata = service.tables if tenant else None
    if tenant is not None and metadata is not None:
        await connection.execute(
            "".join(history.TRIGGERS.replace("{table}", t) for t in history.kept(metadata)).encode()
        )
    if tenant is not None:
        ledgers = (
            [t.name for t in metadata.tables.values() if t.info.get("kind") == "ledger"]
            if metadata
            else []
        )
        await tenancy.grant_tables(
            connection, tenant, service.name, append_only=["history", *ledgers]
        )
    await connection.execute(
        "insert into orrery.revision (schema_name, chain, revision) values (%s, %s, %s)"
        " on conflict (schema_name, chain)"
        " do update set revision = excluded.revision, migrated_at = now()",
        [schema, chain, target],
    )
    return Report(schema, before, target)


async def migrate_platform(database: Database, services: Iterable[Service]) -> list[Report]:
    """Bring every service's own schema to the head."""
    reports = []
    async with database.connection() as connection, connection.transaction():
        await tenancy.prepare_platform(connection)
        for service in services:
            await tenancy.ensure_service_schema(connection, service.name)
            reports.append(await migrate_schema(connection, service, None))
    return reports


async def pending(database: Database, services: Sequence[Service]) -> list[tuple[str, Service]]:
    """Tenant schemas that are not at the head, or are missing for a service that is new."""
    async with database.connection() as connection:
        cursor = await connection.execute("select code from orrery.tenant order by code")
        tenants = [row[0] for row in await cursor.fetchall()]
        cursor = await connection.execute(
            "select schema_name, revision from orrery.revision where chain = 'tenant'"
        )
        known = dict(await cursor.fetchall())
    return [
        (tenant, service)
        for tenant in tenants
        for service in services
        if known.get(tenancy.schema_of(tenant, service.name)) != head(service, "tenant")
    ]


async def migrate_tenants(
    database: Database, services: Sequence[Service], *, parallel: int = 4
) -> AsyncIterator[Report]:
    """Migrate what is pending, several schemas at a time; yields each schema's report."""
    waiting = await pending(database, services)
    gate = asyncio.Semaphore(parallel)

    async def one(tenant: str, service: Service) -> Report:
        async with gate:
            try:
                return await _migrate_tenant(database, tenant, service)
            except Exception as error:
                schema = tenancy.schema_of(tenant, service.name)
                return Report(
                    schema, "?", head(service, "tenant"), f"{type(error).__name__}: {error}"
                )

    tasks = [asyncio.create_task(one(*item)) for item in waiting]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        # Whoever stops the run stops all of it; what is under way rolls back.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _migrate_tenant(database: Database, tenant: str, service: Service) -> Report:
    async with database.connection() as connection, connection.transaction():
        await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        schema = tenancy.schema_of(tenant, service.name)
        cursor = await connection.execute("select to_regnamespace(%s)", [f'"{schema}"'])
        row = await cursor.fetchone()
        if row is None or row[0] is None:
            await tenancy.create_schema(connection, tenant, service.name)
        return await migrate_schema(connection, service, tenant)
