"""The batch of an import: how far a file has got, and the job that takes it in chunk by chunk.

Each chunk is one transaction with the request id ``import:<batch>``. So progress can be seen, a
killed worker is taken up after the last finished chunk, and history knows what to take back.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Any, LiteralString
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from orrery.kernel import correlate, history
from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx, Tx
from orrery.kernel.exchange import tabular
from orrery.kernel.exchange.intake import Intake, Outcome
from orrery.kernel.schemas import Instant, View
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound, Refusal, TooLarge
from orrery.kernel.types.states import Machine, WrongState

# A chunk is one transaction: what a killed worker loses, and how long a cancel has to wait.
CHUNK_ROWS = 500
# Files wait in the database for their turn; a tenant's service takes in one at a time.
WAITING_MAX = 10
TURN_SECONDS = 3
# A dry run is one long transaction, and younger events are not delivered before it ends.
DRY_RUN_SECONDS = 30
ENDED = ("done", "cancelled", "failed", "undone")
STATES = Machine(
    "import",
    start="queued",
    moves={
        ("queued", "start"): "running",
        ("running", "start"): "running",
        ("running", "finish"): "done",
        ("running", "fail"): "failed",
        ("queued", "cancel"): "cancelled",
        ("running", "cancel"): "cancelled",
        ("done", "undo"): "undone",
        ("cancelled", "undo"): "undone",
        ("failed", "undo"): "undone",
    },
)
BATCH: LiteralString = """
select id, file_name, format, state, dry_run, mapping, rows_total, rows_read, rows_created,
       rows_changed, rows_refused, rows_read * 100 / rows_total as progress, events, error,
       created_by, created_at, started_at, finished_at
from import_batch where resource = %(resource)s
"""
INSERT: LiteralString = """
insert into import_batch (id, resource, file_name, format, state, dry_run, columns, mapping,
    caller, rows_total, created_by, created_at, file)
values (%(id)s, %(resource)s, %(file_name)s, %(format)s, 'queued', %(dry_run)s, %(columns)s::jsonb,
    %(mapping)s::jsonb, %(caller)s::jsonb, %(total)s, %(user)s, %(now)s, %(file)b)
"""
MOVE: LiteralString = """
update import_batch set state = %(state)s, error = %(error)s::jsonb,
    started_at = coalesce(started_at, case when %(state)s = 'running' then %(now)s end),
    finished_at = case when %(ended)s then coalesce(finished_at, %(now)s) end,
    file = case when %(ended)s then null else file end
where id = %(id)s
"""
COUNT: LiteralString = """
update import_batch set rows_read = rows_read + %(read)s, rows_created = rows_created + %(created)s,
    rows_changed = rows_changed + %(changed)s, rows_refused = rows_refused + %(refused)s,
    events = events + %(events)s
where id = %(id)s
"""
REFUSE: LiteralString = """
insert into import_error (batch_id, number, errors, original)
select %(id)s, number, errors, original
from jsonb_to_recordset(%(rows)s::jsonb) as r (number integer, errors jsonb, original jsonb)
"""
ERRORS: LiteralString = (
    "select number, errors, original from import_error where batch_id = %(id)s order by number"
)
ERROR_COLUMNS = ["error row", "error column", "error value", "error code", "error message"]
CALLER = TypeAdapter(Caller)
# The request id of everything that an import does.
REQUEST = correlate.RESERVED + "{}"


class TooManyImports(Refusal):
    """So many files are waiting that another one has to wait outside."""

    code = "kernel.too_many_imports"


class ImportView(View):
    """A file's way into the records; what is neither created, changed nor refused was equal."""

    id: UUID
    file_name: str | None
    format: str
    state: str
    dry_run: bool
    mapping: dict[str, str]
    rows_total: int
    rows_read: int
    rows_created: int
    rows_changed: int
    rows_refused: int
    progress: int
    events: int
    error: dict[str, Any] | None
    created_by: UUID | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


ERROR_COLUMNS = ["error row", "error column", "error value", "error code", "error message"]


_resources: dict[tuple[str, str], Any] = {}


def know(resource: Any) -> None:
    """Remember a resource, so that the job finds it by its service and name."""
    _resources[resource.may_read.code.partition(".")[0], resource.name] = resource


