"""The transaction and its few verbs: statements are SQL, rows are values, nobody else commits.

Decision 0007: tables are declared with SQLAlchemy, statements run on psycopg directly. A row is an
immutable named tuple of its table's columns, typed as the declarative class it comes from.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, LiteralString, TypeVar, cast
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

from orrery.kernel import numbering, tenancy
from orrery.kernel.caller import Caller
from orrery.kernel.statements import TableSql, table_sql
from orrery.kernel.types.event import Event
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import Malformed, NotFound, Stale

T = TypeVar("T")
S = TypeVar("S")


def _to_json(value: Any) -> bytes:
    return orjson.dumps(value, default=str)


set_json_dumps(_to_json)
set_json_loads(orjson.loads)

# Sorting ids before locking keeps two transactions from waiting for each other (STYLE rule 20).
MAX_IDS = 10_000
# So many rows of a stream are fetched at a time: a tenth of the round trips of a hundred.
STREAM_ROWS = 1_000


class ReadTx:
    """What a query may do: read, in one tenant's schema of one service."""

    def __init__(self, connection: AsyncConnection[Any], caller: Caller, host: Any) -> None:
        self._connection = connection
        self.caller = caller
        self.host = host

    async def _run(self, statement: str, values: Mapping[str, Any] | None, factory: Any) -> Any:
        cursor = self._connection.cursor(row_factory=factory)
        await cursor.execute(statement, values)
        return cursor

    async def one(self, table: type[T], id: UUID) -> T:
        """The row of an id. Refuses: NotFound."""
        row = await self.find(table, id=id)
        if row is None:
            raise NotFound(resource=table_sql(table).name, id=id)
        return row

    async def find(self, table: type[T], **equal: Any) -> T | None:
        """The first row whose columns equal the values, or None."""
        rows = await self._select(table, equal, " limit 1")
        return rows[0] if rows else None

    async def all(self, table: type[T], **equal: Any) -> list[T]:
        """Every row whose columns equal the values, ordered by id."""
        return await self._select(table, equal, "")

    async def many(self, table: type[T], ids: Iterable[UUID]) -> list[T]:
        """The rows of many ids, in id order; unknown ids are left out."""
        return await self._by_ids(table, ids, "")

    async def _select(self, table: type[T], equal: Mapping[str, Any], tail: str) -> list[T]:
        parts = table_sql(table)
        tests = [
            f'"{name}" is null' if value is None else f'"{name}" = %({name})s'
            for name, value in equal.items()
        ]
        where = f" where {' and '.join(tests)}" if tests else ""
        cursor = await self._run(f"{parts.select}{where} order by id{tail}", equal, parts.make)
        return cast(list[T], await cursor.fetchall())

    async def _by_ids(self, table: type[T], ids: Iterable[UUID], tail: str) -> list[T]:
        wanted = sorted(set(ids))
        if len(wanted) > MAX_IDS:
            raise Malformed(reason="too_many_ids", limit=MAX_IDS)
        if not wanted:
            return []
        parts = table_sql(table)
        statement = f"{parts.select} where id = any(%(ids)s) order by id{tail}"
        cursor = await self._run(statement, {"ids": wanted}, parts.make)
        return cast(list[T], await cursor.fetchall())

    async def rows(self, statement: LiteralString, **values: Any) -> list[Any]:
        """Every row of a query, as named tuples."""
        cursor = await self._run(statement, values or None, namedtuple_row)
        return cast(list[Any], await cursor.fetchall())

    async def row(self, statement: LiteralString, **values: Any) -> Any | None:
        """The first row of a query, or None."""
        cursor = await self._run(statement, values or None, namedtuple_row)
        return await cursor.fetchone()

    async def value(self, statement: LiteralString, **values: Any) -> Any:
        """The first column of the first row, or None."""
        cursor = await self._run(statement, values or None, None)
        row = await cursor.fetchone()
        return row[0] if row else None

    async def stream(self, statement: LiteralString, **values: Any) -> AsyncIterator[Any]:
        """Rows of a large result one by one, without holding them all."""
        cursor = self._connection.cursor(name=f"stream_{new_id().hex}")
        cursor.itersize = STREAM_ROWS
        await cursor.execute(statement, values or None)
        async for row in cursor:
            yield row
        await cursor.close()

    def settings(self, kind: type[S]) -> S:
        """The service's own settings."""
        return cast(S, self.host.settings_of(kind))

    def neighbour(self, service: str) -> Any:
        """A client for another service, named in the manifest's ``asks``."""
        return self.host.neighbour(service, self.caller)

    def catalogue(self) -> list[dict[str, str]]:
        """Every permission of every service: code, title and service."""
        return cast(list[dict[str, str]], self.host.catalogue())


