"""What is printed: a document's figures as texts in its language, ready for the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from segno import helpers

from orrery.kernel.types.money import minor_units
from orrery.services.invoicing.rules.parties import address_lines

HUNDRED = Decimal(100)
# The European Payments Council's QR code carries euros and at most this much (EPC069-12).
QR_LIMIT = Decimal("999999999.99")
QR_NAME_LENGTH = 70


@dataclass(frozen=True)
class Tongue:
    """A language: its labels, and how it writes days, numbers and amounts."""

    language: str
    labels: Mapping[str, str]
    locale: Locale

    def day(self, day: date) -> str:
        """A date as people write it."""
        return format_date(day, format="medium", locale=self.locale)

    def number(self, value: Decimal) -> str:
        """A quantity or rate without needless zeros."""
        return format_decimal(value, format="#,##0.######", locale=self.locale)

    def price(self, value: Decimal, currency: str) -> str:
        """A unit price: at least the currency's places, at most six."""
        places = minor_units(currency)
        pattern = "#,##0" + ("." if places else "") + "0" * places + "#" * (6 - places)
        return format_decimal(value, format=pattern, locale=self.locale)

    def amount(self, value: Decimal, currency: str) -> str:
        """An amount with exactly its currency's places."""
        places = minor_units(currency)
        pattern = "#,##0" + ("." + "0" * places if places else "")
        return format_decimal(value, format=pattern, locale=self.locale)

    def money(self, value: Decimal, currency: str) -> str:
        """An amount with its currency."""
        return format_currency(value, currency, locale=self.locale, currency_digits=False,
                               format=self._money_pattern(currency))  # fmt: skip

    def percent(self, value: Decimal) -> str:
        """A rate in percent."""
        return f"{self.number(value)} %"

    def _money_pattern(self, currency: str) -> str:
        places = minor_units(currency)
        return "#,##0" + ("." + "0" * places if places else "") + "\u00a0¤¤"


