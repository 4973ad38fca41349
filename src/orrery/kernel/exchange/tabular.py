"""Tables in files: CSV, XLSX or JSON, read in a child process that may die of them.

A file comes from a stranger: a workbook of 5 KB can ask for 500 GB of memory and would abort the
house. So a child with limits on memory and time reads it, and sends each row as a line of JSON.
"""

import asyncio
import csv
import io
import json
import os
import resource
import signal
import sys
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from orrery.kernel.types.refusal import Malformed, Refusal, TooLarge

# A tenth more than Excel can hold is no list that people keep by hand.
ROWS_MAX = 1_000_000
COLUMNS_MAX = 500
# Enough for a million rows of twenty columns; a bomb ends here, and only the child with it.
MEMORY_MAX = 2 << 30
CPU_SECONDS_MAX = 120
UNPACKED_MAX = 1 << 30
LINE_MAX = 4 << 20
TOO_MUCH = "more memory or time than a file may take"
# What ``exports.safe_cell`` put before a formula's first character is taken away again.
QUOTED_STARTS = ("'=", "'+", "'-", "'@", "'\t", "'\r", "'\n")

Record = tuple[int, list[Any]]


class Unreadable(Malformed):
    """The file is not a table that can be read."""

    code = "kernel.file_unreadable"


@dataclass(frozen=True)
class Table:
    """A file that was understood: what its columns are called, and its rows one by one."""

    format: str
    columns: list[str]
    total: int
    facts: Mapping[str, Any]
    _lines: asyncio.StreamReader

    async def rows(self) -> AsyncIterator[Record]:
        """Each row with its number in the file; None stands for a field that JSON leaves out."""
        for _ in range(self.total):
            line = await self._lines.readline()
            if not line:
                raise Unreadable(reason="reader_died")
            number, cells = orjson.loads(line)
            yield number, cells


@asynccontextmanager
async def opened(content: bytes) -> AsyncIterator[Table]:
    """Read a file's table. Refuses: Unreadable, TooLarge."""
    with tempfile.NamedTemporaryFile(prefix="orrery-import-") as copy:
        copy.write(content)
        copy.flush()
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "orrery.kernel.exchange.tabular",
            copy.name,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_MAX,
            # The reader of strangers' files gets none of the process's secrets.
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        lines = child.stdout
        try:
            if lines is None or not (first := await lines.readline()):
                if await child.wait() > 0:  # it was not killed: the fault is ours
                    raise RuntimeError("the reader of files does not run")
                raise TooLarge(reason=TOO_MUCH)
            told = orjson.loads(first)
            if "refused" in told:
                kind = TooLarge if told.pop("refused") == TooLarge.code else Unreadable
                raise kind(**told)
            yield Table(**told, _lines=lines)
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
            await child.communicate()


