"""Migrations: every schema to the head, in parallel, each for itself (DESIGN 3)."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, MetaData, Table, Text, Uuid

from orrery.kernel import migrate, revisions, tenancy, testing
from orrery.kernel.migrate import Report
from orrery.kernel.service import Service
from orrery.kernel.testing import House
from tests.toy.service import SERVICE, Base, Thing

numbers = count(1)
SECOND = '''"""second"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("thing", sa.Column("weight", sa.Numeric(), server_default="7", nullable=False))
    for name in ("movement", "secret"):
        op.create_table(
            name, sa.Column("id", sa.Uuid(), primary_key=True), sa.Column("note", sa.Text())
        )
'''


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    """A PostgreSQL for the migrations alone."""
    async with testing.embedded_database() as opened:
        yield opened


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Service]:
    """A copy of the toy whose chain of revisions may grow."""
    shutil.copytree(SERVICE.folder / "migrations", tmp_path / "migrations")
    yield replace(SERVICE, name=f"yard{next(numbers)}", home=tmp_path)
    revisions._rendered.clear()


@pytest.fixture
async def house(url: str, yard: Service) -> AsyncIterator[House]:
    """The house of the first revision; its tenants go when the test is over."""
    async with testing.house(url, services={yard.name: yard}, tenants=[]) as opened:
        yield opened
        for tenant in await opened.runtime.tenants():
            await opened.runtime.drop(tenant.code)


async def _tenants(house: House, many: int) -> list[str]:
    """Fresh tenants in the order of their codes, each with one thing."""
    (service,) = house.runtime.services
    codes = sorted([await house.new_tenant() for _ in range(many)])
    for code in codes:
        async with house.tx(service, tenant=code, commits=True) as tx:
            await tx.add(Thing, tag="old", cost=500, specs={})
    return codes


def _grown(service: Service, *, ledger: bool = True, more: str = "") -> Service:
    """The service with its second revision, and the tables that go with it."""
    folder = service.folder / "migrations" / "tenant"
    (folder / "0002_second.py").write_text(SECOND + (f'    op.execute("{more}")\n' if more else ""))
    revisions._rendered.clear()  # a new release is a new process
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(metadata)
    kinds: dict[str, Any] = {"kind": "ledger"} if ledger else {}
    for name, info in (("movement", kinds), ("secret", {"history": False})):
        Table(name, metadata, Column("id", Uuid, primary_key=True), Column("note", Text), info=info)
    return replace(service, tables=metadata)


async def _migrate(house: House, service: Service, parallel: int = 4) -> dict[str, Report]:
    found = migrate.migrate_tenants(house.runtime.database, [service], parallel=parallel)
    return {report.schema.partition("__")[0]: report async for report in found}


async def _pending(house: House, *services: Service) -> list[tuple[str, str]]:
    waiting = await migrate.pending(house.runtime.database, services)
    return [(tenant, service.name) for tenant, service in waiting]


async def _values(house: House, statement: str, *values: Any) -> list[Any]:
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(statement.encode(), values)
        return [row[0] for row in await cursor.fetchall()]


async def test_a_tenant_at_an_older_revision_is_brought_to_the_head(
    house: House, yard: Service
) -> None:
    """Its rows stay, the new column is filled, the head is written down; once is enough."""
    codes = await _tenants(house, 3)
    assert await _pending(house, yard) == []
    grown = _grown(yard)
    assert await _pending(house, grown) == [(code, yard.name) for code in codes]
    reports = await _migrate(house, grown)
    assert reports == {c: Report(f"{c}__{yard.name}", "0001", "0002") for c in codes}
    for code in codes:
        told = await _values(house, f"select tag || weight from {code}__{yard.name}.thing")
        assert told == ["old7"]
    assert await _pending(house, grown) == []
    assert await _migrate(house, grown) == {}


async def test_a_new_tenant_starts_at_the_head(house: House, yard: Service) -> None:
    """The whole chain is run for who comes after the second revision."""
    grown = _grown(yard)
    house.runtime.services[yard.name] = grown
    code = await house.new_tenant()
    assert await _pending(house, grown) == []
    assert await _values(house, f"select count(*) from {code}__{yard.name}.movement") == [0]


async def _what_a_tenant_may(house: House, code: str) -> list[str]:
    """What a tenant's own role gets done with its tables after a migration."""
    (service,) = house.runtime.services
    done = []
    async with house.tx(service, tenant=code) as tx:
        await tx.run("insert into movement values (gen_random_uuid(), 'a')")
        await tx.run("insert into seen values (gen_random_uuid(), gen_random_uuid(), 1, now())")
        for attempt in (
            "update thing set weight = 8",
            "delete from secret",
            "update movement set note = 'b'",
            "delete from movement",
            "update seen set step = 2",
            "delete from seen",
            "delete from history",
            "truncate movement",
        ):
            try:
                async with tx.savepoint():
                    await tx.run(attempt)
                    done.append(attempt)
            except psycopg.errors.InsufficientPrivilege:
                continue
    return done


async def test_ledgers_old_and_new_still_only_grow_after_a_migration(
    house: House, yard: Service
) -> None:
    """ "the tenant's role may insert and select": the grants of every revision hold."""
    (code,) = await _tenants(house, 1)
    await _migrate(house, _grown(yard))
    assert await _what_a_tenant_may(house, code) == [
        "update thing set weight = 8",
        "delete from secret",
    ]


async def test_a_table_that_is_declared_no_ledger_can_be_changed(
    house: House, yard: Service
) -> None:
    """Proof that the declared kind is the guard: taken out, the same role changes entries."""
    (code,) = await _tenants(house, 1)
    await _migrate(house, _grown(yard, ledger=False))
    may = await _what_a_tenant_may(house, code)
    assert "update movement set note = 'b'" in may
    assert "update seen set step = 2" not in may


async def test_history_is_kept_of_new_tables_but_of_those_that_opt_out(
    house: House, yard: Service
) -> None:
    """A migration gives new tables their triggers; ``info={"history": False}`` gets none."""
    (code,) = await _tenants(house, 1)
    await _migrate(house, _grown(yard))
    async with house.tx(yard.name, tenant=code) as tx:
        for table in ("movement", "secret"):
            await tx.run(f"insert into {table} values (gen_random_uuid(), 'a')")
        kept = await tx.rows("select table_name, after->>'note' as note from history order by id")
    assert [tuple(line) for line in kept] == [("thing", None), ("movement", "a")]


@pytest.mark.slow
async def test_schemas_are_migrated_several_at_a_time(house: House, yard: Service) -> None:
    """Eight schemas of 0.3 seconds each: four at a time are done sooner than one by one."""
    await _tenants(house, 8)
    grown = _grown(yard, more="select pg_sleep(0.3)")
    started = time.monotonic()
    assert len(await _migrate(house, grown, parallel=4)) == 8
    together = time.monotonic() - started
    async with house.runtime.database.connection() as connection:
        for code in await _values(house, "select code from orrery.tenant"):
            schema = f"{code}__{yard.name}"
            await connection.execute(
                f"drop table {schema}.movement, {schema}.secret;"
                f"alter table {schema}.thing drop column weight"
            )
        await connection.execute("update orrery.revision set revision = '0001'")
    started = time.monotonic()
    assert len(await _migrate(house, grown, parallel=1)) == 8
    alone = time.monotonic() - started
    assert alone > 2.4
    assert together < alone * 0.7


async def test_a_schema_that_is_locked_is_reported_and_the_others_are_done(
    house: House, yard: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that does not come soon is given up; another run takes up only the rest."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
    first, held, last = await _tenants(house, 3)
    grown = _grown(yard)
    async with house.runtime.database.connection() as holder, holder.transaction():
        await holder.execute(f"lock table {held}__{yard.name}.thing in share mode")
        reports = await _migrate(house, grown, parallel=1)
        assert set(reports) == {first, held, last}
        assert [reports[code].error for code in (first, last)] == [None, None]
        assert str(reports[held].error).startswith("LockNotAvailable: ")
        assert await _pending(house, grown) == [(held, yard.name)]
    again = await _migrate(house, grown)
    assert again == {held: Report(f"{held}__{yard.name}", "0001", "0002")}


async def test_without_the_lock_timeout_one_lock_holds_up_the_run(
    house: House, yard: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the time-out is the guard: taken out, the run waits for as long as the lock."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "0")
    first, *_ = await _tenants(house, 2)
    grown = _grown(yard)
    async with house.runtime.database.connection() as holder, holder.transaction():
        await holder.execute(f"lock table {first}__{yard.name}.thing in share mode")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_migrate(house, grown, parallel=1), 1)
    # Stopped is stopped: nothing goes on behind, and another run takes it up.
    assert len(await _pending(house, grown)) == 2
    assert len(await _migrate(house, grown)) == 2


async def test_a_schema_whose_rows_break_the_revision_stays_whole_where_it_was(
    house: House, yard: Service
) -> None:
    """One transaction per schema: nothing half-made; repaired, it follows in the next run."""
    codes = await _tenants(house, 3)
    for code in (codes[0], codes[2]):
        async with house.tx(yard.name, tenant=code, commits=True) as tx:
            await tx.run("update thing set cost = 99")
    grown = _grown(yard, more="alter table thing add constraint ck_small check (cost < 100)")
    reports = await _migrate(house, grown)
    assert {code: report.error is None for code, report in reports.items()} == {
        codes[0]: True,
        codes[1]: False,
        codes[2]: True,
    }
    assert "ck_small" in str(reports[codes[1]].error)
    schema = f"{codes[1]}__{yard.name}"
    found = await _values(
        house, "select table_name::text from information_schema.tables where table_schema = %s"
        " and table_name in ('movement', 'thing')", schema
    )  # fmt: skip
    assert found == ["thing"]
    assert await _pending(house, grown) == [(codes[1], yard.name)]
    async with house.tx(yard.name, tenant=codes[1], commits=True) as tx:
        await tx.run("update thing set cost = 99")
    assert list(await _migrate(house, grown)) == [codes[1]]
    assert await _pending(house, grown) == []


async def test_pending_counts_schemas_that_a_new_service_does_not_have_yet(
    house: House, yard: Service
) -> None:
    """A service that is added later gets schema, role and tables for every tenant there is."""
    codes = await _tenants(house, 2)
    (yard.folder / "later").mkdir()
    shutil.copytree(SERVICE.folder / "migrations", yard.folder / "later" / "migrations")
    later = replace(yard, name=f"later{yard.name}", home=yard.folder / "later")
    grown = _grown(yard)
    assert await _pending(house, grown, later) == [
        (code, service.name) for code in codes for service in (grown, later)
    ]
    await migrate.migrate_platform(house.runtime.database, [later])
    reports = await _migrate(house, later)
    assert reports == {c: Report(f"{c}__{later.name}", "", "0001") for c in codes}
    assert await _pending(house, grown, later) == [(code, yard.name) for code in codes]
    roles = await _values(
        house, "select rolname::text from pg_roles where rolname like %s", f"%__{later.name}"
    )
    assert sorted(roles) == [f"{code}__{later.name}" for code in codes]
    async with house.runtime.database.connection() as connection:
        for code in codes:
            await tenancy.drop_schema(connection, code, later.name)


async def test_a_suspended_tenant_is_migrated_too(house: House, yard: Service) -> None:
    """It comes back into the newest house."""
    (code,) = await _tenants(house, 1)
    await house.runtime.set_state(code, "suspended")
    assert [report.error for report in (await _migrate(house, _grown(yard))).values()] == [None]
