"""Revisions: Alembic renders, writes and compares them (imported only when that is needed)."""

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, NullPool, create_engine

from orrery.kernel.chains import EMPTY, Chain, chain_folder, head
from orrery.kernel.service import Service

ENV = Path(__file__).parent / "migration_env"


def alembic_config(service: Service, chain: Chain) -> Config:
    """Alembic, pointed at a chain of a service."""
    config = Config()
    config.set_main_option("script_location", str(ENV))
    config.set_main_option("version_locations", str(chain_folder(service, chain)))
    config.set_main_option("path_separator", "os")
    metadata = service.tables if chain == "tenant" else service.platform_tables
    config.attributes["metadata"] = metadata
    return config


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
