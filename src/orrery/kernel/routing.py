"""The routes of a resource: list, export, record, timeline, and imports when declared."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from sqlalchemy import Numeric
from starlette.responses import Response

from orrery.kernel import history
from orrery.kernel.caller import Caller
from orrery.kernel.exchange import exports, imports
from orrery.kernel.http import May, ReadTx, routes
from orrery.kernel.listing import page_of
from orrery.kernel.resources import PAGE_DEFAULT, PAGE_MAX, Resource
from orrery.kernel.schemas import Entry, Page
from orrery.kernel.statements import table_sql
from orrery.kernel.types.refusal import Malformed, NotFound


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
        told = [row._replace(changes=_visible(resource, row.changes)) for row in rows[:limit]]
        return {"items": told, "next": after}

    @router.get(
        "/{id}/explain",
        operation_id=f"explain_{resource.name}",
        summary=f"Why you may or may not do something with a {resource.name}",
    )
    async def explain_record(
        id: UUID,
        tx: ReadTx,
        caller: Annotated[Caller, may_read],
        permission: Annotated[
            str | None, Query(description="A permission of this service; reading when left out.")
        ] = None,
    ) -> dict[str, Any]:
        """The grants and the rule that decide what the caller may do with the record."""
        # A record that is not there and one out of scope get the same answer: nothing leaks.
        wanted = permission or resource.may_read.code
        known = {p.code: p for p in tx.host.service.permissions}
        if wanted not in known:
            raise Malformed(field="permission", value=wanted[:100], known=sorted(known))
        return await resource.explain(tx, caller, known[wanted], id)


async def _then(tx: Any, resource: Resource, id: UUID, at: datetime) -> bytes:
    if at.tzinfo is None:
        raise Malformed(field="as_of", reason="an instant needs its time zone")
    row = await history.as_of(tx, table_sql(resource.table).name, id, at)
    if row is None:
        raise NotFound(resource=resource.name, id=id, as_of=at)
    columns = resource.table.__table__.columns
    decimals = {column.name for column in columns if isinstance(column.type, Numeric)}
    told = {
        name: str(value) if name in decimals and value is not None else value
        for name, value in _visible(resource, row).items()
    }
    # What is left are numbers inside a JSON column: they stay numbers, digit by digit.
    return orjson.dumps(told, default=lambda number: orjson.Fragment(str(number)))


def _visible(resource: Resource, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the view shows; a field kept from readers is kept from its history too (HR-7)."""
    return {name: value for name, value in values.items() if name in resource.view.model_fields}


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
