"""JSON of customers, sellers and the lists: tax codes, payment terms, dunning levels."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.invoicing.schemas.words import (
    AddressLines,
    Code,
    Country,
    Currency,
    Days,
    Email,
    Language,
    Percent,
    Text,
    Word,
)


class CustomerView(View):
    """A customer."""

    id: UUID
    code: str
    name: str
    legal_name: str | None
    email: str | None
    phone: str | None
    contact_person: str | None
    contact_title: str | None
    address_lines: list[str]
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
    vat_number: str | None
    iban: str | None
    bic: str | None
    payment_term_days: int | None
    currency: str | None
    language: str | None
    credit_limit: Exact | None
    is_dunning_blocked: bool
    is_archived: bool
    notes: str | None
    external_id: str | None
    version: int
    created_at: Instant
    created_by: UUID | None


class Balance(View):
    """What a customer owes in one currency."""

    currency: str
    amount_open: Exact
    amount_overdue: Exact
    amount_unapplied: Exact
    invoices_open: int


class CustomerDetails(CustomerView):
    """A customer with what is owed."""

    balances: list[Balance]


class CustomerDraft(Draft):
    """A customer to enter; the code is given by the house."""

    name: Word
    legal_name: Word | None = None
    email: Email | None = None
    phone: Word | None = None
    contact_person: Word | None = None
    contact_title: Word | None = None
    address_lines: AddressLines = Field(default=[])
    city: Word | None = None
    region: Word | None = None
    postal_code: Word | None = None
    country: Country | None = None
    vat_number: Word | None = None
    iban: Word | None = None
    payment_term_days: Days | None = None
    currency: Currency | None = None
    language: Language | None = None
    credit_limit: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)] | None = None
    is_dunning_blocked: bool = False
    notes: Text | None = None
    external_id: Word | None = None


class CustomerChange(Draft):
    """What to change of a customer; left out stays, null empties an optional field."""

    name: Word | None = None
    legal_name: Word | None = None
    email: Email | None = None
    phone: Word | None = None
    contact_person: Word | None = None
    contact_title: Word | None = None
    address_lines: AddressLines | None = None
    city: Word | None = None
    region: Word | None = None
    postal_code: Word | None = None
    country: Country | None = None
    vat_number: Word | None = None
    iban: Word | None = None
    payment_term_days: Days | None = None
    currency: Currency | None = None
    language: Language | None = None
    credit_limit: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=4)] | None = None
    is_dunning_blocked: bool | None = None
    notes: Text | None = None
    external_id: Word | None = None


class SellerView(View):
    """How a business unit bills."""

    id: UUID
    unit_id: UUID | None
    code: str
    title: str
    legal_name: str
    address_lines: list[str]
    country: str
    vat_number: str | None
    iban: str | None
    bank_name: str | None
    currency: str
    language: str
    rounding: str
    payment_term_days: int
    closed_through: date | None
    version: int


class Closing(Draft):
    """A day through which the books are closed."""

    through: date


class TaxCodeView(View):
    """A tax that a line may bear."""

    id: UUID
    code: str
    name: str
    rate: Exact
    is_included: bool
    is_compound: bool
    sequence: int
    country: str | None
    valid_from: date | None
    valid_to: date | None
    is_archived: bool
    external_id: str | None
    version: int
    created_at: Instant


class TaxCodeDraft(Draft):
    """A tax to add; the rate is in percent."""

    code: Code
    name: Word
    rate: Annotated[Decimal, Field(ge=0, le=1000, max_digits=10, decimal_places=6)]
    is_included: bool = False
    is_compound: bool = False
    sequence: Annotated[int, Field(ge=0, le=1000)] = 10
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    external_id: Word | None = None


class PaymentTermView(View):
    """When an invoice is due."""

    id: UUID
    code: str
    name: str
    days: int
    is_end_of_month: bool
    discount_days: int | None
    discount_percent: Exact | None
    is_archived: bool
    external_id: str | None
    version: int
    created_at: Instant


class PaymentTermDraft(Draft):
    """A payment term to add."""

    code: Code
    name: Word
    days: Days
    is_end_of_month: bool = False
    discount_days: Days | None = None
    discount_percent: Percent | None = None
    external_id: Word | None = None


class DunningLevelView(View):
    """One letter in the order of reminders."""

    id: UUID
    code: str
    name: str
    level: int
    days_after_due: int
    fee: Exact
    currency: str
    interest_percent: Exact
    text: str
    is_archived: bool
    external_id: str | None
    version: int
    created_at: Instant


class DunningLevelDraft(Draft):
    """A letter to add; interest is in percent a year."""

    code: Code
    name: Word
    level: Annotated[int, Field(ge=1, le=9)]
    days_after_due: Annotated[int, Field(ge=1, le=3650)]
    fee: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    interest_percent: Percent
    text: Text
    external_id: Word | None = None
