"""Tables of organization: units, the copy of people's departments, memberships, the profile."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Record, Reference, tables


class Base(DeclarativeBase):
    """Tables that every tenant has."""

    metadata = tables()
    type_annotation_map = TYPES


class Unit(Reference, Base):
    """A business unit: a company with its own books, currency, numbers and formats."""

    __tablename__ = "unit"
    legal_name: Mapped[str]
    street: Mapped[str | None]
    postal_code: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str | None]
    country: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    website: Mapped[str | None]
    tax_number: Mapped[str | None]
    vat_number: Mapped[str | None]
    iban: Mapped[str | None]
    bank_name: Mapped[str | None]
    currency: Mapped[str]
    time_zone: Mapped[str]
    language: Mapped[str]
    date_format: Mapped[str]
    decimal_separator: Mapped[str]
    thousands_separator: Mapped[str]
    tax_rounding: Mapped[str]
    is_headquarters: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        # At most one headquarters, whoever writes; that there is one is the actions' care.
        Index(
            "uq_unit_headquarters",
            "is_headquarters",
            unique=True,
            postgresql_where=text("is_headquarters"),
        ),
        CheckConstraint("not (is_headquarters and is_archived)", name="headquarters_stays"),
        CheckConstraint("tax_rounding in ('line', 'document')", name="tax_rounding"),
        CheckConstraint("decimal_separator <> thousands_separator", name="separators_differ"),
        CheckConstraint("length(currency) = 3", name="currency_code"),
        CheckConstraint("length(country) = 2", name="country_code"),
        Index(None, "country"),
        Index(None, "is_archived", "code"),
    )


class Department(Record, Base):
    """A copy of people's department, kept by its events; its id is people's."""

    __tablename__ = "department"
    code: Mapped[str]
    title: Mapped[str]
    # Another unit's id may arrive before the unit itself does: no foreign key.
    unit_id: Mapped[UUID | None]
    head_employee_id: Mapped[UUID | None]
    is_archived: Mapped[bool]

    __table_args__ = (Index(None, "code"), Index(None, "unit_id", "id"))


class Membership(Document, Base):
    """A user's place in the organisation; one for each user."""

    __tablename__ = "membership"
    user_id: Mapped[UUID] = mapped_column(unique=True)
    email: Mapped[str | None]
    full_name: Mapped[str | None]
    default_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    # What the others were last told: a daily job tells them when time has changed it.
    announced: Mapped[dict[str, Any]]

    __table_args__ = (Index(None, "default_unit_id"), Index(None, "email"))


class MembershipUnit(Record, Base):
    """A unit that a user belongs to, for a time or for good."""

    __tablename__ = "membership_unit"
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("membership.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id"))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("membership_id", "unit_id"),
        CheckConstraint("valid_until >= valid_from", name="period_in_order"),
        Index(None, "unit_id"),
    )


class MembershipDepartment(Record, Base):
    """A department that a user belongs to."""

    __tablename__ = "membership_department"
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("membership.id"))
    department_id: Mapped[UUID] = mapped_column(ForeignKey("department.id"))

    __table_args__ = (
        UniqueConstraint("membership_id", "department_id"),
        Index(None, "department_id"),
    )


class Profile(Document, Base):
    """The tenant's profile: one row."""

    __tablename__ = "profile"
    is_only: Mapped[bool] = mapped_column(server_default=text("true"), unique=True)
    title: Mapped[str]
    logo_text: Mapped[str]
    accent_colour: Mapped[str]
    paper_size: Mapped[str]
    template: Mapped[str]

    __table_args__ = (
        CheckConstraint("is_only", name="only_one"),
        CheckConstraint("paper_size in ('A4', 'Letter')", name="paper_size"),
        CheckConstraint("accent_colour ~ '^#[0-9a-f]{6}$'", name="accent_colour"),
    )