class Tx(ReadTx):
    """What an action may do: load, lock, save, tell. There is no commit (STYLE rule 16)."""

    def __init__(self, connection: AsyncConnection[Any], caller: Caller, host: Any) -> None:
        super().__init__(connection, caller, host)
        self.if_match: int | None = None
        self.version: int | None = None
        # The record that the request is about: the first one it locks, adds or changes. The ETag
        # is its version after the last change, not that of what else was written with it.
        self._subject: UUID | None = None
        self.events: list[Event] = []
        self.event_id: UUID | None = None
        self.event_at: datetime | None = None
        # The envelope of the event that a reaction takes in: actor, on_behalf_of, request_id.
        self.letter: Any = None
        self.numbers: list[str] = []

    async def lock(self, table: type[T], id: UUID) -> T:
        """The row of an id, kept from others until the end. Refuses: NotFound, Stale."""
        rows = await self._by_ids(table, [id], " for update")
        if not rows:
            raise NotFound(resource=table_sql(table).name, id=id)
        row: Any = rows[0]
        self._subject = self._subject or row.id
        if self.if_match is not None and table_sql(table).has_version:
            if row.version != self.if_match:
                raise Stale(version=row.version, expected=self.if_match)
            self.if_match = None
        return cast(T, row)

    async def lock_many(self, table: type[T], ids: Iterable[UUID]) -> list[T]:
        """The rows of many ids, locked in id order so that nobody waits in a circle."""
        return await self._by_ids(table, ids, " for update")

    async def add(self, table: type[T], **values: Any) -> T:
        """Insert one row; id, created_at and created_by are filled in."""
        parts = table_sql(table)
        full = self._filled(parts, values)
        bound = {name: parts.bind(name, value) for name, value in full.items()}
        cursor = await self._run(parts.insert(tuple(bound)), bound, parts.make)
        if parts.has_version:
            self._subject = self._subject or full["id"]
        return cast(T, await cursor.fetchone())

    async def add_many(self, table: type[T], drafts: Sequence[Mapping[str, Any]]) -> list[T]:
        """Insert many rows of the same columns in one statement; answers them in that order."""
        if not drafts:
            return []
        parts = table_sql(table)
        filled = [self._filled(parts, draft) for draft in drafts]
        names = tuple(filled[0])
        rows = orjson.dumps(filled, default=str).decode()
        cursor = await self._run(parts.insert_many(names), {"rows": rows}, parts.make)
        return cast(list[T], await cursor.fetchall())

    def _filled(self, parts: TableSql, values: Mapping[str, Any]) -> dict[str, Any]:
        full = dict(values)
        if "id" in parts.types and full.get("id") is None:
            full["id"] = new_id()
        if "created_by" in parts.types:
            full.setdefault("created_by", self.caller.user_id)
        if "created_at" in parts.types:
            full.setdefault("created_at", self.caller.now)
        return full

    async def change(self, row: T, **values: Any) -> T:
        """Update a row that was loaded in this transaction; answers the new value."""
        old: Any = row
        parts: TableSql = old.table_sql
        bound = {name: parts.bind(name, value) for name, value in values.items()}
        statement = parts.update(tuple(bound))
        cursor = await self._run(statement, {**bound, "_id": old.id}, parts.make)
        new = await cursor.fetchone()
        if new is None:
            raise NotFound(resource=parts.name, id=old.id)
        if parts.has_version:
            self._subject = self._subject or new.id
            if new.id == self._subject:
                self.version = new.version
        return cast(T, new)

    async def change_many(self, changes: Sequence[tuple[T, Mapping[str, Any]]]) -> list[T]:
        """Update rows that were locked in this transaction, in one statement; answers all of them.

        A row may come only once. What is as it should be already keeps its version.
        """
        names = tuple(dict.fromkeys(name for _, values in changes for name in values))
        olds: list[Any] = [row for row, _ in changes]
        if not names:
            return olds
        parts: TableSql = olds[0].table_sql
        full = [
            {"id": old.id} | {n: values[n] if n in values else getattr(old, n) for n in names}
            for old, (_, values) in zip(olds, changes, strict=True)
        ]
        rows = orjson.dumps(full, default=str).decode()
        cursor = await self._run(parts.update_many(names), {"rows": rows}, parts.make)
        new = {row.id: row for row in await cursor.fetchall()}
        return [new.get(old.id, old) for old in olds]

    async def remove(self, row: Any) -> None:
        """Delete a row; only drafts and plain records, ledgers refuse it in the database."""
        await self.run(
            f'delete from "{row.table_sql.name}" where id = %(id)s',
            id=row.id,
        )

    async def run(self, statement: LiteralString, **values: Any) -> int:
        """Run a statement; answers how many rows it touched."""
        cursor = await self._run(statement, values or None, None)
        return cast(int, cursor.rowcount)

    def announce(self, event: Event) -> None:
        """Tell the other services, if and when this transaction commits."""
        self.events.append(event)

    async def take_number(
        self, series: str, *, pattern: str, on: Any = None, unit_id: UUID | None = None
    ) -> str:
        """The next gapless number of a series; call it last, it locks the series (PERF lesson)."""
        on = on or self.caller.today
        number = await numbering.take(self, series, pattern=pattern, on=on, unit_id=unit_id)
        self.numbers.append(number)
        return number

    async def take_numbers(
        self, series: str, count: int, *, pattern: str, on: Any = None, unit_id: UUID | None = None
    ) -> list[str]:
        """The next so many numbers of a series in one statement, gapless as one by one."""
        if count < 1:
            return []
        on = on or self.caller.today
        numbers = await numbering.take_many(
            self, series, count, pattern=pattern, on=on, unit_id=unit_id
        )
        self.numbers += numbers
        return numbers

    async def defer(self, job: Any, **arguments: Any) -> None:
        """Queue a background job of this service; it starts only if this transaction commits."""
        await self.host.defer(self, job, arguments)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside when it fails, and only that."""
        events, numbers = len(self.events), len(self.numbers)
        await self._connection.execute("savepoint here")
        try:
            yield
        except BaseException:
            await self._connection.execute("rollback to savepoint here; release savepoint here")
            del self.events[events:], self.numbers[numbers:]
            raise
        await self._connection.execute("release savepoint here")


class Database:
    """One small pool per process (STACK: a backend that saw 4,000 tables weighs 200 MB)."""

    def __init__(self, url: str, *, size: int, statement_timeout_ms: int) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=10,
            max_lifetime=1800,
            kwargs={
                "autocommit": True,
                "options": f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC",
            },
        )

    async def open(self) -> None:
        """Connect."""
        await self._pool.open(wait=True)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A pooled connection in autocommit mode; for the kernel only."""
        async with self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(
        self, tenant: str | None, service: str, caller: Caller | None
    ) -> AsyncIterator["Transaction"]:
        """A started transaction; it rolls back unless ``commit`` was called."""
        async with self._pool.connection() as connection:
            transaction = Transaction(connection)
            await transaction.start(tenant, service, caller)
            try:
                yield transaction
            finally:
                await transaction.end()


