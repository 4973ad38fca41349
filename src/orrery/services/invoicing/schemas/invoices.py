"""JSON of invoices and credit notes."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.invoicing.schemas.words import (
    Amount,
    Code,
    Currency,
    Email,
    Language,
    Percent,
    Quantity,
    TaxCodes,
    Text,
    Word,
)

# A longer document belongs into an attachment; a batch is one transaction.
MAX_LINES = 2000
MAX_BATCH = 100


class InvoiceView(View):
    """An invoice as lists show it."""

    id: UUID
    number: str | None
    state: str
    unit_id: UUID | None
    customer_id: UUID
    customer_code: str
    customer_name: str
    currency: str
    document_date: date
    due_on: date
    reference: str | None
    language: str
    notes: str | None
    salesperson_id: UUID | None
    total_net: Exact
    total_tax: Exact
    total: Exact
    amount_paid: Exact
    amount_credited: Exact
    amount_written_off: Exact
    amount_open: Exact
    discount_until: date | None
    discount_percent: Exact | None
    dunning_level: int
    issued_at: Instant | None
    sent_at: Instant | None
    sent_to: str | None
    voided_on: date | None
    void_reason: str | None
    external_id: str | None
    version: int
    created_at: Instant
    created_by: UUID | None


class LineView(View):
    """A line; ``amount`` is what the price says, ``net`` is without included taxes."""

    id: UUID
    position: int
    description: str
    product_code: str | None
    quantity: Exact
    unit: str | None
    unit_price: Exact
    discount_percent: Exact
    tax_codes: list[str]
    amount: Exact
    net: Exact


class TaxView(View):
    """One tax of a document as it is printed."""

    tax_code: str
    name: str
    rate: Exact
    is_included: bool
    is_compound: bool
    base: Exact
    amount: Exact


class SettlementView(View):
    """What reduced the invoice, or took a reduction back (negative)."""

    id: UUID
    entry: str
    effective_on: date
    amount: Exact
    payment_id: UUID | None
    credit_note_id: UUID | None
    reverses_id: UUID | None
    reason: str | None
    created_at: Instant
    created_by: UUID | None


class InvoiceDetails(InvoiceView):
    """An invoice with its lines, taxes and settlements."""

    rounding: str
    days_late: int
    lines: list[LineView]
    taxes: list[TaxView]
    settlements: list[SettlementView]
    verbs: list[str]


class LineDraft(Draft):
    """A line to bill; its place in the list is its position."""

    description: Annotated[str, Field(min_length=1, max_length=2000)]
    product_code: Word | None = None
    quantity: Quantity = Decimal(1)
    unit: Word | None = None
    unit_price: Quantity
    discount_percent: Percent = Decimal(0)
    tax_codes: TaxCodes = Field(default=[])

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.quantity == 0:
            raise ValueError("a line needs a quantity other than 0")
        if len(set(self.tax_codes)) < len(self.tax_codes):
            raise ValueError("a line bears a tax only once")
        return self


class InvoiceHeader(Draft):
    """What stands above the lines of an invoice."""

    unit_id: UUID | None = None
    currency: Currency | None = Field(default=None, description="The customer's, or the unit's")
    document_date: date | None = Field(default=None, description="Today when left out")
    due_on: date | None = Field(default=None, description="By the payment term when left out")
    payment_term: Code | None = Field(default=None, description="Code of a payment term")
    reference: Word | None = None
    language: Language | None = None
    notes: Text | None = None
    salesperson_id: UUID | None = Field(default=None, description="An employee")
    external_id: Word | None = None


class InvoiceDraft(InvoiceHeader):
    """An invoice to write; with ``issue`` it gets its number at once."""

    customer_id: UUID | None = None
    customer_code: Word | None = None
    customer_external_id: Word | None = None
    lines: list[LineDraft] = Field(default=[], max_length=MAX_LINES)
    issue: bool = False

    @model_validator(mode="after")
    def _names_a_customer(self) -> Self:
        named = (self.customer_id, self.customer_code, self.customer_external_id)
        if sum(name is not None for name in named) != 1:
            raise ValueError("name the customer by id, by code or by external id")
        return self


class InvoiceChange(InvoiceHeader):
    """What to change of a draft's header; left out stays, null empties or works out anew."""

    customer_id: UUID | None = None


class LinesDraft(Draft):
    """The lines that replace a draft's."""

    lines: list[LineDraft] = Field(max_length=MAX_LINES)


class InvoiceBatch(Draft):
    """Several invoices to write in one transaction, each on its own."""

    documents: list[InvoiceDraft] = Field(min_length=1, max_length=MAX_BATCH)


class RefusalView(View):
    """Why one document of a batch was refused."""

    code: str
    facts: dict[str, Any]


class BatchItem(View):
    """What became of one document of a batch, in the order they came."""

    index: int
    id: UUID | None
    number: str | None
    state: str | None
    total: Exact | None
    refusal: RefusalView | None


class BatchResult(View):
    """What became of a batch."""

    items: list[BatchItem]
    created: int
    refused: int


class Issuing(Draft):
    """How to issue a draft."""

    document_date: date | None = Field(default=None, description="Another date for the document")


class Voiding(Draft):
    """Why an issued invoice is void."""

    reason: Word
    voided_on: date | None = None


class Sending(Draft):
    """Whom to mail an invoice."""

    recipient: Email | None = None
    message: Text | None = None


class WriteOff(Draft):
    """What is given up of an invoice; all that is open when no amount is said."""

    amount: Amount | None = None
    reason: Word
    effective_on: date | None = None


class CreditLineDraft(Draft):
    """A quantity of an invoice's line to take back; all that is left of it when not said."""

    position: Annotated[int, Field(ge=1)]
    quantity: Quantity | None = None


class CreditNoteDraft(Draft):
    """A credit note for an invoice: lines, or an amount, or else all that is open."""

    reason: Word
    document_date: date | None = None
    amount: Amount | None = None
    lines: list[CreditLineDraft] = Field(default=[], max_length=MAX_LINES)
    external_id: Word | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.amount is not None and self.lines:
            raise ValueError("credit by lines or by amount, not both")
        if len({line.position for line in self.lines}) < len(self.lines):
            raise ValueError("name each line once")
        return self


class CreditNoteView(View):
    """A credit note as lists show it."""

    id: UUID
    number: str
    unit_id: UUID | None
    invoice_id: UUID
    invoice_number: str
    customer_id: UUID
    customer_name: str
    currency: str
    document_date: date
    reason: str
    total_net: Exact
    total_tax: Exact
    total: Exact
    external_id: str | None
    created_at: Instant
    created_by: UUID | None


class CreditLineView(View):
    """A line of a credit note."""

    id: UUID
    position: int
    invoice_line_id: UUID | None
    description: str
    quantity: Exact
    unit: str | None
    unit_price: Exact
    discount_percent: Exact
    amount: Exact
    net: Exact


class CreditNoteDetails(CreditNoteView):
    """A credit note with its lines and taxes."""

    lines: list[CreditLineView]
    taxes: list[TaxView]


class VerbsView(View):
    """What the caller may do with a document in its present state."""

    state: str
    verbs: list[str]
