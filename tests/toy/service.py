"""The toy: things with an owner, a ledger that counts what was reacted to, a projection."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.http import May, WriteTx, refusals, routes
from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.kernel.resources import Resource
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.kernel.service import Service
from orrery.kernel.tables import TYPES, Document, Ledger, Record, Reference, tables
from orrery.kernel.types.event import Event
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Refusal

THING_READ = Permission("toy.thing.read", "See things")
THING_WRITE = Permission("toy.thing.write", "Make and rename things")


class TagTaken(Refusal):
    """Another thing has that tag."""

    code = "toy.tag_taken"


@dataclass(frozen=True)
class ThingMade(Event):
    """A thing was made."""

    name: ClassVar[str] = "toy.thing_made.v1"
    thing_id: UUID
    tag: str
    cost: Decimal


@dataclass(frozen=True)
class ThingRenamed(Event):
    """A thing has another tag now; ``step`` counts its renamings."""

    name: ClassVar[str] = "toy.thing_renamed.v1"
    thing_id: UUID
    step: int


class Base(DeclarativeBase):
    """Tables of a tenant."""

    metadata = tables()
    type_annotation_map = TYPES


class Color(Reference, Base):
    """A list that needs no code."""

    __tablename__ = "color"


class Thing(Document, Base):
    """A record with an owner, a department and a unit."""

    __tablename__ = "thing"
    tag: Mapped[str] = mapped_column(unique=True)
    cost: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    specs: Mapped[dict[str, Any]]
    owner_id: Mapped[UUID | None]
    department_id: Mapped[UUID | None]
    unit_id: Mapped[UUID | None]
    __table_args__ = (
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        Index(None, "owner_id"),
        Index(None, "cost"),
    )


class Seen(Ledger, Base):
    """One row for every event that was reacted to; a doubled reaction doubles the row."""

    __tablename__ = "seen"
    thing_id: Mapped[UUID]
    step: Mapped[int]


class CostByTag(Record, Base):
    """A projection: the cost of each thing."""

    __tablename__ = "cost_by_tag"
    tag: Mapped[str]
    cost: Mapped[Decimal]


class ColorView(View):
    """A color as the API shows it."""

    id: UUID
    code: str
    name: str
    is_archived: bool
    version: int


class ColorDraft(Draft):
    """A color to make."""

    code: str
    name: str


class ThingView(View):
    """A thing as the API shows it."""

    id: UUID
    tag: str
    cost: Exact
    specs: dict[str, Any]
    owner_id: UUID | None
    department_id: UUID | None
    unit_id: UUID | None
    version: int
    created_at: Instant


class ThingDraft(Draft):
    """A thing to make."""

    tag: str
    cost: Decimal
    specs: dict[str, Any] = Field(default_factory=dict)
    owner_id: UUID | None = None
    department_id: UUID | None = None
    unit_id: UUID | None = None


THINGS = Resource(
    name="thing",
    path="/things",
    table=Thing,
    view=ThingView,
    may_read=THING_READ,
    filters=["tag", "cost", "owner_id", "created_at"],
    sorts=["tag", "cost", "owner_id"],
    search=["tag"],
    own="t.owner_id = %(caller_employee)s",
    department="t.department_id = any(%(caller_departments)s)",
    unit="t.unit_id = any(%(caller_units)s)",
)
COLORS = ReferenceTable(
    name="color",
    path="/colors",
    table=Color,
    view=ColorView,
    draft=ColorDraft,
    may_read=THING_READ,
    may_write=THING_WRITE,
)
router = routes("/things", tags="thing")


@router.post("", status_code=201, responses=refusals(TagTaken))
async def make_thing(
    body: ThingDraft, tx: WriteTx, caller: Annotated[Caller, May(THING_WRITE)]
) -> ThingView:
    """Make a thing."""
    row = await tx.add(Thing, **body.model_dump())
    tx.announce(ThingMade(row.id, row.tag, row.cost))
    return ThingView.of(row)


@router.post("/{id}/rename", responses=refusals(TagTaken))
async def rename_thing(
    id: UUID, tag: str, tx: WriteTx, caller: Annotated[Caller, May(THING_WRITE)]
) -> ThingView:
    """Give a thing another tag."""
    await THINGS.permit(tx, caller, THING_WRITE, id)
    row = await tx.lock(Thing, id)
    row = await tx.change(row, tag=tag)
    tx.announce(ThingRenamed(row.id, row.version))
    return ThingView.of(row)


async def note_made(tx: Tx, caller: Caller, event: ThingMade) -> None:
    """Count the event and project its cost."""
    await tx.add(Seen, thing_id=event.thing_id, step=1)
    if event.tag == "poison":
        raise ValueError("this one never works")


async def project(tx: Tx, caller: Caller, event: ThingMade) -> None:
    """Keep the projection."""
    await tx.add(CostByTag, id=event.thing_id, tag=event.tag, cost=event.cost)


async def note_renamed(tx: Tx, caller: Caller, event: ThingRenamed) -> None:
    """Count the event."""
    await tx.add(Seen, thing_id=event.thing_id, step=event.step)


async def paint(tx: Tx, caller: Caller, code: str) -> None:
    """A background job."""
    await tx.add(Color, code=code, name=code)


SERVICE = Service(
    "toy",
    title="Toy",
    routers=[router, resource_routes(THINGS), reference_routes(COLORS)],
    reactions={ThingMade: [note_made, project], ThingRenamed: [note_renamed]},
    deferred=[paint],
    permissions=[THING_READ, THING_WRITE],
    tables=Base.metadata,
    projections=[CostByTag],
    constraints={"uq_thing_tag": TagTaken},
    home=Path(__file__).parent,
)
