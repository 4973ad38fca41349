"""What every service must pass, found by discovery and inherited for free (STYLE rule 36)."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from sqlalchemy import Boolean, PrimaryKeyConstraint, UniqueConstraint

from orrery.kernel import events, revisions, settings
from orrery.kernel.resources import Resource
from orrery.kernel.runtime import Runtime
from orrery.kernel.service import Service, discover, openapi_of
from orrery.kernel.statements import table_sql
from orrery.kernel.testing import House, order
from orrery.kernel.types.refusal import Refusal

SERVICES = discover()
every_service = pytest.mark.parametrize("name", list(SERVICES))


def _modules(service: Service) -> Iterator[Any]:
    package = importlib.import_module(f"orrery.services.{service.name}")
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def _resources(service: Service) -> list[Resource]:
    held = [value for module in _modules(service) for value in vars(module).values()]
    known = [value for value in held if isinstance(value, Resource)]
    known += [v.resource for v in held if type(v).__name__ == "ReferenceTable"]
    return list({resource.path: resource for resource in known}.values())


def _refusals(service: Service) -> list[type[Refusal]]:
    held = [value for module in _modules(service) for value in vars(module).values()]
    return [
        value
        for value in dict.fromkeys(v for v in held if isinstance(v, type))
        if issubclass(value, Refusal)
        and value.__module__.startswith(f"orrery.services.{service.name}.")
    ]


def _routes(house: House, name: str) -> list[RouteContext]:
    app = house.runtime.apps[name]
    contexts = iter_route_contexts(getattr(app, "routes", []))
    return [c for c in contexts if isinstance(c.original_route, APIRoute)]


@every_service
def test_its_tables_are_what_its_migrations_make(name: str, database: str) -> None:
    """models = migrations, for the tenants' schema and the service's own."""
    service = SERVICES[name]
    assert revisions.differences(service, "tenant", database) == []
    assert revisions.differences(service, "platform", database) == []


def test_a_table_without_a_migration_is_found(database: str) -> None:
    """Proof that the check above bites: an added column is a difference."""
    from sqlalchemy import Column, Integer, MetaData

    service = next(s for s in SERVICES.values() if s.tables is not None and s.tables.tables)
    changed = MetaData(naming_convention=service.tables.naming_convention)  # type: ignore[union-attr]
    for table in service.tables.tables.values():  # type: ignore[union-attr]
        table.to_metadata(changed)
    next(iter(changed.tables.values())).append_column(Column("unheard_of", Integer))
    altered = Service(**{**vars(service), "tables": changed, "home": service.folder})
    assert len(revisions.differences(altered, "tenant", database)) == 1


@every_service
def test_its_permissions_are_its_own_and_say_what_they_allow(name: str) -> None:
    """``service.resource.verb`` codes owned by each service (DESIGN 7)."""
    for permission in SERVICES[name].permissions:
        assert permission.code.startswith(f"{name}.")
        assert permission.title
    codes = [p.code for p in SERVICES[name].permissions]
    assert len(codes) == len(set(codes))


@every_service
async def test_its_routes_use_only_permissions_of_the_manifest(name: str, house: House) -> None:
    """A permission that no administrator can see could never be granted."""
    declared = {p.code for p in SERVICES[name].permissions}
    used = {
        dependency.call.__dict__["permission"].code
        for route in _routes(house, name)
        for dependency in route.dependant.dependencies
        if dependency.call is not None and "permission" in getattr(dependency.call, "__dict__", {})
    }
    assert used <= declared


@every_service
async def test_its_routes_say_what_they_do_and_answer(name: str, house: House) -> None:
    """Every route is documented and typed: a sentence, an operation id of its own."""
    app = house.runtime.apps[name]
    told = openapi_of(SERVICES[name], app)["paths"]
    operations = [operation for path in told.values() for operation in path.values()]
    assert [o for o in operations if not (o.get("description") or o.get("summary"))] == []
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)


@every_service
def test_its_states_can_all_be_reached(name: str) -> None:
    """transitions reachable: no state that no verb leads to."""
    for machine in SERVICES[name].machines:
        assert machine.unreachable() == set()


@every_service
def test_its_refusals_have_a_code_of_its_own_and_a_sentence(name: str) -> None:
    """A refusal is a class with a code; its docstring is what OpenAPI says of it."""
    for refusal in _refusals(SERVICES[name]):
        assert refusal.code.startswith(f"{name}."), refusal
        assert refusal.__doc__, refusal


@every_service
def test_its_reactions_and_jobs_have_names_of_their_own(name: str) -> None:
    """The inbox and the queue know them by name."""
    service = SERVICES[name]
    named = [r for reactions in service.reactions.values() for r in reactions]
    assert len({r.__name__ for r in named}) == len(set(named))
    jobs = [job for _, job in service.cron()] + list(service.deferred)
    assert len({job.__name__ for job in jobs}) == len(set(jobs))


@every_service
def test_it_asks_only_services_that_exist(name: str) -> None:
    """A neighbour in the manifest is a folder here."""
    assert set(SERVICES[name].asks) <= set(SERVICES)


@every_service
def test_every_filter_of_its_lists_has_an_index(name: str) -> None:
    """A filtered column leads an index ("an index for every filter"), but in small lists."""
    missing = []
    for resource in _resources(SERVICES[name]):
        table = resource.table.__table__
        if table.info.get("kind") == "reference":
            continue
        leading = {column.name for index in table.indexes for column in list(index.columns)[:1]}
        leading |= {c.name for c in table.columns if c.unique or c.primary_key}
        leading |= {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        }
        for filtered in resource.filters:
            column = table.columns.get(filtered)
            if column is None or filtered in resource.columns or isinstance(column.type, Boolean):
                continue
            if filtered not in leading:
                missing.append(f"{table.name}.{filtered}")
    assert missing == []


@every_service
def test_every_foreign_key_has_an_index(name: str) -> None:
    """Without one, deleting or undoing a hundred thousand rows reads a table for each of them."""
    missing = []
    metadata = SERVICES[name].tables
    for table in metadata.tables.values() if metadata is not None else ():
        leading = {column.name for index in table.indexes for column in list(index.columns)[:1]}
        leading |= {c.name for c in table.columns if c.unique}
        leading |= {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint)
        }
        missing += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if column.foreign_keys and column.name not in leading
        ]
    assert missing == []


@every_service
def test_it_starts_alone(name: str, database: str) -> None:
    """STYLE rule 36: the app is built and described without any other service."""
    chosen = settings.Settings(environment="test")
    runtime = Runtime(chosen, database, services={name: SERVICES[name]})
    runtime.serve([name])
    assert openapi_of(SERVICES[name], runtime.apps[name])["info"]["title"]


@every_service
def test_it_tells_a_reader_what_it_is(name: str) -> None:
    """A README of at most 60 lines of its own beside the generated table."""
    text = (SERVICES[name].folder / "README.md").read_text(encoding="utf-8")
    own = text.partition("<!-- generated: begin -->")[0]
    assert text.startswith("# ")
    assert len(own.splitlines()) <= 60


def test_every_contract_belongs_to_a_service() -> None:
    """An event's name starts with the service that announces it."""
    for event_name, kind in events.registry().items():
        context = kind.__module__.rpartition(".")[2]
        assert event_name.partition(".")[0] == context
        assert context in SERVICES


