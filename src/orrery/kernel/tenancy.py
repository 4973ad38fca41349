"""Schemas and roles per tenant and service: the only file that knows their names (DESIGN 3).

Each tenant x service has a schema and a role called ``<tenant>__<service>``. What is not a tenant's
(outbox, inbox, idempotency keys) lives in the schema ``<service>``, guarded by row security: a
tenant's role sees its own rows there and no others. A transaction starts with one statement that
sets role, search path and caller until its end; tenant roles cannot call ``set_config`` themselves.
"""

import re
from typing import Any, LiteralString

import orjson
from psycopg import AsyncConnection, sql

from orrery.kernel.caller import Caller
from orrery.kernel.types.refusal import Refusal

TENANT_CODE = re.compile(r"^[a-z][a-z0-9]{1,30}$")
START: LiteralString = (
    "select set_config('role', %s, true), set_config('search_path', %s, true),"
    " set_config('orrery.caller', %s, true)"
)


class BadTenantCode(Refusal):
    """A tenant's code is 2 to 31 lower-case letters and digits, starting with a letter."""

    code = "kernel.bad_tenant_code"
    status = 422


class TenantExists(Refusal):
    """There is a tenant of that code already."""

    code = "kernel.tenant_exists"


class NoSuchTenant(Refusal):
    """No tenant has that code."""

    code = "kernel.no_such_tenant"
    status = 404


class TenantSuspended(Refusal):
    """The tenant is suspended: nothing of it can be read or written."""

    code = "kernel.tenant_suspended"
    status = 403


def schema_of(tenant: str | None, service: str) -> str:
    """The schema of a tenant's service, or the service's own. Refuses: BadTenantCode."""
    if tenant is None:
        return service
    if not TENANT_CODE.match(tenant):
        raise BadTenantCode(tenant=tenant)
    return f"{tenant}__{service}"


def start_values(tenant: str | None, service: str, caller: Caller | None) -> list[str]:
    """The parameters of ``START`` for a transaction."""
    told = {}
    if caller is not None:
        told = {
            "actor": caller.actor,
            "behalf": caller.on_behalf_of,
            "request": caller.request_id,
        }
    schema = schema_of(tenant, service)
    role = schema if tenant else "none"
    path = f'"{schema}","{service}"' if tenant else f'"{service}"'
    return [role, path, orjson.dumps(told).decode()]


# A tenant's role may not call set_config, but may give the role back.
LEAVE: LiteralString = "set local role none"


def begin(tenant: str | None, service: str, caller: Caller | None) -> str:
    """Begin and ``START`` in one message of the simple protocol: one round trip.

    standard_conforming_strings is on, so doubling the quotes is all the escaping there is.
    """
    role, path, told = (value.replace("'", "''") for value in start_values(tenant, service, caller))
    return (
        f"begin; select set_config('role', '{role}', true),"
        f" set_config('search_path', '{path}', true), set_config('orrery.caller', '{told}', true)"
    )


def group_of(service: str) -> str:
    """The role that every tenant's role of a service belongs to."""
    return f"{service}__tenants"


PLATFORM = """
create schema if not exists orrery;
create table if not exists orrery.tenant (
    code text primary key, title text not null, state text not null,
    time_zone text not null default 'UTC', created_at timestamptz not null default now());
create table if not exists orrery.revision (
    schema_name text not null, chain text not null, revision text not null,
    migrated_at timestamptz not null default now(), primary key (schema_name, chain));
revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
revoke create on schema public from public;
"""


async def prepare_platform(connection: AsyncConnection[Any]) -> None:
    """Create the house's own schema; safe to repeat."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('orrery.platform'))")
    await connection.execute(PLATFORM)
    await connection.execute(
        "grant execute on function set_config(text, text, boolean) to current_user"
    )


def _names(tenant: str, service: str) -> dict[str, sql.Composable]:
    schema = schema_of(tenant, service)
    return {
        "schema": sql.Identifier(schema),
        "role": sql.Identifier(schema),
        "service": sql.Identifier(service),
        "group": sql.Identifier(group_of(service)),
        "path": sql.SQL(", ").join([sql.Identifier(schema), sql.Identifier(service)]),
    }


async def ensure_service_schema(connection: AsyncConnection[Any], service: str) -> None:
    """Create a service's own schema and the group role that its tenants' roles belong to."""
    names = {"service": sql.Identifier(service), "group": sql.Identifier(group_of(service))}
    exists = await (
        await connection.execute("select 1 from pg_roles where rolname = %s", [group_of(service)])
    ).fetchone()
    if exists is None:
        await connection.execute(sql.SQL("create role {group} nologin").format(**names))
    await connection.execute(
        sql.SQL(
            "create schema if not exists {service}; grant usage on schema {service} to {group}"
        ).format(**names)
    )


async def create_schema(connection: AsyncConnection[Any], tenant: str, service: str) -> None:
    """Create the schema and role of one tenant's service; tables come from the migrations."""
    await connection.execute(
        sql.SQL(
            "create role {role} nologin in role {group};"
            "create schema {schema}; grant usage on schema {schema} to {role}"
        ).format(**_names(tenant, service))
    )


async def enter_schema(connection: AsyncConnection[Any], tenant: str | None, service: str) -> None:
    """Point the transaction at a schema as its owner, for migrations."""
    schema = schema_of(tenant, service)
    path = f'"{schema}","{service}"' if tenant else f'"{service}"'
    await connection.execute(
        "select set_config('role', 'none', true), set_config('search_path', %s, true)", [path]
    )


async def grant_tables(
    connection: AsyncConnection[Any], tenant: str, service: str, *, append_only: list[str]
) -> None:
    """Let the tenant's role use its tables; ledgers may only grow and history only be read."""
    names = _names(tenant, service)
    await connection.execute(
        sql.SQL(
            "grant select, insert, update, delete on all tables in schema {schema} to {role};"
            "grant usage on all sequences in schema {schema} to {role}"
        ).format(**names)
    )
    for table in append_only:
        revoked = "insert, update, delete, truncate" if table == "history" else "update, delete"
        await connection.execute(
            sql.SQL("revoke {rights} on {schema}.{table} from {role}").format(
                rights=sql.SQL(revoked), table=sql.Identifier(table), **names
            )
        )


async def drop_schema(connection: AsyncConnection[Any], tenant: str, service: str) -> None:
    """Remove a tenant's schema, its role and its rows in the service's own schema."""
    schema = schema_of(tenant, service)
    exists = await (
        await connection.execute("select 1 from pg_roles where rolname = %s", [schema])
    ).fetchone()
    names = _names(tenant, service)
    await connection.execute(sql.SQL("drop schema if exists {schema} cascade").format(**names))
    for table in ("outbox", "inbox", "idempotency_key"):
        await connection.execute(
            sql.SQL("delete from {service}.{table} where tenant = %s").format(
                table=sql.Identifier(table), **names
            ),
            [tenant],
        )
    await connection.execute("delete from orrery.revision where schema_name = %s", [schema])
    if exists is not None:
        await connection.execute(sql.SQL("drop owned by {role}; drop role {role}").format(**names))
