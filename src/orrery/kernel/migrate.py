"""Migrations: one Alembic chain per service and kind of schema, rendered once, run per schema.

A revision is rendered without a schema name, so the same text serves every tenant; schemas run in
parallel, each in its own transaction, so a broken run is taken up where it stopped.
"""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import AsyncConnection
from sqlalchemy import Engine, MetaData, NullPool, create_engine

from orrery.kernel import events, history, log, tenancy
from orrery.kernel.db import Database
from orrery.kernel.service import Service

Chain = str  # "tenant" or "platform"
EMPTY = "base"
ENV = Path(__file__).parent / "migration_env"
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


def chain_folder(service: Service, chain: Chain) -> Path:
    """Where the revisions of a chain live."""
    return service.folder / "migrations" / chain


def alembic_config(service: Service, chain: Chain) -> Config:
    """Alembic, pointed at a chain of a service."""
    config = Config()
    config.set_main_option("script_location", str(ENV))
    config.set_main_option("version_locations", str(chain_folder(service, chain)))
    config.set_main_option("path_separator", "os")
    metadata = service.tables if chain == "tenant" else service.platform_tables
    config.attributes["metadata"] = metadata
    return config


@cache
def _head(folder: Path) -> str:
    config = Config()
    config.set_main_option("script_location", str(ENV))
    config.set_main_option("version_locations", str(folder))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config).get_current_head() or EMPTY


def head(service: Service, chain: Chain) -> str:
    """The newest revision of a chain."""
    folder = chain_folder(service, chain)
    return _head(folder) if folder.exists() else EMPTY


_rendered: dict[tuple[str, Chain, str], str] = {}


def render(service: Service, chain: Chain, before: str) -> str:
    """The SQL that leads from a revision to the head; made once per process."""
    key = (service.name, chain, before)
    if key not in _rendered:
        config = alembic_config(service, chain)
        config.output_buffer = io.StringIO()
        with redirect_stdout(io.StringIO()):
            command.upgrade(config, f"{before}:head" if before != EMPTY else "head", sql=True)
        _rendered[key] = config.output_buffer.getvalue()
    return _rendered[key]


def kernel_sql(service: Service, tenant: str | None) -> str:
    """What every schema has from the kernel: history and numbers, or outbox and inbox."""
    if tenant is None:
        return events.TABLES.replace("{group}", f"{service.name}__tenants")
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
        await connection.execute(render(service, chain, before or EMPTY).encode())
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

    for done in asyncio.as_completed([one(*item) for item in waiting]):
        yield await done


async def _migrate_tenant(database: Database, tenant: str, service: Service) -> Report:
    async with database.connection() as connection, connection.transaction():
        await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        schema = tenancy.schema_of(tenant, service.name)
        cursor = await connection.execute("select to_regnamespace(%s)", [f'"{schema}"'])
        row = await cursor.fetchone()
        if row is None or row[0] is None:
            await tenancy.create_schema(connection, tenant, service.name)
        return await migrate_schema(connection, service, tenant)


def write_revision(service: Service, chain: Chain, message: str, url: str) -> Path | None:
    """Write the next revision of a chain by comparing its head with the declared tables."""
    folder = chain_folder(service, chain)
    folder.mkdir(parents=True, exist_ok=True)
    config = alembic_config(service, chain)
    number = len(list(folder.glob("[0-9]*.py"))) + 1
    engine = _engine(url)
    with engine.connect() as connection, connection.begin() as transaction:
        _build(connection, service, chain)
        config.attributes["connection"] = connection
        made: Any = command.revision(
            config, message, autogenerate=True, rev_id=f"{number:04}", version_path=str(folder)
        )
        transaction.rollback()
    return Path(made.path) if made else None


def differences(service: Service, chain: Chain, url: str) -> list[Any]:
    """What the declared tables have that the migrations do not, and the other way round."""
    metadata = service.tables if chain == "tenant" else service.platform_tables
    engine = _engine(url)
    with engine.connect() as connection, connection.begin() as transaction:
        schema = _build(connection, service, chain)
        connection.dialect.default_schema_name = schema
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": is_ours}
        )
        found = compare_metadata(context, metadata or MetaData())
        transaction.rollback()
    return list(found)


def _engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)


def _build(connection: Any, service: Service, chain: Chain) -> str:
    """Apply the chain to a schema that the caller's rollback removes again."""
    with tempfile.NamedTemporaryFile(prefix="orrery_") as unique:
        schema = f"draft_{Path(unique.name).name.lower()}"
    connection.exec_driver_sql(f'create schema "{schema}"')
    connection.exec_driver_sql(f'set local search_path to "{schema}"')
    connection.dialect.default_schema_name = schema
    if head(service, chain) != EMPTY:
        connection.exec_driver_sql(render(service, chain, EMPTY).replace("%", "%%"))
    return schema


def is_ours(_thing: Any, name: str | None, kind: str, *_more: Any) -> bool:
    """What a comparison looks at: everything but Alembic's own table."""
    return not (kind == "table" and name == "alembic_version")