def format_of(content: bytes) -> str:
    """The format that the content speaks, whatever the file is called. Refuses: Unreadable."""
    if not content.strip():
        raise Unreadable(reason="empty")
    if content.startswith(b"PK\x03\x04"):
        return "xlsx"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "csv"
    if b"\x00" in content:
        raise Unreadable(reason="neither a workbook nor text")
    is_json = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{")
    return "json" if is_json else "csv"


# ------------------------------------------------------------------------ inside the child


def _main(path: str) -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_MAX),
        (resource.RLIMIT_CPU, CPU_SECONDS_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # macOS knows no limit of memory
            resource.setrlimit(limit, (most, most))
    out = sys.stdout.buffer
    try:
        head, rows = _read(path)
    except Refusal as refusal:
        out.write(orjson.dumps({"refused": refusal.code, **refusal.facts}, default=str))
        return
    except MemoryError:
        out.write(orjson.dumps({"refused": TooLarge.code, "reason": TOO_MUCH}))
        return
    out.write(orjson.dumps(head) + b"\n")
    for number, cells in rows:
        line = orjson.dumps((number, cells), default=float)
        if len(line) >= LINE_MAX:  # refused by itself, like any row with a cell too many
            line = orjson.dumps((number, [*([""] * len(cells)), "a row of megabytes"]))
        out.write(line + b"\n")


def _read(path: str) -> tuple[dict[str, Any], Iterable[Record]]:
    with open(path, "rb") as file:
        content = file.read()
    kind = format_of(content)
    facts: dict[str, Any] = {}
    if kind == "json":
        columns, rows = _json_table(content)
        return _head(kind, columns, len(rows), facts), rows
    records = _workbook(path, facts) if kind == "xlsx" else _csv_records(content, facts)
    filled = (record for record in records() if any(record[1]))
    columns = [cell.strip() for cell in next(filled, (0, []))[1]]
    while columns and not columns[-1]:
        columns.pop()
    head = _head(kind, columns, _count(filled), facts)
    return head, _padded(records(), len(columns))


def _head(kind: str, columns: list[str], total: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    named = [name for name in columns if name]
    if not named or not total:
        raise Unreadable(reason="no_rows")
    if len(columns) > COLUMNS_MAX:
        raise TooLarge(columns=len(columns), limit=COLUMNS_MAX)
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise Unreadable(reason="column_twice", columns=twice)
    return {"format": kind, "columns": columns, "total": total, "facts": facts}


def _count(rows: Iterable[Any]) -> int:
    total = 0
    for _ in rows:
        total += 1
        if total > ROWS_MAX:
            raise TooLarge(limit_rows=ROWS_MAX)
    return total


def _padded(records: Iterator[Record], width: int) -> Iterator[Record]:
    """The rows below the heading, as wide as it; what stands right of it stays to be refused."""
    filled = (record for record in records if any(record[1]))
    next(filled)
    for number, cells in filled:
        while len(cells) > width and not cells[-1]:
            cells.pop()
        yield number, cells + [""] * (width - len(cells))


def _csv_records(content: bytes, facts: dict[str, Any]) -> Callable[[], Iterator[Record]]:
    text = _decoded(content, facts)
    first = text[: 1 << 16].lstrip("\r\n")
    facts["delimiter"] = max(",;\t", key=lambda mark: _width(first, mark))

    def records() -> Iterator[Record]:
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=facts["delimiter"], strict=True
        )
        number = 0
        try:
            for number, cells in enumerate(reader, start=1):
                yield number, [c[1:] if c.startswith(QUOTED_STARTS) else c for c in cells]
        except csv.Error as error:
            raise Unreadable(row=number + 1, reason=str(error)) from error

    return records


def _decoded(content: bytes, facts: dict[str, Any]) -> str:
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            facts["encoding"] = encoding
            return text
    raise Unreadable(reason="encoding", tried=["utf-8", "utf-16", "cp1252"])


def _width(text: str, delimiter: str) -> int:
    with suppress(csv.Error, StopIteration):
        return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    return 0


def _workbook(path: str, facts: dict[str, Any]) -> Callable[[], Iterator[Record]]:
    from python_calamine import CalamineWorkbook  # only the child ever needs it

    try:
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > UNPACKED_MAX:
            raise TooLarge(unpacked=unpacked, limit=UNPACKED_MAX)
        book = CalamineWorkbook.from_path(path)
        sheet = book.get_sheet_by_index(0)
    except TooLarge:
        raise
    except Exception as error:  # calamine and zipfile have a dozen kinds, all mean the same
        raise Unreadable(reason=f"workbook: {error}"[:200]) from error
    facts["sheet"] = sheet.name

    def records() -> Iterator[Record]:
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            yield number, [_text(cell) for cell in cells]

    return records


def _json_table(content: bytes) -> tuple[list[str], list[Record]]:
    try:
        objects = _json_objects(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(reason=f"json: {error}"[:200]) from error
    _count(objects)
    columns: dict[str, None] = {}
    for number, one in enumerate(objects, start=1):
        if not isinstance(one, dict):
            raise Unreadable(row=number, reason="not an object")
        columns |= dict.fromkeys(one)
    rows = [
        (number, [_text(one[name]) if name in one else None for name in columns])
        for number, one in enumerate(objects, start=1)
    ]
    return list(columns), rows


def _json_objects(text: str) -> list[Any]:
    """The objects of an array, or of lines; numbers keep every digit."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse)
    if "\\u0000" in text:
        raise ValueError("a NUL character")
    if text.lstrip().startswith("["):
        objects: list[Any] = decoder.decode(text)
        return objects
    return [decoder.decode(line) for line in text.split("\n") if line.strip()]


def _text(value: Any) -> Any:
    """A cell as text, the same from every format; lists and objects of JSON stay as they are."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case dict() | list() | str():
            return value
    return str(value)


if __name__ == "__main__":
    _main(sys.argv[1])
