"""Tables of identity: users, what they sign in with, their sessions, tokens and roles."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Ledger, Record, Reference, tables


def without_history() -> dict[str, Any]:
    """For what must be forgotten (old password hashes), or is only a clock (last seen)."""
    return {"info": {"history": False}}


class Base(DeclarativeBase):
    """Tables that each tenant has for itself."""

    metadata = tables()
    type_annotation_map = TYPES


class Platform(DeclarativeBase):
    """Tables that the whole house shares."""

    metadata = tables()
    type_annotation_map = TYPES


class SigningKey(Record, Platform):
    """A key pair for access tokens; the private half is encrypted with ORRERY_SECRET_KEY."""

    __tablename__ = "signing_key"
    public_key: Mapped[dict[str, Any]]
    private_key: Mapped[str]
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]


class User(Document, Base):
    """Somebody who may sign in. The table is not called ``user``: SQL keeps that word."""

    __tablename__ = "user_account"
    email: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str]
    language: Mapped[str]
    is_active: Mapped[bool]
    employee_id: Mapped[UUID | None] = mapped_column(unique=True)
    unit_ids: Mapped[list[UUID]]
    department_ids: Mapped[list[UUID]]
    last_signed_in_at: Mapped[datetime | None] = mapped_column(index=True)
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index(None, "is_active", "id"),
    )


class Employee(Record, Base):
    """A copy of the employees' addresses (id = employee), so that a new user finds his own."""

    __tablename__ = "employee"
    email: Mapped[str | None] = mapped_column(index=True)


class Credential(Record, Base):
    """The password of a user, as Argon2id keeps it."""

    __tablename__ = "credential"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), unique=True)
    password_hash: Mapped[str]
    is_temporary: Mapped[bool]
    changed_at: Mapped[datetime]
    __table_args__ = without_history()


class SignInTally(Record, Base):
    """Wrong passwords in a row for an e-mail address, whether or not it is a user's."""

    __tablename__ = "sign_in_tally"
    digest: Mapped[str] = mapped_column(unique=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures_not_negative"),
        without_history(),
    )


class SignIn(Ledger, Base):
    """Somebody signed in as a user or tried to."""

    __tablename__ = "sign_in"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    outcome: Mapped[str]
    address: Mapped[str | None]
    device: Mapped[str | None]
    __table_args__ = (
        Index(None, "user_id", "id"),
        Index(None, "outcome", "id"),
        Index(None, "created_at"),
    )


class Session(Record, Base):
    """A browser's session, or the family of a program's refresh tokens."""

    __tablename__ = "session"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    for_programs: Mapped[bool]
    digest: Mapped[str | None] = mapped_column(unique=True)
    device: Mapped[str | None]
    address: Mapped[str | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None]
    __table_args__ = (
        Index(None, "user_id", "ended_at"),
        CheckConstraint("(ended_at is null) = (ended_because is null)", name="end_has_reason"),
        without_history(),
    )


class RefreshToken(Record, Base):
    """One link of a session's chain of refresh tokens; only the last one is unused."""

    __tablename__ = "refresh_token"
    session_id: Mapped[UUID] = mapped_column(ForeignKey("session.id"))
    digest: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    __table_args__ = (
        # The chain cannot fork: a session has at most one token that may still be used.
        Index(
            "uq_refresh_token_unused",
            "session_id",
            unique=True,
            postgresql_where=text("used_at is null"),
        ),
        Index(None, "session_id"),
        without_history(),
    )


class ApiToken(Document, Base):
    """A long-lived secret by which a program acts as a user, possibly for less than all he may."""

    __tablename__ = "api_token"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str]
    shown: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    patterns: Mapped[list[str] | None]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (Index(None, "user_id", "id"),)


class Role(Reference, Base):
    """A bundle of grants under a name: permission patterns, each with its scope."""

    __tablename__ = "role"
    description: Mapped[str]
    is_built_in: Mapped[bool]
    grants: Mapped[dict[str, str]]


class RoleAssignment(Record, Base):
    """That a user has a role, possibly from or until an instant."""

    __tablename__ = "role_assignment"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    role_id: Mapped[UUID] = mapped_column(ForeignKey("role.id"))
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("user_id", "role_id"),
        Index(None, "role_id"),
        CheckConstraint("valid_until > valid_from", name="period_not_empty"),
    )
