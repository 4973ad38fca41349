"""Import of any resource: what it declares, and the routes that take its files (INT-3)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from orrery.kernel import history
from orrery.kernel.caller import Caller
from orrery.kernel.exchange import batches, exports, tabular
from orrery.kernel.exchange.batches import ImportView
from orrery.kernel.exchange.intake import Intake, Outcome, suggested
from orrery.kernel.http import May, ReadTx, WriteTx, refusals
from orrery.kernel.schemas import Page, View
from orrery.kernel.statements import table_sql
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Malformed, NotFound, TooLarge
from orrery.kernel.types.states import WrongState

FILE_MAX = 100 << 20
SAMPLE_ROWS = 20


class _Denied(Permission):
    """What an import without a permission asks for: nobody has it, whatever their grants."""

    def matches(self, pattern: str) -> bool:  # noqa: ARG002 - no pattern will do
        return False


NOBODY = _Denied("kernel.import.denied", "Nobody may import what names no permission")


@dataclass(frozen=True)
class Import:
    """How the rows of a file become records of a resource.

    ``action`` takes one row through the service's rules, ``many`` a list of (draft, existing row);
    without either the draft's fields are columns and are written as sets. A row changes the record
    that has its key. ``undone`` tells the neighbours of one record taken back, if they were told.
    """

    draft: type[BaseModel]
    action: Callable[[Any, Any, Any, Any], Awaitable[Any]] | None = None
    permission: Permission | None = None
    keys: Sequence[str] = ("external_id", "code")
    many: Callable[[Any, Any, Any], Awaitable[Sequence[Any]]] | None = None
    undone: Callable[[Any, Any, history.TakenBack], Awaitable[None]] | None = None


class FieldView(View):
    """A field that a column may fill."""

    name: str
    title: str
    required: bool


class PreviewView(View):
    """What a file holds, where its columns would go and the first rows that would be refused."""

    format: str
    facts: dict[str, Any]
    columns: list[str]
    rows_total: int
    fields: list[FieldView]
    mapping: dict[str, str]
    missing: list[str]
    sample: list[dict[str, Any]]
    errors: list[dict[str, Any]]


@dataclass(frozen=True)
class Upload:
    """A file that arrived and was understood."""

    content: bytes
    table: tabular.Table
    sample: list[tabular.Record]
    mapping: str | None
    file_name: str | None
    is_rehearsal: bool


async def _upload(
    request: Request,
    mapping: Annotated[
        str | None,
        Query(max_length=20_000, description='JSON: `{"column of the file": "field"}`.'),
    ] = None,
    format: Literal["csv", "xlsx", "json"] | None = None,
    file_name: Annotated[str | None, Query(max_length=255)] = None,
    dry_run: Annotated[bool, Query(description="Find the errors, write nothing.")] = False,  # noqa: FBT002 - a query parameter
) -> Upload:
    """The body, read before the transaction begins: a slow upload holds no connection."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > FILE_MAX:
            raise TooLarge(limit_bytes=FILE_MAX)
    # The edge hashes the body for an idempotency key, and a stream can be read only once.
    request._body = bytes(content)
    request.state.dry_run_goes_on = True
    sample: list[tabular.Record] = []
    async with tabular.opened(request._body) as table:
        if format not in (None, table.format):
            raise Malformed(field="format", told=format, found=table.format)
        async for record in table.rows():
            sample.append(record)
            if len(sample) == SAMPLE_ROWS:
                break
    return Upload(request._body, table, sample, mapping, file_name, dry_run)


Uploaded = Annotated[Upload, Depends(_upload)]
BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself; its kind is known from what is in it.",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for kind in exports.MEDIA.values()
        },
    }
}


def add_routes(router: APIRouter, resource: Any) -> None:
    """Give a resource its import routes."""
    imports, known = resource.imports, set(table_sql(resource.table).columns)
    strange = sorted(set(imports.draft.model_fields) - known)
    if strange and imports.action is None and imports.many is None:
        raise LookupError(f"{resource.name}: no column for {strange}, so an action has to take it")
    may = May(imports.permission or NOBODY)
    batches.know(resource)
    _upload_routes(router, resource, may)
    _batch_routes(router, resource, may)
    _error_route(router, resource, may)


def _upload_routes(router: APIRouter, resource: Any, may: Any) -> None:
    name = resource.name

    @router.post(
        "/imports/preview",
        operation_id=f"preview_import_{name}",
        summary=f"Look into a file of {name}s",
        responses=refusals(tabular.Unreadable, TooLarge),
        openapi_extra=BODY,
    )
    async def preview_import(caller: Annotated[Caller, may], upload: Uploaded) -> PreviewView:
        """The file's columns, where they would go, and the first errors; nothing is kept."""
        return _preview(resource, upload)

    @router.post(
        "/imports",
        status_code=202,
        operation_id=f"import_{name}s",
        summary=f"Import {name}s from CSV, XLSX or JSON",
        responses=refusals(tabular.Unreadable, TooLarge, batches.TooManyImports),
        openapi_extra=BODY,
    )
    async def start_import(
        caller: Annotated[Caller, may], upload: Uploaded, tx: WriteTx
    ) -> ImportView:
        """Take a file in, in the background; ask the answer's id how far it has got."""
        mapping = _mapping(resource, upload.table.columns, upload.mapping)
        missing = _missing(resource, mapping)
        if missing:
            raise Malformed(field="mapping", missing=missing, columns=upload.table.columns)
        return await batches.start(
            tx,
            caller,
            resource,
            upload.content,
            table=upload.table,
            mapping=mapping,
            file_name=upload.file_name,
            dry_run=upload.is_rehearsal,
        )


