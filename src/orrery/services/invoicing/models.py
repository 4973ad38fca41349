"""Tables of invoicing: parties and lists, invoices, what settles them, reminders."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Ledger, Record, Reference, tables


class Base(DeclarativeBase):
    """Tables that every tenant has."""

    metadata = tables()
    type_annotation_map = TYPES


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
        Index(None, "is_archived", "code"),
        Index(None, "created_by"),
    )


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
        Index(None, "salesperson_id"),
        Index(None, "created_by"),
        Index(None, "currency"),
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

    __table_args__ = (Index(None, "run_on"), Index(None, "created_by"))


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
