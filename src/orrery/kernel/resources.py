"""A resource read through the API: list, search, export, record, timeline, from one declaration.

The filter of the list and the check of a single record are the same SQL condition, so that they
cannot disagree (ID-7); PostgreSQL builds the JSON of a list (PERF.md).
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, get_args
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, Uuid
from starlette.responses import Response

from orrery.kernel import history
from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx as ReadTransaction
from orrery.kernel.db import table_sql
from orrery.kernel.http import May, ReadTx, routes
from orrery.kernel.schemas import Entry, Page
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Forbidden, Malformed, NotFound

PAGE_DEFAULT = 50
PAGE_MAX = 200
NO_SCOPE = "false"


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

    def expression(self, name: str) -> str:
        """The SQL expression of a field or column."""
        return self.columns.get(name) or self.expressions.get(name) or f't."{name}"'

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


@dataclass(frozen=True)
class Wanted:
    """A list request after reading: conditions, values, order."""

    tests: list[str]
    values: dict[str, Any]
    order: list[tuple[str, bool]]


def understand(resource: Resource, caller: Caller, request: Request) -> Wanted:
    """Read the query string by the resource's declared filters and sorts. Refuses: Malformed."""
    tests = [f"({c})" for c in resource.conditions(caller, resource.may_read)]
    values = caller_values(caller)
    known = {
        "limit",
        "cursor",
        "sort",
        "q",
        "total",
        "ids",
        "as_of",
        "format",
        "fields",
        "on",
        "dry_run",
    }
    for key in request.query_params:
        if key in known:
            continue
        texts = request.query_params.getlist(key)
        name, operator = _filter_of(resource, key)
        kind, slot = resource.kind(name), f"f_{key}"
        parsed = [parse(kind, text, key) for text in texts if text != "null"]
        expression = resource.expression(name)
        if operator == "=":
            either = [f"{expression} = any(%({slot})s)"] if parsed else []
            either += [f"{expression} is null"] if len(parsed) < len(texts) else []
            tests.append(f"({' or '.join(either)})")
            values[slot] = parsed
        else:
            tests.append(f"{expression} {operator} %({slot})s")
            values[slot] = parsed[0] if parsed else None
    ids = request.query_params.get("ids")
    for name, text in resource.defaults.items() if ids is None else ():
        if name not in request.query_params:
            tests.append(f"{resource.expression(name)} = %(d_{name})s")
            values[f"d_{name}"] = parse(resource.kind(name), text, name)
    if ids is not None:
        wanted = [parse(UUID, part, "ids") for part in ids.split(",") if part]
        if len(wanted) > PAGE_MAX:
            raise Malformed(field="ids", limit=PAGE_MAX)
        tests.append("t.id = any(%(ids)s)")
        values["ids"] = wanted
    for number, word in enumerate((request.query_params.get("q") or "").split()[:8]):
        parse(str, word, "q")
        columns = " || ' ' || ".join(
            f"coalesce({resource.expression(n)}, '')" for n in resource.search
        )
        if not columns:
            raise Malformed(field="q", reason="no_search")
        tests.append(f"({columns}) ilike %(q{number})s")
        values[f"q{number}"] = _like(word)
    return Wanted(tests, values, _order(resource, request.query_params.get("sort")))


