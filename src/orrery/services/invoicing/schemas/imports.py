"""Rows of files: customers, and invoices by line or by document."""

from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.services.invoicing.schemas.invoices import (
    MAX_LINES,
    InvoiceHeader,
    LineDraft,
)
from orrery.services.invoicing.schemas.parties import CustomerDraft
from orrery.services.invoicing.schemas.words import Percent, Quantity, TaxCodes, Word


class CustomerImport(CustomerDraft):
    """A row of a customer file."""


class InvoiceImport(InvoiceHeader):
    """A row of an invoice file: one line of a document, or a document with its lines inside."""

    customer_id: UUID | None = None
    customer_code: Word | None = None
    customer_external_id: Word | None = None
    lines: list[LineDraft] = Field(default=[], max_length=MAX_LINES)
    position: Annotated[int, Field(ge=1, le=MAX_LINES)] | None = None
    description: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    product_code: Word | None = None
    quantity: Quantity = Decimal(1)
    unit: Word | None = None
    unit_price: Quantity | None = None
    discount_percent: Percent = Decimal(0)
    tax_codes: TaxCodes = Field(default=[])
    issue: bool = Field(default=False, description="Issue it with its own document date")
    line_count: Annotated[int, Field(ge=1, le=MAX_LINES)] | None = Field(
        default=None, description="How many lines the document has, when it is to be issued"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        named = (self.customer_id, self.customer_code, self.customer_external_id)
        if sum(name is not None for name in named) != 1:
            raise ValueError("name the customer by id, by code or by external id")
        if not self.lines and (self.description is None or self.unit_price is None):
            raise ValueError("a line needs a description and a unit price")
        if self.issue and not self.lines and self.line_count is None:
            # A refused row would otherwise leave an issued invoice without one of its lines.
            raise ValueError("say line_count for a document that is to be issued")
        return self

    def all_lines(self) -> list[LineDraft]:
        """The lines inside the row, or the row as a line."""
        if self.lines or self.description is None or self.unit_price is None:
            return self.lines
        return [
            LineDraft(
                description=self.description,
                product_code=self.product_code,
                quantity=self.quantity,
                unit=self.unit,
                unit_price=self.unit_price,
                discount_percent=self.discount_percent,
                tax_codes=self.tax_codes,
            )
        ]
