"""What a new tenant's lists start with; every row can be changed or archived later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# Standard and reduced VAT rates in percent, the standard rate first. A country that is not listed
# starts without any and enters its own.
RATES: Mapping[str, Sequence[str]] = {
    "AT": ("20", "13", "10"),
    "BE": ("21", "12", "6"),
    "CH": ("8.1", "3.8", "2.6"),
    "CZ": ("21", "12"),
    "DE": ("19", "7"),
    "DK": ("25",),
    "ES": ("21", "10", "4"),
    "FI": ("25.5", "13.5", "10"),
    "FR": ("20", "10", "5.5", "2.1"),
    "GB": ("20", "5"),
    "IE": ("23", "13.5", "9"),
    "IT": ("22", "10", "5", "4"),
    "LU": ("17", "14", "8", "3"),
    "NL": ("21", "9"),
    "NO": ("25", "15", "12"),
    "PL": ("23", "8", "5"),
    "PT": ("23", "13", "6"),
    "SE": ("25", "12", "6"),
}
NAMES: Mapping[str, str] = {
    "AT": "USt", "CH": "MWST", "DE": "USt", "ES": "IVA", "FR": "TVA", "IT": "IVA", "PT": "IVA",
    "NL": "btw",
}  # fmt: skip
TERMS: Sequence[Mapping[str, Any]] = (
    {
        "code": "NET14", "name": "14 days net", "days": 14, "is_end_of_month": False,
        "discount_days": None, "discount_percent": None,
    },
    {
        "code": "NET30", "name": "30 days net", "days": 30, "is_end_of_month": False,
        "discount_days": None, "discount_percent": None,
    },
    {
        "code": "NET30-2", "name": "30 days net, 2 % within 10 days", "days": 30,
        "is_end_of_month": False, "discount_days": 10, "discount_percent": Decimal(2),
    },
    {
        "code": "EOM30", "name": "30 days, end of month", "days": 30, "is_end_of_month": True,
        "discount_days": None, "discount_percent": None,
    },
    {
        "code": "NOW", "name": "Due on receipt", "days": 0, "is_end_of_month": False,
        "discount_days": None, "discount_percent": None,
    },
)  # fmt: skip
LEVELS: Sequence[Mapping[str, Any]] = (
    {
        "code": "REMINDER", "name": "Friendly reminder", "level": 1, "days_after_due": 7,
        "fee": "0", "interest_percent": Decimal(0),
        "text": "You may have overlooked our invoice. Please pay it within a week.",
    },
    {
        "code": "SECOND", "name": "Second reminder", "level": 2, "days_after_due": 21,
        "fee": "5", "interest_percent": Decimal(5),
        "text": "Our invoice is still unpaid. Please pay it without delay.",
    },
    {
        "code": "LAST", "name": "Last reminder", "level": 3, "days_after_due": 42,
        "fee": "10", "interest_percent": Decimal(9),
        "text": "This is our last reminder before we hand the matter over.",
    },
)  # fmt: skip


@dataclass(frozen=True)
class StartTax:
    """A tax code of the start."""

    code: str
    name: str
    rate: Decimal
    is_included: bool
    country: str | None


def start_taxes(country: str) -> list[StartTax]:
    """A country's rates on top of the price, the standard rate inside it, and no tax at all."""
    name = NAMES.get(country, "VAT")
    rates = RATES.get(country, ())
    taxes = [
        StartTax(f"{country}{_plain(rate)}", f"{name} {rate} %", Decimal(rate), False, country)  # noqa: FBT003 - a plain value
        for rate in rates
    ]
    if rates:
        standard = rates[0]
        taxes.append(
            StartTax(
                code=f"{country}{_plain(standard)}I",
                name=f"{name} {standard} %",
                rate=Decimal(standard),
                is_included=True,
                country=country,
            )
        )
    taxes.append(StartTax(f"{country}0", "Tax free", Decimal(0), False, country))  # noqa: FBT003 - a plain value
    return taxes


def _plain(rate: str) -> str:
    return rate.replace(".", "_")
