"""Who is billed: countries, VAT numbers, bank accounts and addresses, read as people write them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from babel import Locale
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum import get_cc_module
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as gb_vat

from orrery.kernel.types.refusal import Refusal

# Blanks of every kind, dots, dashes and slashes carry no meaning in these numbers.
_FILLERS = re.compile(r"[\s.\-\u2010-\u2015/\u00a0]+")
# Names that are in daily use but are not what the CLDR calls the country.
_EVERYDAY = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "usa": "US",
    "united states of america": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "south korea": "KR",
    "korea": "KR",
    "russia": "RU",
}
# The EU writes Greece EL; Northern Ireland keeps XI numbers since 2021.
_EU_PREFIX = {"GR": "EL"}
_BRITISH = ("GB", "XI")
# Not countries but schemes of the EU's one-stop shop.
_EU_SCHEMES = ("EL", "EU", "IM")
# Where the VAT number is the company's number with a suffix that is often left away.
_COMPANY_NUMBER = {"CH": "uid", "NO": "orgnr"}


class VatNumberInvalid(Refusal):
    """The VAT number fails its country's format or check digits."""

    code = "invoicing.vat_number_invalid"


class IbanInvalid(Refusal):
    """The IBAN fails its country's format or its check digits (ISO 13616)."""

    code = "invoicing.iban_invalid"


class CountryUnknown(Refusal):
    """The text is neither an ISO 3166 code nor the name of a country."""

    code = "invoicing.country_unknown"


class CurrencyUnknown(Refusal):
    """The text is not a currency code of ISO 4217."""

    code = "invoicing.currency_unknown"


def compact(number: str) -> str:
    """A number without blanks, dots and dashes, in capitals."""
    return _FILLERS.sub("", number).upper()


def country_code(text: str) -> str:
    """The ISO 3166 code of a country given as code or English name. Refuses: CountryUnknown."""
    wanted = text.strip()
    if len(wanted) == 2 and wanted.upper() in _countries().values():
        return wanted.upper()
    code = _EVERYDAY.get(wanted.lower()) or _countries().get(wanted.lower())
    if code is None:
        raise CountryUnknown(country=wanted)
    return code


def currency_code(text: str) -> str:
    """The ISO 4217 code in capitals. Refuses: CurrencyUnknown."""
    wanted = text.strip().upper()
    if wanted not in _currencies():
        raise CurrencyUnknown(currency=wanted)
    return wanted


def vat_number(text: str, country: str | None) -> str:
    """The VAT number in its plain form with its prefix. Refuses: VatNumberInvalid.

    The number may carry its prefix or not; without one the customer's country decides. Countries
    that have no VAT number in the register of checks are taken as they are.
    """
    plain = compact(text)
    for candidate in _spellings(plain, country):
        checked = _checked_vat(candidate)
        if checked is not None:
            return checked
    if country is not None and not _is_checked(country) and re.fullmatch(r"[A-Z0-9]{4,20}", plain):
        return plain
    raise VatNumberInvalid(vat_number=text, country=country)


def iban(text: str) -> str:
    """The IBAN in its plain form. Refuses: IbanInvalid."""
    plain = compact(text)
    try:
        # National check digits inside the account part are not verified: banks issue accounts
        # that predate them, and the published test numbers contain such.
        return str(IBAN(plain))
    except (SchwiftyException, ValueError) as error:
        raise IbanInvalid(iban=text, reason=type(error).__name__) from error


def bank_of(plain_iban: str) -> str | None:
    """The BIC that an IBAN's bank code stands for, when the register knows it."""
    try:
        bic: BIC | None = IBAN(plain_iban).bic
    except (SchwiftyException, ValueError):
        return None
    return str(bic) if bic else None


def address_lines(party: Mapping[str, Any], language: str = "en") -> list[str]:
    """A postal address as it is printed: street lines, then town, region and country."""
    town = " ".join(part for part in (party.get("postal_code"), party.get("city")) if part)
    region, country = party.get("region"), party.get("country")
    lines = [*party.get("address_lines", []), town]
    if region:
        lines.append(region)
    if country:
        lines.append(Locale.parse(language).territories.get(country, country))
    return [line for line in lines if line]


def _spellings(plain: str, country: str | None) -> list[str]:
    """The number as given, then with the prefix of the customer's country."""
    if country is None:
        return [plain, f"GB{plain}"]
    prefix = _EU_PREFIX.get(country, country)
    return [plain, f"{prefix}{plain}"] if plain.startswith(prefix) else [f"{prefix}{plain}", plain]


def _checked_vat(number: str) -> str | None:
    """The number when a check knows its prefix and finds it right."""
    prefix = number[:2]
    if prefix in _BRITISH:
        return _passed(gb_vat, number[2:], prefix)
    if prefix.lower() in eu_vat.MEMBER_STATES or prefix in _EU_SCHEMES:
        return _passed(eu_vat, number, "")
    for rest in (number[2:], number):
        for module in _modules(prefix):
            checked = _passed(module, rest, prefix)
            if checked is not None:
                return checked
    return None


def _passed(module: Any, number: str, prefix: str) -> str | None:
    try:
        return prefix + str(module.validate(number)).removeprefix(prefix)
    except ValidationError:
        return None


def _is_checked(country: str) -> bool:
    return country in _BRITISH or country.lower() in eu_vat.MEMBER_STATES or bool(_modules(country))


@cache
def _modules(country: str) -> list[Any]:
    """The checks of a country's VAT number outside the EU; none for many countries."""
    names = ["vat", *([_COMPANY_NUMBER[country]] if country in _COMPANY_NUMBER else [])]
    found = [get_cc_module(country.lower(), name) for name in names if country.isalpha()]
    return [module for module in found if module is not None]


@cache
def _country_names() -> dict[str, str]:
    territories = Locale("en").territories
    return {code: name for code, name in territories.items() if re.fullmatch("[A-Z]{2}", code)}


@cache
def _countries() -> dict[str, str]:
    # ZZ and the like are placeholders of the CLDR, EU and UN are not countries.
    outside = {"ZZ", "XA", "XB", "EU", "EZ", "UN", "QO"}
    return {n.lower(): code for code, n in _country_names().items() if code not in outside}


@cache
def _currencies() -> frozenset[str]:
    return frozenset(Locale("en").currencies)
