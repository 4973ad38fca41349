"""JSON of payments, reminders and reports."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.invoicing.schemas.invoices import MAX_BATCH, RefusalView
from orrery.services.invoicing.schemas.words import Amount, Currency, Text, Word

Method = Literal["bank_transfer", "direct_debit", "card", "cash", "cheque", "other"]
# A payment that settles more is split by the bank as well.
MAX_APPLICATIONS = 200


class PaymentView(View):
    """A payment as lists show it."""

    id: UUID
    state: str
    unit_id: UUID | None
    customer_id: UUID
    customer_code: str
    customer_name: str
    currency: str
    amount: Exact
    amount_unapplied: Exact
    received_on: date
    method: str
    reference: str | None
    notes: str | None
    reversed_on: date | None
    reverse_reason: str | None
    external_id: str | None
    version: int
    created_at: Instant
    created_by: UUID | None


class ApplicationView(View):
    """A part of a payment on one invoice; negative when it was taken back."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    entry: str
    amount: Exact
    effective_on: date
    reverses_id: UUID | None
    created_at: Instant


class PaymentDetails(PaymentView):
    """A payment with every application."""

    applications: list[ApplicationView]
    verbs: list[str]


class ApplicationDraft(Draft):
    """What of a payment goes to one invoice; as much as fits when no amount is said."""

    invoice_id: UUID
    amount: Amount | None = None
    take_discount: bool = Field(
        default=False, description="Deduct the early-payment discount that the term offers"
    )


class PaymentDraft(Draft):
    """Money received; what no application takes stays as the customer's credit."""

    customer_id: UUID | None = Field(default=None, description="Needed without applications")
    unit_id: UUID | None = None
    received_on: date | None = None
    method: Method = "bank_transfer"
    reference: Word | None = None
    notes: Text | None = None
    currency: Currency | None = Field(default=None, description="That of the invoices")
    amount: Amount
    applications: list[ApplicationDraft] = Field(default=[], max_length=MAX_APPLICATIONS)
    oldest_first: bool = Field(
        default=False, description="Apply what is left to the customer's oldest due invoices"
    )
    external_id: Word | None = None


class PaymentBatch(Draft):
    """Several payments to record in one transaction, each on its own."""

    payments: list[PaymentDraft] = Field(min_length=1, max_length=MAX_BATCH)


class PaymentBatchItem(View):
    """What became of one payment of a batch."""

    index: int
    id: UUID | None
    amount_unapplied: Exact | None
    refusal: RefusalView | None


class PaymentBatchResult(View):
    """What became of a batch of payments."""

    items: list[PaymentBatchItem]
    recorded: int
    refused: int


class InvoicePayment(Draft):
    """A payment for one invoice; all that is open when no amount is said."""

    amount: Amount | None = None
    received_on: date | None = None
    method: Method = "bank_transfer"
    reference: Word | None = None
    notes: Text | None = None
    take_discount: bool = False
    external_id: Word | None = None


class ApplyDraft(Draft):
    """Invoices to apply what is left of a payment to."""

    applications: list[ApplicationDraft] = Field(min_length=1, max_length=MAX_APPLICATIONS)
    applied_on: date | None = None


class UnapplyDraft(Draft):
    """An invoice to take a payment off again; the money becomes the customer's credit."""

    invoice_id: UUID
    reason: Word
    effective_on: date | None = None


class ReverseDraft(Draft):
    """Why a payment is taken back."""

    reason: Word
    reversed_on: date | None = None


class DunningDraft(Draft):
    """Whom to remind; everybody when nobody is named."""

    unit_id: UUID | None = None
    customer_ids: list[UUID] = Field(default=[], max_length=1000)
    run_on: date | None = None


class ReminderView(View):
    """A letter that goes out for one invoice."""

    id: UUID
    invoice_id: UUID
    number: str
    customer_id: UUID
    customer_name: str
    level: int
    due_on: date
    days_late: int
    amount_open: Exact
    fee: Exact
    interest: Exact
    total_claimed: Exact
    currency: str
    recipient: str | None
    text: str


class SkippedView(View):
    """An overdue invoice that gets no letter now, and why."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    reason: str


class DunningRunView(View):
    """A round of reminders as lists show it."""

    id: UUID
    run_on: date
    unit_id: UUID | None
    reminders: int
    skipped: int
    external_id: str | None
    version: int
    created_at: Instant
    created_by: UUID | None


class DunningRunDetails(DunningRunView):
    """A round of reminders with every letter."""

    letters: list[ReminderView]


class DunningResult(DunningRunDetails):
    """What a round of reminders came to."""

    left_out: list[SkippedView]


class Buckets(View):
    """Receivables by the days they are late; on the due date itself they are not."""

    not_due: Exact
    days_1_30: Exact = Field(serialization_alias="1_30")
    days_31_60: Exact = Field(serialization_alias="31_60")
    days_61_90: Exact = Field(serialization_alias="61_90")
    over_90: Exact
    total: Exact
    unapplied: Exact
    net: Exact


class AgeingRow(Buckets):
    """What one customer owes in one currency."""

    customer_id: UUID
    customer_code: str
    customer_name: str
    currency: str
    invoices: int


class AgeingTotal(Buckets):
    """What everybody owes in one currency."""

    currency: str
    customers: int
    invoices: int


class Ageing(View):
    """Receivables on a day, from facts that never change."""

    as_of: date
    known_at: Instant | None
    items: list[AgeingRow]
    totals: list[AgeingTotal]


class RevenueRow(View):
    """What was billed in a month or year, less credit notes and void invoices."""

    period: str
    currency: str
    invoices: int
    invoiced_net: Exact
    credited_net: Exact
    voided_net: Exact
    total_net: Exact
    total_tax: Exact
    total: Exact


class Revenue(View):
    """Revenue by period."""

    by: str
    items: list[RevenueRow]
    totals: list[RevenueRow]


class TaxReportRow(View):
    """What is owed of one tax for documents of a period."""

    tax_code: str
    name: str
    rate: Exact
    currency: str
    base: Exact
    amount: Exact


class TaxReport(View):
    """Taxes on the invoices of a period, less credit notes and void invoices."""

    date_from: date
    date_to: date
    items: list[TaxReportRow]


class StatementEntry(View):
    """One line of a customer's statement."""

    day: date
    entry: str
    number: str | None
    reference: str | None
    document_id: UUID
    amount: Exact
    balance: Exact


class Statement(View):
    """What happened on a customer's account in one currency."""

    customer_id: UUID
    customer_code: str
    customer_name: str
    currency: str
    date_from: date
    date_to: date
    opening: Exact
    entries: list[StatementEntry]
    closing: Exact


class CurrencyFigures(View):
    """Figures in one currency."""

    currency: str
    invoices_open: int
    invoices_overdue: int
    amount_open: Exact
    amount_overdue: Exact
    amount_unapplied: Exact
    revenue_month: Exact
    revenue_year: Exact
    received_month: Exact


class Figures(View):
    """Invoicing at a glance."""

    as_of: date
    customers: int
    drafts: int
    by_state: dict[str, int]
    currencies: list[CurrencyFigures]
