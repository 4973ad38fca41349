"""Reference tables: one declaration gives typed routes to list, read, create, change and archive.

Eject rule: the first ``if`` somebody wants in here is the signal to write the route by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from orrery.kernel.caller import Caller
from orrery.kernel.exchange.imports import Import
from orrery.kernel.http import May, WriteTx, refusals
from orrery.kernel.resources import Resource
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Draft
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Malformed, NotFound, Stale


@dataclass(frozen=True)
class ReferenceTable:
    """A list without business rules."""

    name: str
    path: str
    table: Any
    view: type[BaseModel]
    draft: type[BaseModel]
    may_read: Permission
    may_write: Permission
    filters: Sequence[str] = ()
    sorts: Sequence[str] = ("code", "name")
    search: Sequence[str] = ("code", "name")

    @property
    def resource(self) -> Resource:
        """The read side, with an import that creates or changes by external id or code."""
        return Resource(
            name=self.name,
            path=self.path,
            table=self.table,
            view=self.view,
            may_read=self.may_read,
            filters=[*self.filters, "code", "is_archived", "external_id"],
            sorts=self.sorts,
            search=self.search,
            imports=Import(draft=self.draft, permission=self.may_write),
        )


def _change_model(reference: ReferenceTable) -> type[BaseModel]:
    """Every field of the draft, optional; only what is sent is changed."""
    fields: Any = {
        name: (_limited(info) | None, None) for name, info in reference.draft.model_fields.items()
    }
    return create_model(f"{reference.draft.__name__}Change", __base__=Draft, **fields)


def _limited(info: FieldInfo) -> Any:
    """The type of a field with its limits: what may not be created may not be changed to."""
    kind: Any = info.annotation
    return Annotated[kind, *info.metadata] if info.metadata else kind


def _sent(reference: ReferenceTable, body: BaseModel) -> dict[str, Any]:
    """The fields that were sent. Refuses: Malformed for a null that may not be."""
    values = body.model_dump(exclude_unset=True)
    columns = reference.table.__table__.columns
    wrong = [name for name, value in values.items() if value is None and not columns[name].nullable]
    if wrong:
        raise Malformed(fields=wrong, reason="may not be null")
    return values


def reference_routes(reference: ReferenceTable) -> APIRouter:
    """All the routes of a reference table."""
    router = resource_routes(reference.resource)
    name, table = reference.name, reference.table
    view: Any = reference.view
    draft: Any = reference.draft
    change: Any = _change_model(reference)
    may_write = May(reference.may_write)

    @router.post(
        "",
        status_code=201,
        response_model=view,
        operation_id=f"create_{name}",
        responses=refusals(),
        summary=f"Create a {name}",
    )
    async def create_row(body: draft, tx: WriteTx, caller: Annotated[Caller, may_write]) -> Any:
        """Create a record of the list."""
        return view.of(await tx.add(table, **body.model_dump()))

    @router.patch(
        "/{id}",
        response_model=view,
        operation_id=f"change_{name}",
        responses=refusals(NotFound, Stale),
        summary=f"Change a {name}",
    )
    async def change_row(
        id: UUID, body: change, tx: WriteTx, caller: Annotated[Caller, may_write]
    ) -> Any:
        """Change the fields that are sent."""
        row = await tx.lock(table, id)
        values = _sent(reference, body)
        return view.of(await tx.change(row, **values) if values else row)

    for verb, archived in (("archive", True), ("restore", False)):
        _archive_route(router, reference, verb, is_archived=archived)
    return router


def _archive_route(
    router: APIRouter, reference: ReferenceTable, verb: str, *, is_archived: bool
) -> None:
    view: Any = reference.view

    @router.post(
        "/{id}/" + verb,
        response_model=view,
        operation_id=f"{verb}_{reference.name}",
        responses=refusals(NotFound, Stale),
        summary=f"{verb.capitalize()} a {reference.name}",
    )
    async def archive_row(
        id: UUID, tx: WriteTx, caller: Annotated[Caller, May(reference.may_write)]
    ) -> Any:
        """Hide a record from new documents, or show it again; nothing is deleted."""
        row = await tx.lock(reference.table, id)
        return view.of(await tx.change(row, is_archived=is_archived))
