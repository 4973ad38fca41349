"""Export of any resource, streamed: what the list would show, as CSV, JSON or XLSX."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.http import May
from orrery.kernel.listing import Wanted, order_sql, understand
from orrery.kernel.resources import Resource

Form = Literal["csv", "xlsx", "json"]
MEDIA: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
CHUNK_ROWS = 1_000
# Excel's own limit is 1,048,576 rows with the heading.
XLSX_MAX_ROWS = 1_048_575
# A spreadsheet would run a text that starts with one of these (OWASP CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
# A spreadsheet counts in binary fractions; a number of more digits would come out as another.
XLSX_MAX_DIGITS = 15


def safe_cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula; numbers stay numbers."""
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value


async def _rows(
    host: Any, caller: Caller, resource: Resource, wanted: Wanted
) -> AsyncIterator[tuple[Any, ...]]:
    """Rows in chunks from a cursor of the server, in a transaction of their own."""
    fields = ", ".join(f'{sql} as "{name}"' for name, sql in resource.expressions.items())
    statement = (
        f"select {fields} from {resource.source} where {' and '.join(wanted.tests)}"
        f" order by {order_sql(resource, wanted.order)}"
    )
    async with host.runtime.database.transaction(
        caller.tenant, host.service_name, caller
    ) as transaction:
        tx = Tx(transaction.connection, caller, host)
        async for row in tx.stream(statement, **wanted.values):
            yield row


def _csv_line(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe_cell(_plain(v)) for v in values])
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


async def csv_parts(names: list[str], rows: AsyncIterator[tuple[Any, ...]]) -> AsyncIterator[str]:
    """Rows as CSV, in parts of many lines; no cell is a formula."""
    chunk = [_csv_line(names)]
    async for row in rows:
        chunk.append(_csv_line(row))
        if len(chunk) >= CHUNK_ROWS:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk)


async def json_parts(
    names: list[str], rows: AsyncIterator[tuple[Any, ...]]
) -> AsyncIterator[bytes]:
    """Rows as one JSON array, a part each."""
    yield b"["
    comma = b""
    async for row in rows:
        yield comma + orjson.dumps(dict(zip(names, row, strict=True)), default=_plain)
        comma = b",\n"
    yield b"]\n"


async def _xlsx(names: list[str], rows: AsyncIterator[tuple[Any, ...]]) -> AsyncIterator[bytes]:
    import xlsxwriter  # type: ignore[import-untyped] # no types; slow to import, rarely needed

    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        book = xlsxwriter.Workbook(
            file.name, {"constant_memory": True, "strings_to_formulas": False}
        )
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, names, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        number = 0
        async for row in rows:
            number += 1
            if number > XLSX_MAX_ROWS:
                break
            for column, value in enumerate(row):
                if value is not None:
                    _write_cell(sheet, number, column, value)
        # Packing a large workbook takes a second or more, in which others want to be served.
        await asyncio.to_thread(book.close)
        for part in _parts(file.name):
            yield part


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    is_number = isinstance(value, Decimal | int) and not isinstance(value, bool)
    if is_number and len(str(_plain(value)).strip("-0.").replace(".", "")) <= XLSX_MAX_DIGITS:
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, str(_plain(value)))


def _parts(name: str) -> Iterator[bytes]:
    with open(name, "rb") as file:
        while part := file.read(65_536):
            yield part


def add_routes(router: APIRouter, resource: Resource) -> None:
    """Give a resource its export route."""

    @router.get(
        "/export",
        operation_id=f"export_{resource.name}",
        summary=f"Export {resource.name}s as CSV, XLSX or JSON",
        response_class=Response,
    )
    async def export_records(
        request: Request,
        caller: Annotated[Caller, May(resource.may_read)],
        format: Annotated[Form, Query()] = "csv",
    ) -> Response:
        """Everything the list's filters let through, streamed in the list's order."""
        host = request.app.state.host
        wanted = understand(resource, caller, request)
        rows = _rows(host, caller, resource, wanted)
        names = list(resource.expressions)
        body: Any = {"csv": csv_parts, "json": json_parts, "xlsx": _xlsx}[format](names, rows)
        told = f'attachment; filename="{resource.name}s.{format}"'
        return StreamingResponse(
            body, media_type=MEDIA[format], headers={"Content-Disposition": told}
        )
