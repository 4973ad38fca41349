"""What invoicing announces: invoices, payments, credit notes and reminders."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class CustomerCreated(Event):
    """A customer was entered."""

    name: ClassVar[str] = "invoicing.customer_created.v1"
    customer_id: UUID
    code: str
    title: str
    email: str | None


@dataclass(frozen=True)
class InvoiceIssued(Event):
    """An invoice got its number and is due from the customer."""

    name: ClassVar[str] = "invoicing.invoice_issued.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    issued_on: date
    due_on: date
    currency: str
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class InvoiceSent(Event):
    """An issued invoice is to be mailed; ``document`` is the path of its PDF below the service."""

    name: ClassVar[str] = "invoicing.invoice_sent.v1"
    invoice_id: UUID
    number: str
    recipient: str
    customer_name: str
    due_on: date
    currency: str
    total: Decimal
    document: str
    message: str | None


@dataclass(frozen=True)
class PaymentReceived(Event):
    """A payment was applied to one invoice; one event for each invoice it settles."""

    name: ClassVar[str] = "invoicing.payment_received.v1"
    invoice_id: UUID
    payment_id: UUID
    customer_id: UUID
    received_on: date
    method: str
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class PaymentReversed(Event):
    """An application of a payment to an invoice was taken back."""

    name: ClassVar[str] = "invoicing.payment_reversed.v1"
    invoice_id: UUID
    payment_id: UUID
    customer_id: UUID
    reversed_on: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class InvoicePaid(Event):
    """Nothing is left to pay on an invoice."""

    name: ClassVar[str] = "invoicing.invoice_paid.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    customer_email: str | None
    paid_on: date
    currency: str
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class InvoiceReopened(Event):
    """An invoice that was paid has something left to pay again, after a reversed payment."""

    name: ClassVar[str] = "invoicing.invoice_reopened.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    currency: str
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class CreditNoteIssued(Event):
    """A credit note reduced what is owed on an invoice."""

    name: ClassVar[str] = "invoicing.credit_note_issued.v1"
    invoice_id: UUID
    credit_note_id: UUID
    number: str
    customer_id: UUID
    issued_on: date
    currency: str
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class InvoiceVoided(Event):
    """An issued invoice was voided; its number stays used."""

    name: ClassVar[str] = "invoicing.invoice_voided.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    voided_on: date
    reason: str
    currency: str
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class InvoiceWrittenOff(Event):
    """A part of an invoice was given up: a write-off or an early-payment discount.

    ``amount`` is gross, and negative when a discount was taken back with its payment.
    """

    name: ClassVar[str] = "invoicing.invoice_written_off.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    entry: str
    written_off_on: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class InvoiceOverdue(Event):
    """An invoice passed its due date unpaid."""

    name: ClassVar[str] = "invoicing.invoice_overdue.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    due_on: date
    currency: str
    amount_open: Decimal


@dataclass(frozen=True)
class InvoiceReminded(Event):
    """A dunning letter of a level went out for an overdue invoice."""

    name: ClassVar[str] = "invoicing.invoice_reminded.v1"
    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    recipient: str | None
    level: int
    fee: Decimal
    amount_open: Decimal
    currency: str
    due_on: date
