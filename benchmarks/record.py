"""Records the statements of one request, to let pgbench send the same."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.types.json import Jsonb

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# psycopg writes a literal id without its dashes.
UUID_HEX = re.compile(r"(?<![0-9a-f])([0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15})(?![0-9a-f])")


class Recorder:
    """Collects statements with their values as literals."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def take(self, connection: AsyncConnection[Any], statement: Any, values: Any) -> None:
        """Keep a statement as the database would see it."""
        text = statement.decode() if isinstance(statement, bytes) else str(statement)
        if values:
            positions = iter(() if isinstance(values, dict) else values)

            def literal(match: re.Match[str]) -> str:
                value = values[match[1]] if match[1] else next(positions)
                told = sql.Literal(value).as_string(connection)
                return f"{told}::jsonb" if isinstance(value, Jsonb) else told

            text = re.sub(r"%(?:\((\w+)\))?s", literal, text).replace("%%", "%")
        self.statements += [part.strip() for part in _split(text) if part.strip()]

    def script(self, *, since: int, numbers: list[str]) -> str:
        """A pgbench script: ids made during the request become fresh ones at every run."""
        body = ";\n".join(self.statements) + ";\n"
        body = UUID_HEX.sub(lambda match: str(UUID(match[1])), body)
        fresh = sorted({u for u in UUID_TEXT.findall(body) if _made_at(u) >= since})
        names = [f"u{number}" for number in range(len(fresh))]
        for old, name in zip(fresh, names, strict=True):
            body = body.replace(old, f":{name}")
        for number in numbers:
            body = body.replace(number, "N-:u0")
        made = ", ".join(f"gen_random_uuid() as {name}" for name in names)
        return f"select {made} \\gset\n{body}" if fresh else body


def _split(text: str) -> Iterator[str]:
    """Statements of a message; only the start of a transaction holds two."""
    if text.startswith("begin;"):
        yield from text.split(";", 1)
    else:
        yield text


def _made_at(text: str) -> int:
    return UUID(text).int >> 80


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record everything that psycopg's cursors send in this process."""
    recorder = Recorder()
    plain = AsyncCursor.execute

    async def execute(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        recorder.take(self.connection, query, params)
        return await plain(self, query, params, **more)

    AsyncCursor.execute = execute  # type: ignore[method-assign] # undone below
    try:
        yield recorder
    finally:
        AsyncCursor.execute = plain  # type: ignore[method-assign]