@pytest.fixture(scope="module")
async def seeded(house: House) -> str:
    """The demo tenant with every service's demo data, and reactions done."""
    if "demo" not in {known.code for known in await house.runtime.tenants()}:
        await house.runtime.provision(order("demo", title="Meridian Trading"))
        await house.runtime.seed("demo")
    await house.settle()
    return "demo"


async def test_the_seeds_load_and_load_again_without_doubling(house: House, seeded: str) -> None:
    """seed is idempotent: a second run adds nothing."""

    async def counts() -> dict[str, int]:
        told = {}
        for name, service in SERVICES.items():
            for resource in _resources(service):
                async with house.tx(name, tenant=seeded) as tx:
                    table = table_sql(resource.table).name
                    told[f"{name}.{table}"] = await tx.value(f'select count(*) from "{table}"')
        return told

    before = await counts()
    await house.runtime.seed(seeded)
    await house.settle()
    assert await counts() == before


@every_service
async def test_no_tenant_sees_another_ones_records(name: str, house: House, seeded: str) -> None:
    """tenant A cannot see B: neither in lists nor by id, with every permission there is."""
    for resource in _resources(SERVICES[name]):
        url = f"/api/v1/{name}{resource.path}"
        async with house.client({"*": "all"}, tenant=seeded) as client:
            mine = await client.get(f"{url}?limit=3")
        assert mine.status_code == 200, f"{url}: {mine.text}"
        for item in mine.json()["items"]:
            async with house.client({"*": "all"}, tenant="globex") as client:
                assert (await client.get(f"{url}/{item['id']}")).status_code == 404
                listed = await client.get(f"{url}?ids={item['id']}")
            assert listed.json()["items"] == []


@every_service
async def test_every_list_sorts_filters_pages_and_exports(
    name: str, house: House, seeded: str
) -> None:
    """Whatever a list declares works: each sort both ways, each page once, each export."""
    for resource in _resources(SERVICES[name]):
        url = f"/api/v1/{name}{resource.path}"
        async with house.client({"*": "all"}, tenant=seeded) as client:
            whole = (await client.get(f"{url}?limit=200&total=true")).json()
            for sort in resource.sorts:
                for order in (sort, f"-{sort}"):
                    seen: list[str] = []
                    cursor = ""
                    for _ in range(10):
                        page = await client.get(f"{url}?limit=20&sort={order}{cursor}")
                        assert page.status_code == 200, f"{url} {order}: {page.text}"
                        seen += [item["id"] for item in page.json()["items"]]
                        if page.json()["next"] is None:
                            break
                        cursor = f"&cursor={page.json()['next']}"
                    assert len(seen) == len(set(seen)) == min(whole["total"], 200)
            for form in ("csv", "json", "xlsx"):
                assert (await client.get(f"{url}/export?format={form}")).status_code == 200


@every_service
async def test_nothing_is_open_without_a_token(name: str, house: House) -> None:
    """deny by default: every route but the declared public ones answers 401 to a stranger."""
    from orrery.kernel.http import _anyone

    app = house.runtime.apps[name]
    if not isinstance(app, FastAPI):
        pytest.skip("the public door has tests of its own")
    async with house.client() as client:
        for route in _routes(house, name):
            public = any(d.call is _anyone for d in route.dependant.dependencies)
            path = str(route.path).replace("{id}", "00000000-0000-0000-0000-000000000000")
            for method in set(route.methods or ()) - {"HEAD"}:
                if not public and "{" not in path:
                    answer = await client.request(method, path)
                    assert answer.status_code == 401, f"{method} {path}"
