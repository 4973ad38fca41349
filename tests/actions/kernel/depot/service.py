"""The depot's whole service in one file."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import CheckConstraint, ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.exchange.imports import Import
from orrery.kernel.history import TakenBack
from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.kernel.resources import Resource
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Draft, Exact, View
from orrery.kernel.service import Service
from orrery.kernel.tables import TYPES, Document, Ledger, Record, Reference, tables
from orrery.kernel.types.event import Event
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Refusal

READ = Permission("depot.item.read", "See what is in the depot")
WRITE = Permission("depot.item.write", "Take things into the depot")


class NotOurs(Refusal):
    """Articles whose number starts with X belong to somebody else."""

    code = "depot.not_ours"


class TitleTaken(Refusal):
    """Another article has that title."""

    code = "depot.title_taken"


@dataclass(frozen=True)
class ItemTaken(Event):
    """An article was taken in."""

    name: ClassVar[str] = "depot.item_taken.v1"
    item_id: UUID


@dataclass(frozen=True)
class ItemGivenBack(Event):
    """An article was never here."""

    name: ClassVar[str] = "depot.item_given_back.v1"
    item_id: UUID
    title: str


class Base(DeclarativeBase):
    """Tables of a tenant."""

    metadata = tables()
    type_annotation_map = TYPES


class Box(Reference, Base):
    """A list that needs no code."""

    __tablename__ = "box"
    weight: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))
    is_fragile: Mapped[bool]
    tags: Mapped[list[str]]
    built_on: Mapped[date | None]
    __table_args__ = (CheckConstraint("weight > 0", name="weight_positive"),)


class Item(Document, Base):
    """An article."""

    __tablename__ = "item"
    title: Mapped[str] = mapped_column(unique=True)
    price: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    box_id: Mapped[UUID | None] = mapped_column(ForeignKey("box.id"), index=True)
    owner_id: Mapped[UUID | None]


class Label(Record, Base):
    """A line of an article."""

    __tablename__ = "label"
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id"), index=True)
    text: Mapped[str]


class Movement(Ledger, Base):
    """What can only be reversed."""

    __tablename__ = "movement"
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id"), index=True)


class BoxView(View):
    """A box as the API shows it."""

    id: UUID
    code: str
    name: str
    external_id: str | None
    weight: Exact | None
    is_fragile: bool
    tags: list[str]
    built_on: date | None
    is_archived: bool
    version: int


class BoxDraft(Draft):
    """A box to make."""

    code: str = Field(title="Box number")
    name: str
    external_id: str | None = None
    weight: Decimal | None = None
    is_fragile: bool = False
    tags: list[str] = Field(default_factory=list)
    built_on: date | None = None


class ItemView(View):
    """An article as the API shows it."""

    id: UUID
    external_id: str | None
    title: str
    price: Exact
    box_id: UUID | None
    owner_id: UUID | None
    version: int


class ItemImport(Draft):
    """A row of a file of articles; the box is named by its code."""

    external_id: str | None = None
    title: str
    price: Decimal
    box: str | None = None
    is_moved: bool = False
    owner_id: UUID | None = None


class Gate:
    """Where a test stops an action: the row titled ``gate`` waits here."""

    def __init__(self) -> None:
        self._reached, self.opened = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        """What the action does."""
        self._reached.set()
        await self.opened.wait()

    async def reached(self) -> None:
        """Wait until the action waits; a job that never comes here must not hold up the tests."""
        await asyncio.wait_for(self._reached.wait(), 30)


gate = Gate()


async def take_item(tx: Tx, caller: Caller, draft: ItemImport, existing: Item | None) -> Item:
    """Take an article in or change it. Refuses: NotOurs. Announces: ItemTaken."""
    if draft.title.startswith("X"):
        raise NotOurs(field="title")
    if draft.title == "bug":
        raise ZeroDivisionError
    if draft.title == "gate":
        await gate.wait()
    box = await tx.find(Box, code=draft.box) if draft.box else None
    values = draft.model_dump(exclude={"box", "is_moved"}) | {"box_id": box.id if box else None}
    if existing is not None:
        return await tx.change(existing, **values)
    item = await tx.add(Item, **values)
    await tx.add(Label, item_id=item.id, text=draft.title)
    if draft.is_moved:
        await tx.add(Movement, item_id=item.id)
    tx.announce(ItemTaken(item.id))
    return item


async def take_many(
    tx: Tx, caller: Caller, pairs: Sequence[tuple[ItemImport, Item | None]]
) -> list[Any]:
    """Take a set in: the same rule, one statement."""
    if any(draft.title.startswith("X") for draft, _ in pairs):
        raise NotOurs(field="title")
    return await tx.add_many(
        Item, [draft.model_dump(exclude={"box", "is_moved"}) for draft, _ in pairs]
    )


async def give_back(tx: Tx, caller: Caller, taken_back: TakenBack) -> None:
    """Tell that an article was never here."""
    if taken_back.before is None and taken_back.after is not None:
        tx.announce(ItemGivenBack(taken_back.id, taken_back.after["title"]))


def _items(name: str, **more: Any) -> Resource:
    return Resource(
        name=name,
        path=f"/{name}s",
        table=Item,
        view=ItemView,
        may_read=READ,
        sorts=["title"],
        own="t.owner_id = %(caller_employee)s",
        imports=Import(draft=ItemImport, **more),
    )


BOXES = ReferenceTable(
    name="box",
    path="/boxes",
    table=Box,
    view=BoxView,
    draft=BoxDraft,
    may_read=READ,
    may_write=WRITE,
)
SERVICE = Service(
    "depot",
    title="Depot",
    routers=[
        reference_routes(BOXES),
        resource_routes(_items("item", action=take_item, permission=WRITE, undone=give_back)),
        resource_routes(_items("crate", many=take_many, permission=WRITE)),
        resource_routes(_items("orphan", action=take_item)),
    ],
    permissions=[READ, WRITE],
    tables=Base.metadata,
    constraints={"uq_item_title": TitleTaken},
    home=Path(__file__).parent,
)