class NotCommitted(RuntimeError):
    """The transaction had failed before its commit; nothing of it was kept."""


class Transaction:
    """Start and end of a database transaction; only the edge, the worker and the CLI hold one."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self.is_open = False

    async def start(self, tenant: str | None, service: str, caller: Caller | None) -> None:
        """Begin and enter the tenant's schema, in one round trip."""
        await self.connection.execute(tenancy.begin(tenant, service, caller))
        self.is_open = True

    async def enter(self, tenant: str | None, service: str, caller: Caller | None) -> None:
        """Go on in another schema, as after claiming work; needs the owner's role."""
        await self.connection.execute(tenancy.START, tenancy.start_values(tenant, service, caller))

    async def leave(self) -> None:
        """Come back to the owner's role of the connection."""
        await self.connection.execute(tenancy.LEAVE)

    async def commit(self) -> None:
        """Make it last; raises what a deferred constraint has to say.

        PostgreSQL answers the commit of a failed transaction with ROLLBACK and no error, so the
        answer is looked at: an action that swallowed a database error must not look like success.
        """
        self.is_open = False
        cursor = await self.connection.execute("commit")
        if cursor.statusmessage != "COMMIT":
            raise NotCommitted(cursor.statusmessage)

    async def end(self) -> None:
        """Roll back what was not committed."""
        if self.is_open:
            self.is_open = False
            await self.connection.execute("rollback")
