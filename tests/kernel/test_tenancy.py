"""Tenants cannot see each other, whatever is tried (DESIGN 3, acceptance B.3)."""

import asyncio
import zipfile
from pathlib import Path

import psycopg
import pytest

from orrery.kernel import tenancy
from orrery.kernel.db import Tx
from orrery.kernel.tenancy import BadTenantCode, NoSuchTenant, TenantExists, TenantSuspended
from orrery.kernel.testing import House, order
from orrery.kernel.types.ids import new_id
from orrery.platform.export import export_tenant
from tests.toy.service import Thing

ATTEMPTS = [
    "select count(*) from globex__toy.thing",
    "select count(*) from toy.outbox where tenant = 'globex'",
    "select count(*) from toy.inbox where tenant = 'globex'",
    "select count(*) from toy.idempotency_key where tenant = 'globex'",
    "select 1 from set_config('role', 'globex__toy', true)",
    "select 1 from set_config('search_path', 'globex__toy', true)",
    "select count(*) from orrery.tenant",
    "select count(*) from orrery_jobs.procrastinate_jobs",
    "select pg_read_file('/etc/passwd')",
    "insert into toy.outbox (id, tenant, name, subject, at, data)"
    " values (gen_random_uuid(), 'globex', 'toy.x.v1', 's', now(), '{}')",
    "update toy.outbox set data = '{}'",
    "insert into history (table_name, record_id, verb) values ('thing', gen_random_uuid(), 'x')",
    "delete from history",
    "update seen set step = 0",
    "delete from seen",
    "create table mine (id int)",
    "create function f() returns int language sql as 'select 1'",
    "alter table thing disable trigger all",
    "copy thing to '/tmp/leak.csv'",
]


async def _what_leaks(house: House) -> list[str]:
    """Every attempt that answered something or changed something, as a tenant's raw SQL."""
    leaked = []
    for attempt in ATTEMPTS:
        async with house.tx("toy") as tx:
            try:
                async with tx.savepoint():
                    answer = (
                        await tx.run(attempt)
                        if attempt[:6] != "select"
                        else await tx.value(attempt)
                    )
                    if answer:
                        leaked.append(attempt)
            except psycopg.errors.InsufficientPrivilege:
                continue
    return leaked


async def _fill_globex(house: House) -> None:
    async with house.client({"*": "all"}, tenant="globex") as client:
        made = await client.post(
            "/api/v1/toy/things",
            json={"tag": f"secret-{new_id()}", "cost": "1"},
            headers={"Idempotency-Key": str(new_id())},
        )
        assert made.status_code == 201
    await house.runtime.settle()


async def test_raw_sql_of_one_tenant_reaches_nothing_of_another(toy_house: House) -> None:
    """Silent cross-tenant reads (acceptance B.3): raw SQL, a bug, an injection see nothing."""
    await _fill_globex(toy_house)
    assert await _what_leaks(toy_house) == []


