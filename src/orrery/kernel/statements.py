"""The statements of a table, rendered once from its declaration."""

from collections import namedtuple
from collections.abc import Callable
from typing import Any, cast

from psycopg import AsyncCursor
from psycopg.types.json import Jsonb
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import dialect as postgresql

DIALECT: Any = cast(Any, postgresql)()


class TableSql:
    """The statements of one table, rendered once from its declaration."""

    def __init__(self, table: Table) -> None:
        self.name = table.name
        self.columns = [column.name for column in table.columns]
        self.types = {c.name: c.type.compile(dialect=DIALECT) for c in table.columns}
        self.json = {c.name for c in table.columns if isinstance(c.type, JSONB)}
        make_row: Any = namedtuple  # its class is only known at run time
        self.row: Any = make_row(f"{table.name}_row", self.columns)
        self.row.table_sql = self
        self.listed = ", ".join(f'"{name}"' for name in self.columns)
        self.select = f'select {self.listed} from "{table.name}"'
        self.has_version = "version" in self.columns
        self._texts: dict[tuple[str, tuple[str, ...]], str] = {}

    def make(self, _cursor: AsyncCursor[Any]) -> Any:
        """Row factory of psycopg: the columns come in declared order."""
        return self.row._make

    def bind(self, name: str, value: Any) -> Any:
        """Wrap what goes into a JSONB column."""
        return Jsonb(value) if name in self.json and value is not None else value

    def insert(self, names: tuple[str, ...]) -> str:
        """Insert one row; the text is made once per set of columns."""
        return self._once(("insert", names), self._insert)

    def insert_many(self, names: tuple[str, ...]) -> str:
        """Insert a set of rows that comes as one JSON value."""
        return self._once(("insert many", names), self._insert_many)

    def update(self, names: tuple[str, ...]) -> str:
        """Change one row, and its version with it."""
        return self._once(("update", names), self._update)

    def update_many(self, names: tuple[str, ...]) -> str:
        """Change a set of rows that comes as one JSON value; those that differ are answered."""
        return self._once(("update many", names), self._update_many)

    def _once(
        self, key: tuple[str, tuple[str, ...]], make: Callable[[tuple[str, ...]], str]
    ) -> str:
        if key not in self._texts:
            self._texts[key] = make(key[1])
        return self._texts[key]

    def _insert(self, names: tuple[str, ...]) -> str:
        columns = ", ".join(f'"{n}"' for n in names)
        values = ", ".join(f"%({n})s" for n in names)
        return f'insert into "{self.name}" ({columns}) values ({values}) returning {self.listed}'

    def _insert_many(self, names: tuple[str, ...]) -> str:
        # One JSON value costs a tenth of adapting an array per column (benchmarks, prototype).
        columns = ", ".join(f'"{n}"' for n in names)
        typed = ", ".join(f'"{n}" {self.types[n]}' for n in names)
        return (
            f'insert into "{self.name}" ({columns}) select {columns}'
            f" from jsonb_to_recordset(%(rows)s::jsonb) as r ({typed}) returning {self.listed}"
        )

    def _update(self, names: tuple[str, ...]) -> str:
        sets = [f'"{n}" = %({n})s' for n in names]
        if self.has_version:
            sets.append("version = version + 1")
        return (
            f'update "{self.name}" set {", ".join(sets)} where id = %(_id)s returning {self.listed}'
        )

    def _update_many(self, names: tuple[str, ...]) -> str:
        typed = ", ".join(f'"{n}" {self.types[n]}' for n in names)
        sets = [f'"{n}" = r."{n}"' for n in names]
        if self.has_version:
            sets.append("version = t.version + 1")
        old, new, every = (
            ", ".join(f'{side}."{name}"' for name in listed)
            for side, listed in (("t", names), ("r", names), ("t", self.columns))
        )
        return (
            f'update "{self.name}" t set {", ".join(sets)}'
            f" from jsonb_to_recordset(%(rows)s::jsonb) as r (id uuid, {typed})"
            f" where t.id = r.id and ({old}) is distinct from ({new}) returning {every}"
        )


_tables: dict[Any, TableSql] = {}


def table_sql(declared: Any) -> TableSql:
    """The statements of a declarative class or a table."""
    known = _tables.get(declared)
    if known is None:
        known = TableSql(declared if isinstance(declared, Table) else declared.__table__)
        _tables[declared] = known
    return known
