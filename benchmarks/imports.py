"""How fast files come in and go out: ``python -m benchmarks.imports [rows [rows out]]``.

Budget (INT-3): 100,000 rows in the background in under a minute. The rates of a shared machine move
by half from run to run, so each is shown beside a COPY of the same rows into a copy of the table.
"""

import asyncio
import csv
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx2

os.environ.setdefault("ORRERY_LOG_LEVEL", "ERROR")

import psycopg
from psycopg import sql

from orrery.kernel import testing
from orrery.kernel.types.ids import new_id

ROWS = 20_000
ROWS_OUT = 100_000
# So many report to one manager: a company of 20,000 has four levels.
SPAN = 12
USER = new_id()


class Case(NamedTuple):
    """A file for one resource, and the table in which its rows end."""

    title: str
    path: str
    table: str
    lines: Sequence[Sequence[str]]


def employees(rows: int, *, managers_last: bool = False) -> list[list[str]]:
    """Employees who name department and manager; in the second order everybody has to wait."""
    heading = ["external_id", "first_name", "last_name", "email", "department", "manager"]
    heading += ["location", "hired_on", "phone", "city"]

    def lines() -> Iterator[list[str]]:
        for n in range(rows):
            card = [f"p{n}", "Ann", f"Lee {n}", f"p{n}@bench.example", "SALES"]
            manager = f"p{(n - 1) // SPAN}" if n else ""
            yield [*card, manager, "Berlin", "2024-01-05", "+49 30 1", "Berlin"]

    told = list(lines())
    return [heading, *(reversed(told) if managers_last else told)]


def cases(rows: int) -> list[Case]:
    """Employees in both orders and once more, customers, assets and a table without actions."""
    staff, people = "people/employees", "employee"
    changed = [
        [*line[:6], "Bonn" if n else "location", *line[7:]]
        for n, line in enumerate(employees(rows))
    ]
    customers = ([f"c{n}", f"Customer {n}", f"c{n}@bench.example", "DE"] for n in range(rows))
    assets = ([f"a{n}", f"Laptop {n}", f"S{n}", "1200.00", "2024-01-05"] for n in range(rows))
    roles = ([f"R{n:06}", f"Role {n}", "What they do"] for n in range(rows))
    return [
        Case("employees, managers first", staff, people, employees(rows)),
        Case("the same file again", staff, people, employees(rows)),
        Case("all of them moved", staff, people, changed),
        Case("employees, managers last", staff, people, employees(rows, managers_last=True)),
        Case(
            "customers",
            "invoicing/customers",
            "customer",
            [["external_id", "name", "email", "country"], *customers],
        ),
        Case(
            "assets",
            "assets/assets",
            "asset",
            [["external_id", "name", "serial", "cost", "purchased_on"], *assets],
        ),
        Case(
            "job roles", "people/job-roles", "job_role", [["code", "name", "description"], *roles]
        ),
    ]


def as_csv(lines: Sequence[Sequence[str]]) -> bytes:
    """A file."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def client_of(house: testing.House, tenant: str) -> httpx2.AsyncClient:
    """Somebody who may do everything; a token lasts five minutes, so each case has its own."""
    return house.client({"*": "all"}, tenant=tenant, user_id=USER)


async def import_seconds(house: testing.House, tenant: str, case: Case) -> float:
    """What the background job takes for a file, from its start to its end."""
    url, service = f"/api/v1/{case.path}/imports", case.path.partition("/")[0]
    async with client_of(house, tenant) as client:
        sent = await client.post(url, content=as_csv(case.lines))
        sent.raise_for_status()
        id = sent.json()["id"]
        started = time.perf_counter()
        await house.runtime.jobs.run(tenant, service, "run_import", {"batch_id": id}, {})
        took = time.perf_counter() - started
    async with client_of(house, tenant) as client:
        told = (await client.get(f"{url}/{id}")).json()
    if (told["state"], told["rows_refused"]) != ("done", 0):
        raise RuntimeError(f"{case.title}: {told}")
    return took


def copy_seconds(address: str, tenant: str, case: Case) -> float:
    """What PostgreSQL takes for the same rows, checks and indexes included."""
    names = sql.Identifier(f"{tenant}__{case.path.partition('/')[0]}"), sql.Identifier(case.table)
    with psycopg.connect(address) as connection:
        cursor = connection.cursor()
        cursor.execute(sql.SQL("set search_path to {}").format(names[0]))
        with cursor.copy(sql.SQL("copy {} to stdout").format(names[1])) as out:
            content = b"".join(bytes(part) for part in out)
        cursor.execute(sql.SQL("create temp table same (like {} including all)").format(names[1]))
        started = time.perf_counter()
        with cursor.copy("copy same from stdin") as into:
            into.write(content)
        took = time.perf_counter() - started
        connection.rollback()
    return took


async def measure_imports(house: testing.House, rows: int) -> str:
    """Print a line per file; answers the tenant with the employees."""
    print(f"{'import, CSV':28}{'seconds':>9}{'rows/s':>9}{'of COPY':>9}{'100,000':>9}")
    tenant = known = await house.new_tenant()
    for case in cases(rows):
        if case.title == "employees, managers last":
            tenant = await house.new_tenant()
        took = await import_seconds(house, tenant, case)
        share = await asyncio.to_thread(copy_seconds, house.url, tenant, case) / took
        told = f"{took:9.1f}{rows / took:9,.0f}{share:9.1%}{took * 100_000 / rows:8.0f}s"
        print(f"{case.title:28}{told}", flush=True)
    return known


def fill(address: str, tenant: str, rows: int) -> None:
    """Employees until there are so many, past every action."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            sql.SQL("set search_path to {}; set session_replication_role = replica").format(
                sql.Identifier(f"{tenant}__people")
            )
        )
        connection.execute(
            "insert into employee (id, version, created_at, code, first_name, last_name, email,"
            " department_id, location, hired_on, status)"
            " select gen_random_uuid(), 1, now(), 'X' || n, 'Ann', 'Lee ' || n,"
            " 'x' || n || '@bench.example', (select id from department order by id limit 1),"
            " 'Berlin', '2024-01-05', 'active'"
            " from generate_series(1, %s - (select count(*) from employee)) as n",
            [rows],
        )
        connection.execute("analyze employee")


async def measure_exports(house: testing.House, tenant: str, rows: int) -> None:
    """Print a line per format, with the first byte: an export streams."""
    await asyncio.to_thread(fill, house.url, tenant, rows)
    print(f"\n{'export of employees':28}{'seconds':>9}{'rows/s':>9}{'MB':>9}")
    for form in ("csv", "json", "xlsx"):
        async with client_of(house, tenant) as client:
            started = time.perf_counter()
            answer = await client.get(
                "/api/v1/people/employees/export", params={"format": form}, timeout=600
            )
            answer.raise_for_status()
            took = time.perf_counter() - started
        megabytes = len(answer.content) / 1e6
        print(f"{form:28}{took:9.1f}{rows / took:9,.0f}{megabytes:9.1f}", flush=True)


async def main() -> None:
    """Measure on a throw-away database."""
    rows, rows_out = (int(told) for told in [*sys.argv[1:], *map(str, (ROWS, ROWS_OUT))][:2])
    async with (
        testing.embedded_database() as url,
        testing.house(url, only=["assets", "invoicing", "people"], tenants=[]) as house,
    ):
        tenant = await measure_imports(house, rows)
        await measure_exports(house, tenant, rows_out)


if __name__ == "__main__":
    asyncio.run(main())
