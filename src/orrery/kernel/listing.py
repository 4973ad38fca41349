"""Lists: declared filters, sorts, search and cursors; PostgreSQL builds the JSON (PERF.md)."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from starlette.responses import Response

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx as ReadTransaction
from orrery.kernel.resources import PAGE_DEFAULT, PAGE_MAX, Resource, caller_values, parse
from orrery.kernel.types.refusal import Malformed


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
    # The list as of an instant is not among them: it would answer with the present.
    known = {"limit", "cursor", "sort", "q", "total", "ids", "format"}
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
            if len(texts) != 1 or not parsed:
                raise Malformed(field=key, reason="one_value", value=texts[0][:100])
            tests.append(f"{expression} {operator} %({slot})s")
            values[slot] = parsed[0]
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
    equal_or_further = ""
    for number, ((name, descends), text) in enumerate(zip(wanted.order, held, strict=True)):
        expression, slot = resource.expression(name), f"after{number}"
        if text is None:
            # Nulls come last in both directions, so only other nulls can follow.
            step, same = "false", f"{expression} is null"
        else:
            wanted.values[slot] = parse(resource.kind(name), str(text), "cursor")
            further = "<" if descends else ">"
            step = f"{expression} {further} %({slot})s"
            if resource.may_be_null(name):
                step = f"({step} or {expression} is null)"
            elif number == 0:
                # Says nothing new, but lets an index find where the page begins.
                equal_or_further = f"{expression} {further}= %({slot})s and "
            same = f"{expression} = %({slot})s"
        steps.append("(" + " and ".join([*equal, step]) + ")")
        equal.append(same)
    return f"({equal_or_further}({' or '.join(steps)}))"


def order_sql(resource: Resource, order: Sequence[tuple[str, bool]]) -> str:
    """The order as SQL; nulls last either way, so that cursors stay simple.

    Ascending they are last by themselves. Descending has to say so, which an index cannot serve:
    so it is only said where there can be a null.
    """
    return ", ".join(
        resource.expression(name)
        + (" desc" if descends else "")
        + (" nulls last" if descends and resource.may_be_null(name) else "")
        for name, descends in order
    )


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
    keys = ", ".join(f"({resource.expression(name)})::text" for name, _ in wanted.order)
    # One row comes back: fifty rows of text would each cost a conversion in Python.
    statement = (
        f"with page as materialized (select {resource.shown}, json_build_array({keys})::text"
        f" as place_ from {resource.source} where {' and '.join(wanted.tests)}"
        f" order by {order_sql(resource, wanted.order)} limit %(limit)s + 1)"
        " select (select string_agg(row_to_json(item)::text, ',')"
        f" from (select {resource.names} from page limit %(limit)s) item) as items,"
        " (select place_ from page offset %(limit)s - 1 limit 1) as place,"
        " (select count(*) from page) as found"
    )
    row: Any = await tx.row(statement, **wanted.values, limit=limit)
    items, place, found = row
    after = "null"
    if found > limit:
        after = f'"{base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")}"'
    total = ""
    if request.query_params.get("total") == "true":
        count = f"select count(*) from {resource.source} where {' and '.join(counted)}"
        total = f', "total": {await tx.value(count, **wanted.values)}'
    return Response(
        f'{{"items": [{items or ""}], "next": {after}{total}}}', media_type="application/json"
    )
