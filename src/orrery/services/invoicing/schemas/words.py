"""Types that several of invoicing's schemas share."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

Word = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Country = Annotated[
    str, Field(min_length=2, max_length=60, description="ISO 3166-1 code, or the English name")
]
Currency = Annotated[str, Field(pattern=r"^[A-Za-z]{3}$", description="ISO 4217")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", description="de, en-GB")]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,29}$")]
# Money in, at most four places (no currency has more); the action checks the currency's own.
Amount = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=4)]
# Quantities and unit prices keep up to six places (DESIGN 9).
Quantity = Annotated[Decimal, Field(max_digits=18, decimal_places=6)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6)]
Days = Annotated[int, Field(ge=0, le=3650)]
Paper = Literal["a4", "letter"]


def _lines(value: Any) -> Any:
    """A spreadsheet holds an address in one cell, one line below the other."""
    return value.splitlines() if isinstance(value, str) else value


def _codes(value: Any) -> Any:
    """A spreadsheet holds several codes in one cell, with commas or semicolons between."""
    if not isinstance(value, str):
        return value
    return [code for code in (part.strip() for part in value.replace(";", ",").split(",")) if code]


AddressLines = Annotated[list[Word], BeforeValidator(_lines), Field(max_length=6)]
TaxCodes = Annotated[list[Code], BeforeValidator(_codes), Field(max_length=6)]
