"""What is printed, as texts: languages, numbers, the payment code."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import orrery.services.invoicing
from orrery.services.invoicing.rules import paper

CATALOGUE: dict[str, dict[str, str]] = json.loads(
    (Path(orrery.services.invoicing.__path__[0]) / "templates" / "labels.json").read_text("utf-8")
)
LOOK = {"accent_colour": "#333333", "logo_text": None, "title": None}
SELLER = {"legal_name": "Meridian Trading GmbH", "iban": "DE89370400440532013000"}


def document(**values: Any) -> paper.Document:
    told: dict[str, Any] = {
        "number": "INV-2026-00001", "currency": "EUR", "document_date": date(2026, 6, 15),
        "due_on": date(2026, 7, 15), "reference": None, "notes": None, "state": "issued",
        "total_net": Decimal("100.00"), "total": Decimal("100.00"),
        "amount_open": Decimal("100.00"), "amount_paid": Decimal(0),
        "amount_credited": Decimal(0), "amount_written_off": Decimal(0),
        "discount_until": None, "discount_percent": None,
    }  # fmt: skip
    return paper.Document(
        kind="invoice", heading=SimpleNamespace(**(told | values)), lines=[], taxes=[],
        customer={"name": "Alfreds", "address_lines": []}, seller=SELLER, watermark=None,
    )  # fmt: skip


def printed(language: str = "en", **values: Any) -> dict[str, Any]:
    return paper.content(document(**values), paper.tongue(language, CATALOGUE), LOOK, "a4")


def test_every_language_has_every_label() -> None:
    assert {frozenset(labels) for labels in CATALOGUE.values()} == {frozenset(CATALOGUE["en"])}
    for labels in CATALOGUE.values():
        for slot in ("{percent}", "{day}", "{amount}"):
            assert slot in labels["early"]


@pytest.mark.parametrize(
    "language, spoken, day, amount, price",
    [
        ("en", "en", "Jun 15, 2026", "1,234.50", "0.000125"),
        ("en-GB", "en", "15 Jun 2026", "1,234.50", "0.000125"),
        ("de", "de", "15.06.2026", "1.234,50", "0,000125"),
        ("de-CH", "de", "15.06.2026", "1’234.50", "0.000125"),  # noqa: RUF001 - as the Swiss write
        ("el", "en", "Jun 15, 2026", "1,234.50", "0.000125"),
        ("xx-YY", "en", "Jun 15, 2026", "1,234.50", "0.000125"),
    ],
)
def test_days_and_numbers_are_written_as_the_reader_writes_them(
    language: str, spoken: str, day: str, amount: str, price: str
) -> None:
    speech = paper.tongue(language, CATALOGUE)
    assert speech.language == spoken
    assert speech.day(date(2026, 6, 15)) == day
    assert speech.amount(Decimal("1234.5"), "EUR") == amount
    assert speech.price(Decimal("0.000125"), "EUR") == price
    assert speech.price(Decimal("9.9"), "EUR")[1:] in (".90", ",90")
    assert speech.number(Decimal("2.500000"))[1:] in (".5", ",5")


@pytest.mark.parametrize(
    "currency, text", [("EUR", "5.00 EUR"), ("JPY", "5 JPY"), ("KWD", "5.000 KWD")]
)
def test_an_amount_shows_its_currency_s_places(currency: str, text: str) -> None:
    speech = paper.tongue("en", CATALOGUE)
    assert speech.money(Decimal(5), currency).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    "values, has_code",
    [
        ({}, True),
        ({"currency": "USD"}, False),
        ({"state": "draft", "number": None}, False),
        ({"amount_open": Decimal(0)}, False),
        ({"amount_open": Decimal("1000000000.00")}, False),
    ],
)
def test_the_payment_code_is_for_euros_that_are_owed(
    values: dict[str, Any],
    has_code: bool,
) -> None:
    """EPC069-12: euros only, at most 999,999,999.99, and a number to quote."""
    payment = printed(**values)["payment"]
    assert (payment["qr"] is not None) is has_code


@pytest.mark.parametrize("state", ["paid", "void"])
def test_nobody_is_asked_to_pay_what_is_not_owed(state: str) -> None:
    assert printed(state=state)["payment"] is None


def test_the_early_payment_offer_says_how_much_until_when() -> None:
    told = printed(discount_until=date(2026, 6, 25), discount_percent=Decimal(2))
    texts = [text.replace("\u00a0", " ") for _, text in told["payment"]["facts"]]
    assert "2 % discount until Jun 25, 2026: 98.00 EUR" in texts
    assert "DE89 3704 0044 0532 0130 00" in texts
