"""Invoices with their lines and taxes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from orrery.kernel.tables import Document, Record
from orrery.services.invoicing.models.base import Base


class Invoice(Document, Base):
    """A sales invoice; once issued only its verbs change it."""

    __tablename__ = "invoice"
    number: Mapped[str | None]
    state: Mapped[str]
    unit_id: Mapped[UUID | None]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str]
    rounding: Mapped[str]
    document_date: Mapped[date]
    due_on: Mapped[date]
    payment_term_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_term.id"))
    discount_until: Mapped[date | None]
    discount_percent: Mapped[Decimal | None]
    reference: Mapped[str | None]
    language: Mapped[str]
    notes: Mapped[str | None]
    salesperson_id: Mapped[UUID | None]
    total_net: Mapped[Decimal]
    total_tax: Mapped[Decimal]
    total: Mapped[Decimal]
    amount_paid: Mapped[Decimal]
    amount_credited: Mapped[Decimal]
    amount_written_off: Mapped[Decimal]
    amount_open: Mapped[Decimal]
    # The parties as they were when the invoice was issued: what is printed never changes.
    billed_to: Mapped[dict[str, Any] | None]
    billed_by: Mapped[dict[str, Any] | None]
    issued_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    sent_to: Mapped[str | None]
    voided_on: Mapped[date | None]
    void_reason: Mapped[str | None]
    dunning_level: Mapped[int]
    reminded_on: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("unit_id", "number", postgresql_nulls_not_distinct=False),
        Index(
            "uq_invoice_number_without_unit",
            "number",
            unique=True,
            postgresql_where="unit_id is null",
        ),
        CheckConstraint("(state = 'draft') = (number is null)", name="issued_has_number"),
        CheckConstraint("(state = 'draft') = (issued_at is null)", name="issued_has_instant"),
        CheckConstraint("(state = 'void') = (voided_on is not null)", name="void_has_day"),
        CheckConstraint(
            "state in ('draft', 'issued', 'partly_paid', 'paid', 'overdue', 'void')", name="state"
        ),
        CheckConstraint("rounding in ('line', 'document')", name="rounding"),
        CheckConstraint("due_on >= document_date", name="due_after_document"),
        CheckConstraint("total = total_net + total_tax", name="total_adds_up"),
        CheckConstraint("state = 'draft' or total >= 0", name="total_not_negative"),
        CheckConstraint("amount_open >= 0", name="open_not_negative"),
        CheckConstraint(
            "amount_paid >= 0 and amount_credited >= 0 and amount_written_off >= 0",
            name="settled_not_negative",
        ),
        CheckConstraint(
            "amount_open = case when state in ('draft', 'void') then 0"
            " else total - amount_paid - amount_credited - amount_written_off end",
            name="open_adds_up",
        ),
        CheckConstraint("state <> 'paid' or amount_open = 0", name="paid_is_settled"),
        Index(None, "state", "due_on"),
        Index(None, "customer_id", "document_date"),
        Index(None, "document_date"),
        Index(None, "due_on"),
        Index(None, "unit_id", "id"),
        Index(None, "number"),
        Index(None, "payment_term_id"),
        Index(None, "salesperson_id"),
        Index(None, "created_by"),
        Index(None, "dunning_level", postgresql_where="dunning_level > 0"),
    )


class InvoiceLine(Record, Base):
    """What is billed; replaced as a set while the invoice is a draft."""

    __tablename__ = "invoice_line"
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    position: Mapped[int]
    description: Mapped[str]
    product_code: Mapped[str | None]
    quantity: Mapped[Decimal]
    unit: Mapped[str | None]
    unit_price: Mapped[Decimal]
    discount_percent: Mapped[Decimal]
    tax_codes: Mapped[list[str]]
    amount: Mapped[Decimal]
    net: Mapped[Decimal]

    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        CheckConstraint("quantity <> 0", name="quantity_not_zero"),
        CheckConstraint("scale(quantity) <= 6 and scale(unit_price) <= 6", name="places"),
        CheckConstraint("discount_percent between 0 and 100", name="discount_in_range"),
        Index(None, "product_code"),
    )


class InvoiceTax(Record, Base):
    """One tax of an invoice, exactly as it is printed."""

    __tablename__ = "invoice_tax"
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    position: Mapped[int]
    tax_code: Mapped[str]
    name: Mapped[str]
    rate: Mapped[Decimal]
    is_included: Mapped[bool]
    is_compound: Mapped[bool]
    base: Mapped[Decimal]
    amount: Mapped[Decimal]

    __table_args__ = (UniqueConstraint("invoice_id", "tax_code"), Index(None, "tax_code"))
