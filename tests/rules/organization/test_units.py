"""Rules of business units, at their limits and on real numbers."""

import csv
from pathlib import Path

import pytest

from orrery.services.organization.rules import units


@pytest.mark.parametrize("code", ["HQ", "A", "H-1", "ABCDEFGHIJKL", "9"])
def test_a_code_is_one_to_twelve_capitals_digits_and_dashes(code: str) -> None:
    assert units.sound({"code": code}) == {"code": code}


@pytest.mark.parametrize("code", ["", "hq", "-H", "ABCDEFGHIJKLM", "A B", "Ä"])
def test_any_other_code_is_refused(code: str) -> None:
    with pytest.raises(units.UnitUnsound) as refusal:
        units.sound({"code": code})
    assert refusal.value.facts == {"field": "code", "value": code, "reason": "format"}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("country", "DE", "XX"),
        ("country", "TH", "DD"),
        ("currency", "EUR", "DEM"),
        ("currency", "JPY", "XXX"),
        ("time_zone", "Europe/Berlin", "Europe/Bonn"),
        ("language", "en-GB", "english"),
        ("language", "de", "DE"),
    ],
)
def test_codes_are_those_of_the_world_as_it_is(field: str, good: str, bad: str) -> None:
    assert units.sound({field: good}) == {field: good}
    with pytest.raises(units.UnitUnsound) as refusal:
        units.sound({field: bad})
    assert refusal.value.facts["field"] == field


def test_what_is_absent_or_empty_is_not_looked_at() -> None:
    assert units.sound({"iban": None, "name": "x"}) == {"iban": None, "name": "x"}


def test_decimal_and_thousands_separator_differ() -> None:
    assert units.sound({"decimal_separator": ",", "thousands_separator": ""})
    with pytest.raises(units.UnitUnsound) as refusal:
        units.sound({"decimal_separator": ",", "thousands_separator": ","})
    assert refusal.value.facts["reason"] == "same_as_decimal"


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("DE 136.695.976", "DE", "DE136695976"),
        ("136695976", "DE", "DE136695976"),
        ("ATU 40698107", "AT", "ATU40698107"),
        ("EL 094259216", "GR", "EL094259216"),
        ("GB 980 7806 84", "GB", "980780684"),
        ("anything-1", "US", "ANYTHING1"),
    ],
)
def test_a_vat_number_is_kept_compact(written: str, country: str, kept: str) -> None:
    assert units.vat_number(written, country=country) == kept


@pytest.mark.parametrize(
    ("number", "country", "reason"),
    [
        ("DE136695978", "DE", "InvalidChecksum"),
        ("DE1366959", "DE", "InvalidLength"),
        ("802311781", "GB", "InvalidChecksum"),
    ],
)
def test_a_wrong_vat_number_is_refused(number: str, country: str, reason: str) -> None:
    with pytest.raises(units.UnitUnsound) as refusal:
        units.sound({"vat_number": number, "country": country})
    assert refusal.value.facts == {"field": "vat_number", "value": number, "reason": reason}


def test_the_vat_number_of_another_country_is_refused() -> None:
    with pytest.raises(units.UnitUnsound):
        units.vat_number("ATU40698107", country="DE")


def test_an_iban_is_kept_compact_and_its_checksum_counts() -> None:
    assert units.iban("DE89 3704 0044 0532 0130 00") == "DE89370400440532013000"
    with pytest.raises(units.UnitUnsound) as refusal:
        units.iban("DE89 3704 0044 0532 0130 01")
    assert refusal.value.facts["field"] == "iban"


@pytest.fixture
def vectors() -> list[dict[str, str]]:
    path = Path(__file__).parents[4] / "shared" / "data" / "id_vectors" / "numbers_half.csv"
    if not path.exists():
        pytest.skip("the identifier vectors are not on this machine")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_published_vat_vector_is_judged_as_published(vectors: list[dict[str, str]]) -> None:
    """Issue 2 B: VAT and IBAN numbers checked on ``data/id_vectors``."""
    judged = {"eu_vat": 0, "gb_vat": 0, "iban": 0}
    wrong = []
    for row in vectors:
        if row["kind"] in judged:
            judged[row["kind"]] += 1
            if _is_accepted(row) != (row["expected"] == "valid"):
                wrong.append((row["kind"], row["number"], row["expected"]))
    assert wrong == []
    assert judged == {"eu_vat": 378, "gb_vat": 32, "iban": 123}


def _is_accepted(row: dict[str, str]) -> bool:
    number = row["number"].strip()
    try:
        if row["kind"] == "iban":
            units.iban(number)
        else:
            prefix = "GB" if row["kind"] == "gb_vat" else number[:2].upper()
            country = {"EL": "GR", "XI": "GB"}.get(prefix, prefix)
            units.sound({"vat_number": number, "country": country})
    except units.UnitUnsound:
        return False
    return True


def test_the_books_currency_stays() -> None:
    units.refuse_other_currency(kept="EUR", wanted=None)
    units.refuse_other_currency(kept="EUR", wanted="EUR")
    with pytest.raises(units.CurrencyFixed) as refusal:
        units.refuse_other_currency(kept="EUR", wanted="USD")
    assert refusal.value.facts == {"currency": "EUR", "wanted": "USD"}


def test_headquarters_archived_and_used_units_are_protected() -> None:
    units.refuse_losing_headquarters(is_headquarters=False, code="A")
    units.refuse_archived(is_archived=False, code="A")
    units.refuse_in_use(code="A", members=0)
    with pytest.raises(units.HeadquartersNeeded):
        units.refuse_losing_headquarters(is_headquarters=True, code="A")
    with pytest.raises(units.UnitArchived):
        units.refuse_archived(is_archived=True, code="A")
    with pytest.raises(units.UnitInUse) as refusal:
        units.refuse_in_use(code="A", members=1)
    assert refusal.value.facts == {"code": "A", "members": 1}


@pytest.mark.parametrize(
    ("language", "formats"),
    [
        ("de", ("dd.MM.yyyy", ",", ".")),
        ("de-CH", ("dd.MM.yyyy", ".", "'")),
        ("de-LU", ("dd.MM.yyyy", ",", ".")),
        ("en-US", ("MM/dd/yyyy", ".", ",")),
        ("xx", ("yyyy-MM-dd", ".", ",")),
    ],
)
def test_formats_follow_the_language(language: str, formats: tuple[str, str, str]) -> None:
    assert units.formats_of(language) == formats
