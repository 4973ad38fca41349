"""Business units: companies with their own books, currency, numbers and formats."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel.core import get_global
from stdnum import get_cc_module
from stdnum import iban as bank_account
from stdnum.eu import vat as european_vat
from stdnum.exceptions import ValidationError

from orrery.kernel.types.refusal import Refusal

CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,11}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
DATE_FORMATS = ("yyyy-MM-dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy")
DECIMAL_SEPARATORS = (".", ",")
# U+202F is the narrow no-break space that French and Swiss print between thousands.
THOUSANDS_SEPARATORS = (",", ".", " ", "\u202f", "'", "")
TAX_ROUNDINGS = ("line", "document")

# date, decimal, thousands: what a unit starts with when its language is known.
FORMATS: Mapping[str, tuple[str, str, str]] = {
    "de": ("dd.MM.yyyy", ",", "."),
    "de-AT": ("dd.MM.yyyy", ",", "."),
    "de-CH": ("dd.MM.yyyy", ".", "'"),
    "en": ("yyyy-MM-dd", ".", ","),
    "en-GB": ("dd/MM/yyyy", ".", ","),
    "en-US": ("MM/dd/yyyy", ".", ","),
    "es": ("dd/MM/yyyy", ",", "."),
    "fr": ("dd/MM/yyyy", ",", "\u202f"),
    "it": ("dd/MM/yyyy", ",", "."),
    "nl": ("dd/MM/yyyy", ",", "."),
    "pl": ("dd.MM.yyyy", ",", " "),
    "pt": ("dd/MM/yyyy", ",", "."),
    "th": ("dd/MM/yyyy", ".", ","),
}


class UnitCodeTaken(Refusal):
    """Another business unit has this code."""

    code = "organization.unit_code_taken"


class UnitUnsound(Refusal):
    """A particular of the unit cannot be right: the facts name the field and why."""

    code = "organization.unit_unsound"


class CurrencyFixed(Refusal):
    """A unit's books are kept in one currency from its first day; another needs another unit."""

    code = "organization.currency_fixed"


class HeadquartersNeeded(Refusal):
    """There is exactly one headquarters: name another before this one goes."""

    code = "organization.headquarters_needed"


class UnitArchived(Refusal):
    """The unit is archived; restore it first."""

    code = "organization.unit_archived"


class UnitInUse(Refusal):
    """Users still belong to the unit by default; move them first."""

    code = "organization.unit_in_use"


@lru_cache
def countries() -> frozenset[str]:
    """Codes of the countries that have a legal tender today (CLDR)."""
    tenders = get_global("territory_currencies")
    return frozenset(
        country for country, uses in tenders.items() if any(_in_use(use) for use in uses)
    )


@lru_cache
def currencies() -> frozenset[str]:
    """Codes of the currencies that are legal tender somewhere today (CLDR)."""
    tenders = get_global("territory_currencies")
    return frozenset(use[0] for uses in tenders.values() for use in uses if _in_use(use))


def formats_of(language: str) -> tuple[str, str, str]:
    """Date format, decimal and thousands separator that a language usually goes with."""
    return FORMATS.get(language) or FORMATS.get(language.partition("-")[0]) or FORMATS["en"]


def sound(particulars: Mapping[str, Any]) -> dict[str, Any]:
    """The particulars in their normal form; what is absent is not looked at.

    Refuses: UnitUnsound.
    """
    kept = dict(particulars)
    for field, check in _CHECKS.items():
        if kept.get(field) is not None:
            kept[field] = check(kept[field])
    _check_separators(kept)
    if kept.get("vat_number"):
        kept["vat_number"] = vat_number(kept["vat_number"], country=str(kept.get("country")))
    return kept


def vat_number(number: str, *, country: str) -> str:
    """A VAT number in its compact form, checked by its country's rule. Refuses: UnitUnsound."""
    bare = re.sub(r"[\s.-]", "", number).upper()
    # Greece writes EL before its VAT numbers; Northern Ireland keeps European ones as XI.
    is_northern_irish = country == "GB" and bare.startswith("XI")
    prefix = "XI" if is_northern_irish else "EL" if country == "GR" else country
    is_european = is_northern_irish or country.lower() in european_vat.MEMBER_STATES
    module: Any = european_vat if is_european else get_cc_module(country, "vat")
    if module is None:
        return bare
    full = prefix + bare if is_european and not bare.startswith(prefix) else bare
    try:
        compact = str(module.validate(full))
    except ValidationError as error:
        raise UnitUnsound(field="vat_number", value=number, reason=type(error).__name__) from error
    return compact


def iban(number: str) -> str:
    """An IBAN in its compact form, checked by length and checksum. Refuses: UnitUnsound."""
    try:
        return str(bank_account.validate(number, check_country=False))
    except ValidationError as error:
        raise UnitUnsound(field="iban", value=number, reason=type(error).__name__) from error


def refuse_other_currency(*, kept: str, wanted: str | None) -> None:
    """Refuses: CurrencyFixed."""
    if wanted is not None and wanted != kept:
        raise CurrencyFixed(currency=kept, wanted=wanted)


def refuse_losing_headquarters(*, is_headquarters: bool, code: str) -> None:
    """Refuses: HeadquartersNeeded."""
    if is_headquarters:
        raise HeadquartersNeeded(code=code)


def refuse_archived(*, is_archived: bool, code: str) -> None:
    """Refuses: UnitArchived."""
    if is_archived:
        raise UnitArchived(code=code)


def refuse_in_use(*, code: str, members: int) -> None:
    """Refuses: UnitInUse."""
    if members:
        raise UnitInUse(code=code, members=members)


def _in_use(use: tuple[Any, Any, Any, bool]) -> bool:
    _, _, end, is_tender = use
    return end is None and is_tender


def _matching(field: str, pattern: re.Pattern[str]) -> Any:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise UnitUnsound(field=field, value=value, reason="format")
        return value

    return check


def _country(value: str) -> str:
    if value not in countries():
        raise UnitUnsound(field="country", value=value, reason="unknown")
    return value


def _currency(value: str) -> str:
    if value not in currencies():
        raise UnitUnsound(field="currency", value=value, reason="unknown")
    return value


def _time_zone(value: str) -> str:
    if value not in available_zones():
        raise UnitUnsound(field="time_zone", value=value, reason="unknown")
    return value


@lru_cache
def available_zones() -> frozenset[str]:
    """IANA names of the time zones known here."""
    return frozenset(available_timezones())


def _check_separators(kept: Mapping[str, Any]) -> None:
    decimal, thousands = kept.get("decimal_separator"), kept.get("thousands_separator")
    if decimal is not None and decimal == thousands:
        raise UnitUnsound(field="thousands_separator", value=thousands, reason="same_as_decimal")


_CHECKS: Mapping[str, Any] = {
    "code": _matching("code", CODE),
    "country": _country,
    "currency": _currency,
    "time_zone": _time_zone,
    "language": _matching("language", LANGUAGE),
    "iban": iban,
}