async def test_without_the_role_the_same_attempts_leak(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the role is the guard: taken out, the suite above finds leaks."""
    await _fill_globex(toy_house)
    guarded = tenancy.start_values
    monkeypatch.setattr(tenancy, "start_values", lambda *a: ["none", *guarded(*a)[1:]])
    leaked = await _what_leaks(toy_house)
    assert "select count(*) from globex__toy.thing" in leaked
    assert "select count(*) from toy.outbox where tenant = 'globex'" in leaked


async def test_two_tenants_interleaved_on_the_same_connections_stay_apart(toy_house: House) -> None:
    """400 transactions of two tenants on ten connections: each sees its own tag only."""
    tags = {"acme": f"a-{new_id()}", "globex": f"g-{new_id()}"}
    for tenant, tag in tags.items():
        async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
            await tx.add(Thing, tag=tag, cost=1, specs={})

    async def look(tenant: str) -> bool:
        async with toy_house.tx("toy", tenant=tenant) as tx:
            mine = await tx.find(Thing, tag=tags[tenant])
            other = next(tag for name, tag in tags.items() if name != tenant)
            return mine is not None and await tx.find(Thing, tag=other) is None

    seen = await asyncio.gather(*(look(("acme", "globex")[i % 2]) for i in range(400)))
    assert seen == [True] * 400


async def test_a_connection_comes_back_without_role_or_path(toy_house: House) -> None:
    """Everything is local to the transaction, also behind a transaction pooler."""
    async with toy_house.tx("toy"):
        pass
    async with toy_house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select current_user::text, current_setting('search_path'),"
            " current_setting('orrery.caller', true)"
        )
        assert await cursor.fetchone() == ("postgres", '"$user", public', "")


@pytest.mark.parametrize(
    "header, value",
    [
        ("X-Orrery-Tenant", "globex"),
        ("X-Tenant", "globex"),
        ("Role", "globex__toy"),
        ("X-Request-ID", "x', true), set_config('role', 'none"),
    ],
)
async def test_forged_headers_change_nothing(toy_house: House, header: str, value: str) -> None:
    """The tenant comes from the signed token and from nowhere else."""
    await _fill_globex(toy_house)
    async with toy_house.client({"*": "all"}, tenant="acme") as client:
        page = await client.get("/api/v1/toy/things?q=secret", headers={header: value})
        assert page.status_code == 200
        assert page.json()["items"] == []


@pytest.mark.parametrize("claim", ["globex__toy", "acme; drop schema", "ACME", "a", "", "x" * 40])
async def test_a_token_of_no_tenant_opens_nothing(toy_house: House, claim: str) -> None:
    """A tenant's code is looked up before it becomes a schema's name."""
    async with toy_house.client({"*": "all"}, tenant=claim) as client:
        assert (await client.get("/api/v1/toy/things")).status_code == 404


async def test_a_suspended_tenant_is_shut_out_and_comes_back_whole(toy_house: House) -> None:
    """ORG-3: suspend; nothing can be read or written, nothing is lost."""
    tenant = await toy_house.new_tenant()
    async with toy_house.client({"*": "all"}, tenant=tenant) as client:
        assert (await client.get("/api/v1/toy/things")).status_code == 200
        await toy_house.runtime.set_state(tenant, "suspended")
        answer = await client.get("/api/v1/toy/things")
        assert (answer.status_code, answer.json()["code"]) == (403, TenantSuspended.code)
        await toy_house.runtime.set_state(tenant, "active")
        assert (await client.get("/api/v1/toy/things")).status_code == 200


async def test_a_dropped_tenant_leaves_neither_schema_nor_role_nor_rows(toy_house: House) -> None:
    """``orrery tenant drop`` removes everything."""
    tenant = await toy_house.new_tenant()
    async with toy_house.client({"*": "all"}, tenant=tenant) as client:
        await client.post("/api/v1/toy/things", json={"tag": "x", "cost": "1"})
    await toy_house.runtime.drop(tenant)
    async with toy_house.runtime.database.connection() as connection:
        for question in (
            "select count(*) from pg_namespace where nspname like %s",
            "select count(*) from pg_roles where rolname like %s",
            "select count(*) from toy.outbox where tenant || '__toy' like %s",
        ):
            cursor = await connection.execute(question, [f"{tenant}%"])
            assert await cursor.fetchone() == (0,), question
    with pytest.raises(NoSuchTenant):
        await toy_house.runtime.tenant(tenant)


async def test_a_tenant_that_exists_or_has_a_bad_code_is_refused_whole(toy_house: House) -> None:
    """Provisioning twice changes nothing; a code that is no identifier never reaches SQL."""
    with pytest.raises(TenantExists):
        await toy_house.runtime.provision(order("acme"))
    with pytest.raises(BadTenantCode):
        await toy_house.runtime.provision(order("Robert'); drop table x; --"))


async def test_a_failing_step_leaves_nothing_of_the_tenant(toy_house: House) -> None:
    """One transaction: "died half-migrated with no rollback" (django-tenants#177) cannot be."""

    async def broken(tx: Tx, caller: object, _order: object) -> None:
        await tx.add(Thing, tag="half", cost=1, specs={})
        raise RuntimeError("the last step fails")

    object.__setattr__(toy_house.runtime.services["toy"], "provision", broken)
    try:
        with pytest.raises(RuntimeError, match="the last step fails"):
            await toy_house.runtime.provision(order("halfmade"))
    finally:
        object.__setattr__(toy_house.runtime.services["toy"], "provision", None)
    async with toy_house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select (select count(*) from pg_namespace where nspname = 'halfmade__toy'),"
            " (select count(*) from pg_roles where rolname = 'halfmade__toy'),"
            " (select count(*) from orrery.tenant where code = 'halfmade')"
        )
        assert await cursor.fetchone() == (0, 0, 0)
    await toy_house.runtime.provision(order("halfmade"))
    await toy_house.runtime.drop("halfmade")


async def test_an_export_holds_every_row_of_every_table(toy_house: House, tmp_path: Path) -> None:
    """ORG-3: export all data in a documented format."""
    tenant = await toy_house.new_tenant()
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.add_many(Thing, [{"tag": f"t{i}", "cost": i, "specs": {}} for i in range(7)])
    count = await export_tenant(toy_house.runtime, tenant, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        lines = archive.read("toy/thing.jsonl").decode().splitlines()
        assert len(lines) == 7
        assert count == sum(
            len(archive.read(name).splitlines())
            for name in archive.namelist()
            if name.endswith(".jsonl")
        )


async def test_a_tenant_cannot_queue_work_for_another(toy_house: House) -> None:
    """The queue takes the tenant from the role, not from what is said."""
    async with toy_house.tx("toy", tenant="globex", commits=True) as tx:
        with pytest.raises(psycopg.errors.RaiseException):
            async with tx.savepoint():
                await tx.value("select orrery.defer('other', 'paint', '{}', 0)")
        await tx.value(
            """select orrery.defer('toy', 'paint', '{"code": "red", "tenant": "acme"}', 0)"""
        )
    async with toy_house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select args->>'tenant' from orrery_jobs.procrastinate_jobs where status = 'todo'"
        )
        assert await cursor.fetchall() == [("globex",)]
    await toy_house.settle()