async def start(
    tx: Tx,
    caller: Caller,
    resource: Any,
    content: bytes,
    *,
    table: tabular.Table,
    mapping: Mapping[str, str],
    file_name: str | None,
    dry_run: bool,
) -> ImportView:
    """Keep a file and queue the job that takes it in. Refuses: TooManyImports."""
    waiting = await tx.value(
        "select count(*) from import_batch where state in ('queued', 'running')"
    )
    if waiting >= WAITING_MAX:
        raise TooManyImports(limit=WAITING_MAX)
    batch_id = new_id()
    await tx.run(
        INSERT,
        id=batch_id,
        resource=resource.name,
        file_name=file_name,
        format=table.format,
        dry_run=dry_run,
        columns=orjson.dumps(table.columns).decode(),
        mapping=orjson.dumps(mapping).decode(),
        caller=CALLER.dump_json(caller).decode(),
        total=table.total,
        user=caller.user_id,
        now=caller.now,
        file=content,
    )
    await tx.defer(run_import, batch_id=str(batch_id))
    return await read(tx, resource, batch_id)


async def newest(tx: ReadTx, resource: Any, *, limit: int, below: UUID | None) -> list[ImportView]:
    """The imports of a resource, newest first."""
    rows = await tx.rows(
        BATCH + " and (%(below)s::uuid is null or id < %(below)s) order by id desc limit %(limit)s",
        resource=resource.name,
        below=below,
        limit=limit,
    )
    return ImportView.of_all(rows)


async def read(tx: ReadTx, resource: Any, id: UUID) -> ImportView:
    """One import of a resource. Refuses: NotFound."""
    row = await tx.row(BATCH + " and id = %(id)s", resource=resource.name, id=id)
    if row is None:
        raise NotFound(resource="import", id=id)
    return ImportView.of(row)


async def refused(
    tx: ReadTx, id: UUID, *, as_cells: bool
) -> tuple[list[str], AsyncIterator[tuple[Any, ...]]]:
    """The refused rows, in a transaction of their own: as cells, or with their errors as JSON."""
    columns = await tx.value("select columns from import_batch where id = %(id)s", id=id)

    async def rows() -> AsyncIterator[tuple[Any, ...]]:
        async with tx.host.transaction(tx.caller.tenant, tx.caller) as own:
            async for number, found, original in own.stream(ERRORS, id=id):
                if as_cells:
                    parts = ("column", "value", "code", "message")
                    told = (" | ".join(str(one[part] or "") for one in found) for part in parts)
                    yield (*(original.get(name) for name in columns), number, *told)
                else:
                    yield number, found, original

    return [*columns, *ERROR_COLUMNS] if as_cells else ["row", "errors", "original"], rows()


async def move(tx: Tx, id: UUID, verb: str, error: Mapping[str, Any] | None = None) -> None:
    """Bring a batch to its next state. Refuses: WrongState."""
    state = await tx.value("select state from import_batch where id = %(id)s for update", id=id)
    target = STATES.after(state, verb)
    await tx.run(
        MOVE,
        id=id,
        state=target,
        ended=target in ENDED,
        now=tx.caller.now,
        error=orjson.dumps(error, default=str).decode() if error else None,
    )


async def undo(tx: Tx, caller: Caller, resource: Any, id: UUID) -> None:
    """Take back what an import did. Refuses: WrongState, NotUndoable. Announces: as declared."""
    await move(tx, id, "undo")
    request, table = REQUEST.format(id), resource.table.__tablename__
    await history.undo(tx, tx.host.service.tables, request)
    if resource.imports.undone is not None:
        for taken_back in await history.taken_back(tx, table, request):
            await resource.imports.undone(tx, caller, taken_back)


async def run_import(tx: Tx, caller: Caller, *, batch_id: str) -> None:
    """Take a file in; when a worker dies, the next one goes on after the last finished chunk."""
    # Held until this transaction ends, so one at a time: a tenant's files cannot fill the worker.
    turn = "select pg_try_advisory_xact_lock(hashtextextended('import:' || current_schema(), 0))"
    if not await tx.value(turn):
        await tx.defer(run_import, batch_id=batch_id, after_seconds=TURN_SECONDS)
        return
    batch = await tx.row(
        "select id, resource, columns, mapping, caller, dry_run, file from import_batch"
        " where id = %(id)s and state in ('queued', 'running')",
        id=batch_id,
    )
    if batch is not None:
        async with AsyncExitStack() as rehearsal:
            await _Run(tx.host, batch, rehearsal).all()


