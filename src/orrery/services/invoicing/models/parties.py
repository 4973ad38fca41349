"""Whom we bill and how: sellers, customers, and the lists that invoices draw on."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from orrery.kernel.tables import Document, Reference
from orrery.services.invoicing.models.base import Base


class Seller(Document, Base):
    """How a business unit bills: a copy of organization's unit, and what invoicing adds to it.

    The row without a unit holds for documents of no unit and for units not copied yet.
    """

    __tablename__ = "seller"
    unit_id: Mapped[UUID | None]
    code: Mapped[str]
    title: Mapped[str]
    legal_name: Mapped[str]
    address_lines: Mapped[list[str]]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    website: Mapped[str | None]
    country: Mapped[str]
    vat_number: Mapped[str | None]
    tax_number: Mapped[str | None]
    iban: Mapped[str | None]
    bank_name: Mapped[str | None]
    currency: Mapped[str]
    language: Mapped[str]
    rounding: Mapped[str]
    payment_term_days: Mapped[int]
    is_default: Mapped[bool]
    closed_through: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("unit_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("rounding in ('line', 'document')", name="rounding"),
        CheckConstraint("payment_term_days between 0 and 3650", name="term_in_range"),
    )


class TaxCode(Reference, Base):
    """A tax that a line may bear."""

    __tablename__ = "tax_code"
    rate: Mapped[Decimal]
    is_included: Mapped[bool]
    is_compound: Mapped[bool]
    sequence: Mapped[int]
    country: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("rate between 0 and 1000", name="rate_in_range"),
        CheckConstraint("scale(rate) <= 6", name="rate_places"),
        CheckConstraint("valid_to >= valid_from", name="valid_in_order"),
        Index(None, "is_archived", "code"),
    )


class PaymentTerm(Reference, Base):
    """When an invoice is due, and what is given for paying early."""

    __tablename__ = "payment_term"
    days: Mapped[int]
    is_end_of_month: Mapped[bool]
    discount_days: Mapped[int | None]
    discount_percent: Mapped[Decimal | None]

    __table_args__ = (
        CheckConstraint("days between 0 and 3650", name="days_in_range"),
        CheckConstraint("discount_percent between 0 and 100", name="discount_in_range"),
        CheckConstraint(
            "(discount_days is null) = (discount_percent is null)", name="discount_whole"
        ),
    )


class DunningLevel(Reference, Base):
    """One letter in the order of reminders."""

    __tablename__ = "dunning_level"
    level: Mapped[int] = mapped_column(unique=True)
    days_after_due: Mapped[int]
    fee: Mapped[Decimal]
    currency: Mapped[str]
    interest_percent: Mapped[Decimal]
    text: Mapped[str]

    __table_args__ = (
        CheckConstraint("level between 1 and 9", name="level_in_range"),
        CheckConstraint("days_after_due between 1 and 3650", name="days_in_range"),
        CheckConstraint("fee >= 0", name="fee_not_negative"),
        CheckConstraint("interest_percent between 0 and 100", name="interest_in_range"),
    )


class Customer(Document, Base):
    """Whom we bill."""

    __tablename__ = "customer"
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    legal_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    contact_person: Mapped[str | None]
    contact_title: Mapped[str | None]
    address_lines: Mapped[list[str]]
    city: Mapped[str | None]
    region: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str | None]
    vat_number: Mapped[str | None]
    iban: Mapped[str | None]
    bic: Mapped[str | None]
    payment_term_days: Mapped[int | None]
    currency: Mapped[str | None]
    language: Mapped[str | None]
    credit_limit: Mapped[Decimal | None]
    is_dunning_blocked: Mapped[bool]
    is_archived: Mapped[bool]
    notes: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("length(country) = 2", name="country_code"),
        CheckConstraint("length(currency) = 3", name="currency_code"),
        CheckConstraint("credit_limit >= 0", name="credit_limit_not_negative"),
        CheckConstraint("payment_term_days between 0 and 3650", name="term_in_range"),
        Index(None, "name"),
        Index(None, "country"),
        Index(None, "currency"),
        Index(None, "vat_number"),
        Index(None, "is_archived", "code"),
        Index(None, "created_by"),
    )
