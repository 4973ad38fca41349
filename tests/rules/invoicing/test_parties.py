"""VAT numbers, accounts and countries are read as people write them and checked."""

import csv
from pathlib import Path

import pytest

from orrery.services.invoicing.rules.parties import (
    CountryUnknown,
    CurrencyUnknown,
    IbanInvalid,
    VatNumberInvalid,
    address_lines,
    bank_of,
    country_code,
    currency_code,
    iban,
    vat_number,
)


def vectors(folder: Path, kind: str) -> list[tuple[str, bool]]:
    with (folder / "id_vectors" / "numbers_half.csv").open(encoding="utf-8") as file:
        return [
            (row["number"], row["expected"] == "valid")
            for row in csv.DictReader(file)
            if row["kind"] == kind
        ]


def accepts_vat(number: str, country: str | None) -> bool:
    try:
        vat_number(number, country)
    except VatNumberInvalid:
        return False
    return True


def accepts_iban(number: str) -> bool:
    try:
        iban(number)
    except IbanInvalid:
        return False
    return True


def test_every_published_eu_vat_number_is_judged_rightly(shared_data: Path) -> None:
    """Numbers are written with blanks, dots and dashes as found in the wild: normalise first."""
    wanted = vectors(shared_data, "eu_vat")
    assert len(wanted) == 378
    assert [n for n, valid in wanted if accepts_vat(n, None) != valid] == []


def test_every_published_british_vat_number_is_judged_rightly(shared_data: Path) -> None:
    wanted = vectors(shared_data, "gb_vat")
    assert len(wanted) == 32
    assert [n for n, valid in wanted if accepts_vat(n, "GB") != valid] == []


def test_every_published_iban_is_judged_rightly(shared_data: Path) -> None:
    wanted = vectors(shared_data, "iban")
    assert len(wanted) == 123
    assert [n for n, valid in wanted if accepts_iban(n) != valid] == []


@pytest.mark.parametrize(
    "text, country, plain",
    [
        ("DE 136-695.976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("094259216", "GR", "EL094259216"),
        ("EL 094259216", "GR", "EL094259216"),
        # A company may be registered for VAT in another country than the one it lives in.
        ("ATU13585627", "DE", "ATU13585627"),
        ("980 7806 84", "GB", "GB980780684"),
        ("CHE-107.787.577 MWST", "CH", "CHE107787577MWST"),
        ("CHE-107.787.577", "CH", "CHE107787577"),
        ("995 525 828 MVA", "NO", "NO995525828MVA"),
        # No check is known for the United States: the number is taken as it is.
        ("12-3456789", "US", "123456789"),
    ],
)
def test_a_vat_number_is_kept_in_its_plain_form(text: str, country: str, plain: str) -> None:
    assert vat_number(text, country) == plain


@pytest.mark.parametrize(
    "text, country", [("136695977", "DE"), ("BG BG 175074752", "BG"), ("", "US"), ("?!", "US")]
)
def test_a_wrong_vat_number_is_refused(text: str, country: str) -> None:
    with pytest.raises(VatNumberInvalid):
        vat_number(text, country)


def test_an_iban_is_kept_without_blanks_and_names_its_bank() -> None:
    assert iban("de89 3704 0044 0532 0130 00") == "DE89370400440532013000"
    assert bank_of("DE89370400440532013000") == "COBADEFFXXX"
    with pytest.raises(IbanInvalid):
        iban("DE89370400440532013001")


@pytest.mark.parametrize(
    "text, code",
    [
        ("de", "DE"), ("Germany", "DE"), ("germany ", "DE"), ("UK", "GB"), ("USA", "US"),
        ("Mexico", "MX"), ("Venezuela", "VE"), ("Ireland", "IE"), ("Czech Republic", "CZ"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_code_or_name(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["ZZ", "EU", "Atlantis", ""])
def test_what_is_no_country_is_refused(text: str) -> None:
    with pytest.raises(CountryUnknown):
        country_code(text)


def test_a_currency_is_known_by_its_code() -> None:
    assert currency_code("eur") == "EUR"
    with pytest.raises(CurrencyUnknown):
        currency_code("ABC")


def test_an_address_is_printed_line_by_line_in_the_reader_s_language() -> None:
    party = {
        "address_lines": ["Obere Str. 57"],
        "postal_code": "12209",
        "city": "Berlin",
        "region": None,
        "country": "DE",
    }
    assert address_lines(party) == ["Obere Str. 57", "12209 Berlin", "Germany"]
    assert address_lines(party, "de")[-1] == "Deutschland"