class _Run:
    """One batch on its way, a transaction per chunk."""

    def __init__(self, host: Any, batch: Any, rehearsal: AsyncExitStack) -> None:
        self._host = host
        self._batch = batch
        self._intake = Intake(
            _resources[host.service_name, batch.resource], batch.columns, batch.mapping
        )
        self._caller: Caller = replace(
            CALLER.validate_python(batch.caller), request_id=REQUEST.format(batch.id)
        )
        self._rehearsal = rehearsal
        self._stage: Tx | None = None
        self._ends_at = 0.0
        self._position = 0

    def _transaction(self) -> Any:
        return self._host.transaction(self._caller.tenant, self._caller)

    async def all(self) -> None:
        """Every chunk that is not done yet, then the end; stops when somebody cancels."""
        try:
            async with self._transaction() as tx:
                await self._begin(tx)
            async with tabular.opened(self._batch.file) as table:
                if not await self._chunks(table):
                    return
            verb, error = "finish", None
        except (tabular.Unreadable, TooLarge) as refusal:
            verb, error = "fail", {"code": refusal.code, "facts": dict(refusal.facts)}
        except WrongState:
            return
        async with self._transaction() as tx:
            await move(tx, self._batch.id, verb, error)

    async def _begin(self, tx: Tx) -> None:
        await move(tx, self._batch.id, "start")
        if self._batch.dry_run:  # nothing of an earlier attempt was kept
            await tx.run("delete from import_error where batch_id = %(id)s", id=self._batch.id)
            await tx.run(
                "update import_batch set rows_read = 0, rows_created = 0, rows_changed = 0,"
                " rows_refused = 0, events = 0 where id = %(id)s",
                id=self._batch.id,
            )
        self._position = await tx.value(
            "select rows_read from import_batch where id = %(id)s", id=self._batch.id
        )

    async def _chunks(self, table: tabular.Table) -> bool:
        done, chunk = self._position, list[tabular.Record]()
        async for record in table.rows():
            if done:
                done -= 1
                continue
            chunk.append(record)
            if len(chunk) == CHUNK_ROWS:
                if not await self._take(chunk):
                    return False
                chunk = []
        return not chunk or await self._take(chunk)

    async def _take(self, chunk: list[tabular.Record]) -> bool:
        """Write a chunk and say so in one transaction; False when it is not ours any more."""
        async with self._transaction() as tx:
            position = await tx.value(
                "select rows_read from import_batch where id = %(id)s and state = 'running'"
                " for update",
                id=self._batch.id,
            )
            if position != self._position:
                return False
            stage = await self._staged(tx) if self._batch.dry_run else tx
            outcome = await self._intake.take(stage, tx.caller, chunk)
            await self._count(tx, len(chunk), outcome, len(stage.events))
            if stage is not tx:
                stage.events.clear()
        self._position += len(chunk)
        return True

    async def _staged(self, tx: Tx) -> Tx:
        """The transaction of a dry run; it goes on from chunk to chunk and is never committed."""
        if self._stage is None or monotonic() > self._ends_at:
            await self._rehearsal.aclose()
            transaction = await self._rehearsal.enter_async_context(
                self._host.runtime.database.transaction(
                    self._caller.tenant, self._host.service_name, tx.caller
                )
            )
            self._stage = Tx(transaction.connection, tx.caller, self._host)
            self._ends_at = monotonic() + DRY_RUN_SECONDS
        return self._stage

    async def _count(self, tx: Tx, read: int, outcome: Outcome, announced: int) -> None:
        await tx.run(
            COUNT,
            id=self._batch.id,
            read=read,
            created=outcome.created,
            changed=outcome.changed,
            refused=len(outcome.refused),
            events=announced,
        )
        if outcome.refused:
            rows = orjson.dumps(outcome.refused, default=str).decode()
            await tx.run(REFUSE, id=self._batch.id, rows=rows)
