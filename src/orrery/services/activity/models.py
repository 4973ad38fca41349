"""Tables of activity: one entry per event, and the names of who may have caused it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Record, tables


class Base(DeclarativeBase):
    """Tables of a tenant; all of them can be rebuilt from the log of events."""

    metadata = tables()
    type_annotation_map = TYPES


class Entry(Record, Base):
    """One thing that happened; the id is the event's, so that a redelivery finds it there."""

    __tablename__ = "entry"

    name: Mapped[str]
    service: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]
    # The person whose doing it was, directly or through a service that acted for them.
    user_id: Mapped[UUID | None]
    actor: Mapped[str | None]
    on_behalf_of: Mapped[str | None]
    request_id: Mapped[str | None]
    summary: Mapped[str]
    data: Mapped[dict[str, Any]]

    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "subject", "id"),
        Index(None, "user_id", "id"),
        Index(None, "service", "id"),
        Index(None, "name", "id"),
        Index(None, "request_id"),
    )


class Person(Record, Base):
    """The name behind a user's id, as identity announced it."""

    __tablename__ = "person"

    name: Mapped[str] = mapped_column()
