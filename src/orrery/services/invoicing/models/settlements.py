"""What follows an invoice: credit notes, payments, the ledger of settlements, reminders."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from orrery.kernel.tables import Document, Ledger
from orrery.services.invoicing.models.base import Base


class CreditNote(Ledger, Base):
    """What was taken back of one invoice; written once."""

    __tablename__ = "credit_note"
    number: Mapped[str]
    external_id: Mapped[str | None] = mapped_column(unique=True)
    unit_id: Mapped[UUID | None]
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str]
    document_date: Mapped[date]
    reason: Mapped[str]
    language: Mapped[str]
    total_net: Mapped[Decimal]
    total_tax: Mapped[Decimal]
    total: Mapped[Decimal]

    __table_args__ = (
        UniqueConstraint("unit_id", "number", postgresql_nulls_not_distinct=True),
        CheckConstraint("total = total_net + total_tax", name="total_adds_up"),
        CheckConstraint("total > 0", name="total_positive"),
        Index(None, "number"),
        Index(None, "invoice_id"),
        Index(None, "customer_id", "document_date"),
        Index(None, "document_date"),
        Index(None, "created_by"),
    )


class CreditNoteLine(Ledger, Base):
    """What is credited: a quantity of an invoice's line, or an amount without one."""

    __tablename__ = "credit_note_line"
    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey("credit_note.id"))
    invoice_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice_line.id"))
    position: Mapped[int]
    description: Mapped[str]
    quantity: Mapped[Decimal]
    unit: Mapped[str | None]
    unit_price: Mapped[Decimal]
    discount_percent: Mapped[Decimal]
    amount: Mapped[Decimal]
    net: Mapped[Decimal]

    __table_args__ = (
        UniqueConstraint("credit_note_id", "position"),
        Index(None, "invoice_line_id"),
    )


class CreditNoteTax(Ledger, Base):
    """One tax of a credit note, exactly as it is printed."""

    __tablename__ = "credit_note_tax"
    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey("credit_note.id"))
    position: Mapped[int]
    tax_code: Mapped[str]
    name: Mapped[str]
    rate: Mapped[Decimal]
    is_included: Mapped[bool]
    is_compound: Mapped[bool]
    base: Mapped[Decimal]
    amount: Mapped[Decimal]

    __table_args__ = (UniqueConstraint("credit_note_id", "tax_code"),)


class Payment(Document, Base):
    """Money received; what is not applied to invoices is the customer's credit."""

    __tablename__ = "payment"
    state: Mapped[str]
    unit_id: Mapped[UUID | None]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    currency: Mapped[str]
    amount: Mapped[Decimal]
    amount_unapplied: Mapped[Decimal]
    received_on: Mapped[date]
    method: Mapped[str]
    reference: Mapped[str | None]
    notes: Mapped[str | None]
    reversed_on: Mapped[date | None]
    reversed_at: Mapped[datetime | None]
    reverse_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state in ('received', 'reversed')", name="state"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("amount_unapplied between 0 and amount", name="unapplied_in_range"),
        CheckConstraint(
            "(state = 'reversed') = (reversed_on is not null)", name="reversed_has_day"
        ),
        CheckConstraint("state <> 'reversed' or amount_unapplied = 0", name="reversed_is_nothing"),
        Index(None, "customer_id", "received_on"),
        Index(None, "received_on"),
        Index(None, "state", "id"),
        Index(None, "amount_unapplied", postgresql_where="amount_unapplied > 0"),
        Index(None, "unit_id", "id"),
        Index(None, "created_by"),
    )


class Settlement(Ledger, Base):
    """The ledger of what reduced each invoice, and of what took that back again."""

    __tablename__ = "settlement"
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    entry: Mapped[str]
    effective_on: Mapped[date]
    amount: Mapped[Decimal]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment.id"))
    credit_note_id: Mapped[UUID | None] = mapped_column(ForeignKey("credit_note.id"))
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlement.id"), unique=True)
    reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint(
            "entry in ('payment', 'discount', 'credit_note', 'write_off', 'void')", name="entry"
        ),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("(amount < 0) = (reverses_id is not null)", name="negative_reverses"),
        CheckConstraint(
            "(entry in ('payment', 'discount')) = (payment_id is not null)", name="payment_named"
        ),
        CheckConstraint(
            "(entry = 'credit_note') = (credit_note_id is not null)", name="credit_note_named"
        ),
        Index(None, "invoice_id", "effective_on"),
        Index(None, "payment_id"),
        Index(None, "credit_note_id"),
    )


class DunningRun(Document, Base):
    """One round of reminders."""

    __tablename__ = "dunning_run"
    run_on: Mapped[date]
    unit_id: Mapped[UUID | None]
    reminders: Mapped[int]
    skipped: Mapped[int]

    __table_args__ = (Index(None, "run_on"), Index(None, "unit_id"), Index(None, "created_by"))


class Reminder(Ledger, Base):
    """A letter that went out for one invoice."""

    __tablename__ = "reminder"
    run_id: Mapped[UUID] = mapped_column(ForeignKey("dunning_run.id"))
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoice.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    level: Mapped[int]
    reminded_on: Mapped[date]
    days_late: Mapped[int]
    amount_open: Mapped[Decimal]
    fee: Mapped[Decimal]
    interest: Mapped[Decimal]
    currency: Mapped[str]
    recipient: Mapped[str | None]
    text: Mapped[str]

    __table_args__ = (
        UniqueConstraint("invoice_id", "level"),
        Index(None, "run_id"),
        Index(None, "customer_id"),
    )