def _like(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return f"%{word}%"


def _filter_of(resource: Resource, key: str) -> tuple[str, str]:
    for suffix, operator in (("_from", ">="), ("_to", "<=")):
        name = key.removesuffix(suffix)
        if key.endswith(suffix) and name in resource.filters and key not in resource.filters:
            return name, operator
    if key not in resource.filters:
        raise Malformed(field=key, reason="unknown_filter", known=sorted(resource.filters))
    return key, "="


def _order(resource: Resource, sort: str | None) -> list[tuple[str, bool]]:
    order = []
    for part in filter(None, (sort or "").split(",")):
        name, descends = part.lstrip("-"), part.startswith("-")
        if name not in resource.sorts and name != "id":
            raise Malformed(field="sort", value=name[:100], known=sorted(resource.sorts))
        order.append((name, descends))
    if not any(name == "id" for name, _ in order):
        order.append(("id", order[-1][1] if order else resource.newest_first))
    return order


def _keyset(resource: Resource, wanted: Wanted, cursor: str) -> str:
    """The condition for what comes after a cursor: the sort values of the last row seen."""
    try:
        held = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=="))
        if not isinstance(held, list) or len(held) != len(wanted.order):
            raise ValueError(cursor)
    except (ValueError, binascii.Error) as error:
        raise Malformed(field="cursor", reason="not from this list") from error
    steps: list[str] = []
    equal: list[str] = []
    for number, ((name, descends), text) in enumerate(zip(wanted.order, held, strict=True)):
        expression, slot = resource.expression(name) if name != "id" else "t.id", f"after{number}"
        if text is None:
            # Nulls come last in both directions, so only other nulls can follow.
            step, same = "false", f"{expression} is null"
        else:
            wanted.values[slot] = parse(resource.kind(name), str(text), "cursor")
            step = f"({expression} {'<' if descends else '>'} %({slot})s or {expression} is null)"
            same = f"{expression} = %({slot})s"
        steps.append("(" + " and ".join([*equal, step]) + ")")
        equal.append(same)
    return "(" + " or ".join(steps) + ")"


def order_sql(resource: Resource, order: Sequence[tuple[str, bool]]) -> str:
    """The order as SQL; nulls last either way, so that cursors stay simple."""
    return ", ".join(
        f"{resource.expression(name) if name != 'id' else 't.id'}"
        f" {'desc' if descends else 'asc'} nulls last"
        for name, descends in order
    )


def json_value(resource: Resource, name: str, expression: str) -> str:
    """The expression as JSON shows it: decimals and instants as strings."""
    kind = resource.kind(name)
    if kind is Decimal:
        return f"({expression})::text"
    return expression


async def page_of(
    tx: ReadTransaction, caller: Caller, resource: Resource, request: Request
) -> Response:
    """One page as JSON bytes made by PostgreSQL, in one statement."""
    wanted = understand(resource, caller, request)
    limit = parse(int, request.query_params.get("limit", str(PAGE_DEFAULT)), "limit")
    if not 1 <= limit <= PAGE_MAX:
        raise Malformed(field="limit", least=1, most=PAGE_MAX)
    counted = list(wanted.tests)
    cursor = request.query_params.get("cursor")
    if cursor:
        wanted.tests.append(_keyset(resource, wanted, cursor))
    pairs = ", ".join(
        f"'{name}', {json_value(resource, name, sql)}" for name, sql in resource.expressions.items()
    )
    keys = ", ".join(
        f"({resource.expression(name) if name != 'id' else 't.id'})::text"
        for name, _ in wanted.order
    )
    statement = (
        f"select json_build_object({pairs})::text as item, json_build_array({keys})::text as place"
        f" from {resource.source} where {' and '.join(wanted.tests)}"
        f" order by {order_sql(resource, wanted.order)} limit %(limit)s"
    )
    rows = await tx.rows(statement, **wanted.values, limit=limit + 1)
    after = "null"
    if len(rows) > limit:
        place = base64.urlsafe_b64encode(rows[limit - 1].place.encode()).decode().rstrip("=")
        after = f'"{place}"'
    total = ""
    if request.query_params.get("total") == "true":
        count = f"select count(*) from {resource.source} where {' and '.join(counted)}"
        total = f', "total": {await tx.value(count, **wanted.values)}'
    items = ", ".join(row.item for row in rows[:limit])
    return Response(
        f'{{"items": [{items}], "next": {after}{total}}}', media_type="application/json"
    )


def resource_routes(resource: Resource) -> APIRouter:
    """The routes of a resource: list, export, record, timeline, and imports when declared."""
    router = routes(resource.path, tags=resource.name)
    may_read = May(resource.may_read)
    view: Any = resource.view
    # A list takes its filters as they are declared; OpenAPI names them one by one.
    parameters = [_parameter(resource, name) for name in resource.filters] + _list_parameters(
        resource
    )

    @router.get(
        "",
        response_model=Page[view],
        operation_id=f"list_{resource.name}",
        summary=f"List {resource.name}s",
        openapi_extra={"parameters": parameters},
    )
    async def list_records(
        request: Request, tx: ReadTx, caller: Annotated[Caller, may_read]
    ) -> Response:
        """A page of the list: filters, sort, search, cursor; JSON is made by the database."""
        return await page_of(tx, caller, resource, request)

    from orrery.kernel import exports, imports

    exports.add_routes(router, resource)
    if resource.imports is not None:
        imports.add_routes(router, resource)
    _record_routes(router, resource)
    return router


def _record_routes(router: APIRouter, resource: Resource) -> None:
    may_read = May(resource.may_read)
    # The richer record of ``details`` is what its return annotation says.
    shown = (
        resource.details.__annotations__.get("return") if resource.details else None
    ) or resource.view

    @router.get(
        "/{id}",
        response_model=shown,
        operation_id=f"read_{resource.name}",
        summary=f"Read one {resource.name}",
    )
    async def read_record(
        id: UUID,
        tx: ReadTx,
        caller: Annotated[Caller, may_read],
        response: Response,
        as_of: Annotated[datetime | None, Query(description="The record as it was then.")] = None,
    ) -> Any:
        """One record, now or as of an instant."""
        record = await resource.read(tx, caller, id)
        if as_of is not None:
            return Response(await _then(tx, resource, id, as_of), media_type="application/json")
        version = getattr(record, "version", None)
        if version is not None:
            response.headers["ETag"] = f'"{version}"'
        return record

    @router.get(
        "/{id}/timeline",
        response_model=Page[Entry],
        operation_id=f"timeline_{resource.name}",
        summary=f"Who changed a {resource.name}, when and how",
    )
    async def read_timeline(
        id: UUID,
        tx: ReadTx,
        caller: Annotated[Caller, may_read],
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
        cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    ) -> Any:
        """The record's history, newest first, each change with old and new values."""
        await resource.permit(tx, caller, resource.may_read, id)
        rows = await history.timeline(tx, id, limit=limit + 1, below=cursor)
        after = str(rows[limit - 1].id) if len(rows) > limit else None
        return {"items": rows[:limit], "next": after}

    @router.get(
        "/{id}/explain",
        operation_id=f"explain_{resource.name}",
        summary=f"Why you may or may not read a {resource.name}",
    )
    async def explain_record(
        id: UUID, tx: ReadTx, caller: Annotated[Caller, may_read]
    ) -> dict[str, Any]:
        """The grants and the rule that decide whether the caller may read the record."""
        return await resource.explain(tx, caller, resource.may_read, id)


async def _then(tx: Any, resource: Resource, id: UUID, at: datetime) -> bytes:
    if at.tzinfo is None:
        raise Malformed(field="as_of", reason="an instant needs its time zone")
    row = await history.as_of(tx, table_sql(resource.table).name, id, at)
    if row is None:
        raise NotFound(resource=resource.name, id=id, as_of=at)
    columns = resource.table.__table__.columns
    decimals = {column.name for column in columns if isinstance(column.type, Numeric)}
    told = {n: str(v) if n in decimals and v is not None else v for n, v in row.items()}
    # What is left are numbers inside a JSON column: they stay numbers, digit by digit.
    return orjson.dumps(told, default=lambda number: orjson.Fragment(str(number)))


_JSON_KINDS: dict[type[Any], dict[str, str]] = {
    UUID: {"type": "string", "format": "uuid"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "string", "format": "decimal"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    str: {"type": "string"},
}


def _parameter(resource: Resource, name: str) -> dict[str, Any]:
    kind = resource.kind(name)
    ranged = kind in (date, datetime, int, Decimal)
    about = f"Only records whose {name.replace('_', ' ')} is this; repeat it for several."
    if ranged:
        about += f" Also `{name}_from` and `{name}_to`."
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": about,
        "schema": {"type": "array", "items": _JSON_KINDS[kind]},
        "style": "form",
        "explode": True,
    }


def _list_parameters(resource: Resource) -> list[dict[str, Any]]:
    def text(name: str, about: str, **schema: Any) -> dict[str, Any]:
        return {
            "name": name,
            "in": "query",
            "required": False,
            "description": about,
            "schema": {"type": "string"} | schema,
        }

    sorts = ", ".join(sorted(resource.sorts)) or "id"
    told = [
        text(
            "limit", "Page size.", type="integer", minimum=1, maximum=PAGE_MAX, default=PAGE_DEFAULT
        ),
        text("cursor", "Where the page before ended (`next`)."),
        text("sort", f"Fields, comma-separated, `-` for descending: {sorts}."),
        text("total", "Count all matches too.", enum=["true", "false"]),
        text("ids", f"Only these ids, comma-separated, at most {PAGE_MAX}."),
    ]
    if resource.search:
        told.append(text("q", f"Words to look for in {', '.join(resource.search)}."))
    return told