def tongue(language: str, catalogue: Mapping[str, Mapping[str, str]]) -> Tongue:
    """A language that has labels, else English; the numbers follow the full tag (en-GB)."""
    primary = language.split("-")[0]
    spoken = primary if primary in catalogue else "en"
    try:
        locale = Locale.parse(language if spoken == primary else "en", sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(spoken)
    return Tongue(spoken, catalogue[spoken], locale)


@dataclass(frozen=True)
class Document:
    """Everything that one paper says, whatever its kind."""

    kind: str
    heading: Any
    lines: Sequence[Any]
    taxes: Sequence[Any]
    customer: Mapping[str, Any]
    seller: Mapping[str, Any]
    watermark: str | None
    invoice_number: str | None = None


def content(
    document: Document, speech: Tongue, look: Mapping[str, Any], paper: str
) -> dict[str, Any]:
    """The template's data."""
    heading, labels = document.heading, speech.labels
    seller = document.seller
    number = heading.number or ""
    name = seller.get("legal_name") or look.get("title") or ""
    lines, columns = _table(document, speech)
    is_invoice = document.kind == "invoice"
    return {
        "language": speech.language,
        "labels": dict(labels),
        "paper": paper,
        "title": f"{labels[document.kind]} {number}".strip(),
        "look": {
            "accent_colour": look["accent_colour"],
            "logo_text": look.get("logo_text") or seller.get("title") or look.get("title") or name,
        },
        "seller": {"legal_name": name},
        "sender": _sender(seller, name),
        "sender_line": " · ".join([name, *seller.get("address_lines", [])]),
        "recipient": _recipient(document.customer, speech),
        "facts": _facts(document, speech),
        "intro": None if is_invoice else f"{labels['reason']}: {heading.reason}",
        "columns": columns,
        "lines": lines,
        "totals": _totals(document, speech),
        "notes": getattr(heading, "notes", None),
        "payment": _payment(document, speech, name) if is_invoice else None,
        "footer": _footer(seller, name, labels),
        "watermark": labels[document.watermark] if document.watermark else None,
    }


def _sender(seller: Mapping[str, Any], name: str) -> list[str]:
    told = [seller.get("phone"), seller.get("email"), seller.get("website")]
    return [name, *seller.get("address_lines", []), *(text for text in told if text)]


def _recipient(customer: Mapping[str, Any], speech: Tongue) -> list[str]:
    contact = " ".join(
        part for part in (customer.get("contact_title"), customer.get("contact_person")) if part
    )
    name = customer.get("legal_name") or customer["name"]
    return [name, *([contact] if contact else []), *address_lines(customer, speech.language)]


def _facts(document: Document, speech: Tongue) -> list[list[str]]:
    heading, labels = document.heading, speech.labels
    due = getattr(heading, "due_on", None)
    facts = [
        (labels["number"], heading.number),
        (labels["for_invoice"], document.invoice_number),
        (labels["date"], speech.day(heading.document_date)),
        (labels["due"], speech.day(due) if due else None),
        (labels["customer"], document.customer.get("code")),
        (labels["your_vat_number"], document.customer.get("vat_number")),
        (labels["reference"], getattr(heading, "reference", None)),
    ]
    return [[label, text] for label, text in facts if text]


def _table(document: Document, speech: Tongue) -> tuple[list[list[Any]], list[dict[str, Any]]]:
    """Lines and headings; discounts and taxes have a column only where there are any."""
    labels, currency = speech.labels, document.heading.currency
    has_discount = any(line.discount_percent for line in document.lines)
    has_taxes = len(document.taxes) > 1
    shown = [
        ("position", False, True),
        ("description", True, False),
        ("quantity", False, True),
        ("unit_price", False, True),
        *([("discount", False, True)] if has_discount else []),
        *([("tax", False, True)] if has_taxes else []),
        ("amount", False, True),
    ]
    names = {record.tax_code: speech.percent(record.rate) for record in document.taxes}
    cells = [_cells(line, speech, currency, names) for line in document.lines]
    lines = [[row[key] for key, _, _ in shown] for row in cells]
    columns = [
        {
            "title": f"{labels[key]} {currency}" if key == "amount" else labels[key],
            "wide": wide,
            "right": right,
        }
        for key, wide, right in shown
    ]
    return lines, columns


def _cells(
    line: Any, speech: Tongue, currency: str, names: Mapping[str, str]
) -> dict[str, str | list[str]]:
    quantity = speech.number(line.quantity)
    codes = getattr(line, "tax_codes", [])
    return {
        "position": str(line.position),
        "description": [line.description, getattr(line, "product_code", None) or ""],
        "quantity": f"{quantity} {line.unit}" if line.unit else quantity,
        "unit_price": speech.price(line.unit_price, currency),
        "discount": speech.percent(line.discount_percent) if line.discount_percent else "",
        "tax": ", ".join(names.get(code, code) for code in codes),
        "amount": speech.amount(line.amount, currency),
    }


def _totals(document: Document, speech: Tongue) -> list[dict[str, Any]]:
    heading, labels, currency = document.heading, speech.labels, document.heading.currency
    rows = [_row(labels["net"], speech.money(heading.total_net, currency))]
    for record in document.taxes:
        how = labels["included" if record.is_included else "plus"]
        # The rate must be on the paper, but many a tax is called by its rate already.
        rate = "" if "%" in record.name else f" {speech.percent(record.rate)}"
        base = speech.amount(record.base, currency)
        text = f"{how} {record.name}{rate} {labels['of']} {base}"
        rows.append(_row(text, speech.money(record.amount, currency)))
    rows.append(_row(labels["total"], speech.money(heading.total, currency), strong=True))
    reduced = [
        (labels[name.removeprefix("amount_")], getattr(heading, name, Decimal(0)))
        for name in ("amount_paid", "amount_credited", "amount_written_off")
    ]
    rows += [_row(label, speech.money(-amount, currency)) for label, amount in reduced if amount]
    if any(amount for _, amount in reduced):
        rows.append(_row(labels["open"], speech.money(heading.amount_open, currency), strong=True))
    return rows


def _row(label: str, amount: str, *, strong: bool = False) -> dict[str, Any]:
    return {"label": label, "amount": amount, "strong": strong}


def _payment(document: Document, speech: Tongue, name: str) -> dict[str, Any] | None:
    """How to pay; nothing when nothing is open any more."""
    heading, labels, currency = document.heading, speech.labels, document.heading.currency
    if heading.state in ("paid", "void"):
        return None
    iban, bank = document.seller.get("iban"), document.seller.get("bank_name")
    due = heading.total if heading.state == "draft" else heading.amount_open
    facts = [
        (labels["pay_by"], f"{speech.day(heading.due_on)}: {speech.money(due, currency)}"),
        (labels["account_holder"], name if iban else None),
        ("IBAN", _grouped(iban) if iban else None),
        (labels["bank"], bank if iban else None),
        (labels["purpose"], heading.number),
    ]
    if heading.discount_until and heading.discount_percent and heading.state != "draft":
        facts.insert(1, ("", _early(heading, speech)))
    return {
        "title": labels["payment"],
        "facts": [[label, text] for label, text in facts if text],
        "qr": _qr(heading, iban, name, due) if iban else None,
        "qr_label": labels["scan"],
    }


def _early(heading: Any, speech: Tongue) -> str:
    factor = (HUNDRED - heading.discount_percent) / HUNDRED
    return speech.labels["early"].format(
        percent=speech.percent(heading.discount_percent),
        day=speech.day(heading.discount_until),
        amount=speech.money(heading.total * factor, heading.currency),
    )


def _qr(heading: Any, iban: str, name: str, due: Decimal) -> str | None:
    """The bank transfer as a QR code; only for euros, and only once there is a number to quote."""
    if heading.currency != "EUR" or not heading.number or not name or not 0 < due <= QR_LIMIT:
        return None
    code = helpers.make_epc_qr(
        name=name[:QR_NAME_LENGTH], iban=iban, amount=due, text=heading.number
    )
    return str(code.svg_inline(border=1))


def _grouped(iban: str) -> str:
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))


def _footer(seller: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> list[str]:
    parts = [
        (None, name),
        (labels["vat_number"], seller.get("vat_number")),
        (labels["tax_number"], seller.get("tax_number")),
        ("IBAN", _grouped(seller["iban"]) if seller.get("iban") else None),
    ]
    return [f"{label} {text}" if label else str(text) for label, text in parts if text]