def _batch_routes(router: APIRouter, resource: Any, may: Any) -> None:
    name = resource.name

    @router.get("/imports", operation_id=f"list_imports_{name}", summary=f"List imports of {name}s")
    async def list_imports(
        caller: Annotated[Caller, may],
        tx: ReadTx,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: UUID | None = None,
    ) -> Page[ImportView]:
        """Every import of the resource, newest first."""
        found = await batches.newest(tx, resource, limit=limit + 1, below=cursor)
        after = str(found[limit - 1].id) if len(found) > limit else None
        return Page[ImportView](items=found[:limit], next=after)

    @router.get("/imports/{id}", operation_id=f"read_import_{name}", responses=refusals(NotFound))
    async def read_import(id: UUID, caller: Annotated[Caller, may], tx: ReadTx) -> ImportView:
        """How far an import has got."""
        return await batches.read(tx, resource, id)

    @router.post(
        "/imports/{id}/cancel",
        operation_id=f"cancel_import_{name}",
        responses=refusals(NotFound, WrongState),
    )
    async def cancel_import(id: UUID, caller: Annotated[Caller, may], tx: WriteTx) -> ImportView:
        """Stop after the chunk that is being written; what was written stays, and can be undone."""
        await batches.read(tx, resource, id)
        await batches.move(tx, id, "cancel")
        return await batches.read(tx, resource, id)

    @router.post(
        "/imports/{id}/undo",
        operation_id=f"undo_import_{name}",
        responses=refusals(NotFound, WrongState, history.NotUndoable),
    )
    async def undo_import(id: UUID, caller: Annotated[Caller, may], tx: WriteTx) -> ImportView:
        """Take back all that an import did: created records go, changed ones are as before."""
        await batches.read(tx, resource, id)
        await batches.undo(tx, caller, resource, id)
        return await batches.read(tx, resource, id)


def _error_route(router: APIRouter, resource: Any, may: Any) -> None:
    @router.get(
        "/imports/{id}/errors",
        operation_id=f"errors_of_import_{resource.name}",
        responses=refusals(NotFound),
        response_class=Response,
    )
    async def read_errors(
        id: UUID,
        caller: Annotated[Caller, may],
        tx: ReadTx,
        format: Literal["csv", "json"] = "csv",
    ) -> Response:
        """The refused rows as a file: what they were and why, ready to be mended and sent again."""
        await batches.read(tx, resource, id)
        names, rows = await batches.refused(tx, id, as_cells=format == "csv")
        parts: Any = exports.csv_parts if format == "csv" else exports.json_parts
        told = f'attachment; filename="{resource.name}-errors.{format}"'
        return StreamingResponse(
            parts(names, rows),
            media_type=exports.MEDIA[format],
            headers={"Content-Disposition": told},
        )


def _preview(resource: Any, upload: Upload) -> PreviewView:
    table, fields = upload.table, resource.imports.draft.model_fields
    mapping = _mapping(resource, table.columns, upload.mapping)
    intake, outcome = Intake(resource, table.columns, mapping), Outcome()
    for number, cells in upload.sample:
        intake.read(number, cells, outcome)
    return PreviewView(
        format=table.format,
        facts=dict(table.facts),
        columns=table.columns,
        rows_total=table.total,
        fields=[
            FieldView(
                name=name,
                title=info.title or name.replace("_", " ").capitalize(),
                required=info.is_required(),
            )
            for name, info in fields.items()
        ],
        mapping=mapping,
        missing=_missing(resource, mapping),
        sample=[intake.original(cells) for _, cells in upload.sample],
        errors=outcome.refused,
    )


def _mapping(resource: Any, columns: Sequence[str], told: str | None) -> dict[str, str]:
    """Which column fills which field: as told, or as the names suggest. Refuses: Malformed."""
    fields = resource.imports.draft.model_fields
    if told is None:
        return suggested(columns, fields, resource.name)
    try:
        mapping = {str(k): str(v) for k, v in dict(orjson.loads(told)).items() if v}
    except (ValueError, TypeError) as error:
        raise Malformed(field="mapping", reason="not a JSON object") from error
    strange = sorted(set(mapping) - set(columns)) + sorted(set(mapping.values()) - set(fields))
    if strange or len(set(mapping.values())) < len(mapping):
        raise Malformed(
            field="mapping", unknown=strange, columns=list(columns), fields=list(fields)
        )
    return mapping


def _missing(resource: Any, mapping: Mapping[str, str]) -> list[str]:
    fields = resource.imports.draft.model_fields
    filled = set(mapping.values())
    return [name for name, info in fields.items() if info.is_required() and name not in filled]
