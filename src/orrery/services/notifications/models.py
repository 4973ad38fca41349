"""Tables of notifications: messages, templates, wishes, and whom we write to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Ledger, Record, tables


class Base(DeclarativeBase):
    """Tables that each tenant has for itself."""

    metadata = tables()
    type_annotation_map = TYPES


class Message(Document, Base):
    """One message to one recipient over one channel, because of one event.

    ``due_at`` says when somebody may take the message up: now, after a pause, or, while it is
    being sent, when the sender's lease is over. It is empty once nothing more will happen.
    """

    __tablename__ = "message"
    event_id: Mapped[UUID]
    kind: Mapped[str]
    channel: Mapped[str]
    recipient: Mapped[str]
    recipient_name: Mapped[str]
    user_id: Mapped[UUID | None]
    language: Mapped[str]
    facts: Mapped[dict[str, Any]]
    attachments: Mapped[list[dict[str, Any]]]
    about: Mapped[str | None]
    about_id: Mapped[UUID | None]
    state: Mapped[str]
    attempts: Mapped[int]
    due_at: Mapped[datetime | None]
    error: Mapped[str | None]
    template_version: Mapped[int | None]
    subject: Mapped[str | None]
    body: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("event_id", "recipient", "channel"),
        CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'failed', 'dead')", name="state_known"
        ),
        CheckConstraint("channel in ('email', 'in_app')", name="channel_known"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint(
            "(due_at is null) = (state in ('sent', 'dead'))", name="due_while_unfinished"
        ),
        CheckConstraint("channel <> 'in_app' or user_id is not null", name="inbox_has_owner"),
        Index(None, "due_at", postgresql_where=text("due_at is not null")),
        Index(None, "state", "id"),
        Index(None, "kind", "id"),
        Index(None, "channel", "id"),
        Index(None, "recipient", "id"),
        Index(None, "about_id"),
        Index(None, "created_at"),
        Index(
            "ix_message_inbox",
            "user_id",
            "id",
            postgresql_where=text("channel = 'in_app' and state = 'sent'"),
        ),
        Index(
            "ix_message_unread",
            "user_id",
            postgresql_where=text("channel = 'in_app' and state = 'sent' and read_at is null"),
        ),
    )


class TemplateVersion(Ledger, Base):
    """A version of a tenant's own template: the newest counts; without texts, the default does."""

    __tablename__ = "template_version"
    kind: Mapped[str]
    language: Mapped[str]
    number: Mapped[int]
    subject: Mapped[str | None]
    text: Mapped[str | None]
    html: Mapped[str | None]
    note: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("kind", "language", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint(
            "(subject is null) = (text is null) and (text is null) = (html is null)",
            name="texts_together",
        ),
    )


class Preference(Document, Base):
    """What a user wishes for one kind of message on one channel."""

    __tablename__ = "preference"
    user_id: Mapped[UUID]
    kind: Mapped[str]
    channel: Mapped[str]
    is_wanted: Mapped[bool]
    __table_args__ = (UniqueConstraint("user_id", "kind", "channel"),)


class Sender(Document, Base):
    """The one row that says who writes: name, address, language and time zone of the tenant."""

    __tablename__ = "sender"
    name: Mapped[str]
    address: Mapped[str | None]
    reply_to: Mapped[str | None]
    language: Mapped[str]
    time_zone: Mapped[str]


class Account(Record, Base):
    """A copy of an account, by the user's id: whom a message to a user reaches."""

    __tablename__ = "account"
    email: Mapped[str]
    full_name: Mapped[str]
    employee_id: Mapped[UUID | None]
    is_disabled: Mapped[bool]
    language: Mapped[str | None]
    __table_args__ = (Index(None, "employee_id"), Index(None, "email"))


class EmployeeAddress(Record, Base):
    """A copy of an employee's address, by the employee's id; leads to his account."""

    __tablename__ = "employee_address"
    email: Mapped[str | None] = mapped_column(index=True)
