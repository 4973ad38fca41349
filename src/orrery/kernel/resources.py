"""A resource read through the API: one declaration, one rule for list and record.

The filter of the list and the check of a single record are the same SQL condition, so that they
cannot disagree (ID-7).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, get_args
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, Uuid

from orrery.kernel.caller import Caller
from orrery.kernel.statements import table_sql
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Forbidden, Malformed, NotFound

PAGE_DEFAULT = 50
PAGE_MAX = 200
NO_SCOPE = "false"
# As Python writes an instant: six digits of a second's fraction, or none where there is none.
INSTANT = """to_char(({sql}) at time zone 'utc', case when date_trunc('second', {sql}) = {sql}
 then 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"' else 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"' end)"""


@dataclass(frozen=True)
class Resource:
    """One kind of record as the API shows it."""

    name: str
    path: str
    table: Any
    view: type[BaseModel]
    may_read: Permission
    columns: Mapping[str, str] = field(default_factory=dict)
    joins: str = ""
    where: str = ""
    filters: Sequence[str] = ()
    sorts: Sequence[str] = ()
    search: Sequence[str] = ()
    own: str | None = None
    department: str | None = None
    unit: str | None = None
    details: Callable[[Any, Caller, UUID], Awaitable[Any]] | None = None
    imports: Any = None
    newest_first: bool = False
    # What the list shows when neither the filter nor ids are asked for.
    defaults: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def expressions(self) -> dict[str, str]:
        """The SQL expression of each field of the view."""
        known = set(table_sql(self.table).columns)
        told = {}
        for name in self.view.model_fields:
            if name in self.columns:
                told[name] = self.columns[name]
            elif name in known:
                told[name] = f't."{name}"'
            else:
                raise LookupError(f"{self.name}: no column for the field {name}")
        return told

    @cached_property
    def names(self) -> str:
        """The fields of the view, as columns of a list."""
        return ", ".join(f'"{name}"' for name in self.expressions)

    @cached_property
    def shown(self) -> str:
        """The fields as a list selects them, written as records write them: decimals as text,
        instants without PostgreSQL's habit of leaving out noughts at the end."""
        forms = {Decimal: "({sql})::text", datetime: INSTANT}
        return ", ".join(
            forms.get(self.kind(name), "{sql}").replace("{sql}", sql) + f' as "{name}"'
            for name, sql in self.expressions.items()
        )

    def expression(self, name: str) -> str:
        """The SQL expression of a field or column."""
        return self.columns.get(name) or self.expressions.get(name) or f't."{name}"'

    def may_be_null(self, name: str) -> bool:
        """Whether a field can be empty; what is joined or computed can."""
        column = self.table.__table__.columns.get(name)
        return column is None or name in self.columns or bool(column.nullable)

    @property
    def source(self) -> str:
        """The table with what is joined to it."""
        return f'"{table_sql(self.table).name}" t {self.joins}'

    def kind(self, name: str) -> type[Any]:
        """The Python type of a field, for reading filters and cursors."""
        column = self.table.__table__.columns.get(name)
        if column is not None and name not in self.columns:
            kinds: list[tuple[Any, type[Any]]] = [
                (Uuid, UUID),
                (Boolean, bool),
                (Integer, int),
                (Numeric, Decimal),
                (Date, date),
                (DateTime, datetime),
            ]
            return next((kind for sql, kind in kinds if isinstance(column.type, sql)), str)
        annotation = self.view.model_fields[name].annotation
        options = [a for a in (get_args(annotation) or [annotation]) if a is not type(None)]
        first = options[0] if isinstance(options[0], type) else str
        return first if first in (UUID, bool, int, Decimal, date, datetime) else str

    def scope_condition(self, caller: Caller, permission: Permission) -> str:
        """The one rule behind list and record: which rows a permission's scope opens."""
        scope = caller.scope(permission)
        if scope is None:
            raise Forbidden(permission=permission.code)
        if scope == "all":
            return "true"
        conditions = {"own": self.own, "department": self.department, "unit": self.unit}
        return conditions[scope] or NO_SCOPE

    def conditions(self, caller: Caller, permission: Permission) -> list[str]:
        """What every read of this resource is limited by."""
        return [c for c in (self.scope_condition(caller, permission), self.where) if c]

    async def permit(self, tx: Any, caller: Caller, permission: Permission, id: UUID) -> None:
        """Refuse unless the permission's scope covers the record: 404, so that nothing leaks."""
        condition = self.scope_condition(caller, permission)
        if condition == "true":
            return
        statement = f"select 1 from {self.source} where t.id = %(id)s and ({condition})"
        if await tx.value(statement, id=id, **caller_values(caller)) is None:
            raise NotFound(resource=self.name, id=id)

    async def explain(
        self, tx: Any, caller: Caller, permission: Permission, id: UUID
    ) -> dict[str, Any]:
        """Why a caller may or may not: the grants that speak, the scope's rule and its outcome."""
        grants = {p: s for p, s in caller.grants.items() if permission.matches(p)}
        scope = caller.scope(permission)
        rule = self.scope_condition(caller, permission) if scope else NO_SCOPE
        statement = f"select 1 from {self.source} where t.id = %(id)s and ({rule})"
        found = await tx.value(statement, id=id, **caller_values(caller))
        return {
            "permission": permission.code,
            "allowed": found is not None,
            "grants": grants,
            "scope": scope,
            "rule": rule,
        }

    async def read(self, tx: Any, caller: Caller, id: UUID) -> Any:
        """One record, within the caller's scope. Refuses: NotFound."""
        if self.details is not None:
            await self.permit(tx, caller, self.may_read, id)
            return await self.details(tx, caller, id)
        fields = ", ".join(f'{sql} as "{name}"' for name, sql in self.expressions.items())
        tests = " and ".join(
            f"({c})" for c in ["t.id = %(id)s", *self.conditions(caller, self.may_read)]
        )
        statement = f"select {fields} from {self.source} where {tests}"
        row = await tx.row(statement, id=id, **caller_values(caller))
        if row is None:
            raise NotFound(resource=self.name, id=id)
        return self.view.model_validate(row)


def caller_values(caller: Caller) -> dict[str, Any]:
    """What a scope's rule may refer to."""
    return {
        "caller_user": caller.user_id,
        "caller_employee": caller.employee_id,
        "caller_units": list(caller.unit_ids),
        "caller_departments": list(caller.department_ids),
    }


def parse(kind: type[Any], text: str, name: str) -> Any:
    """Read a filter's value. Refuses: Malformed."""
    try:
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind in (date, datetime):
            return kind.fromisoformat(text)
        if kind is Decimal and not Decimal(text).is_finite():
            raise ValueError(text)
        if kind is int and abs(int(text)) > 2**63 - 1:
            raise ValueError(text)
        if kind is str and "\x00" in text:
            raise ValueError(text)
        return kind(text)
    except (ValueError, KeyError, ArithmeticError) as error:
        raise Malformed(field=name, value=text[:100], expected=kind.__name__) from error
