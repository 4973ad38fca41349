"""What an invoice comes to: line amounts, taxes and totals, exact to the minor unit (FIN-7).

Amounts are rounded half-up per line or per document (DESIGN 9). Per document the lines' amounts and
the taxes are summed exactly and rounded once; the rounded total is then spread over the lines, so
that what is printed always adds up.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

from orrery.kernel.types.money import minor_units, round_half_up
from orrery.kernel.types.refusal import Refusal

Rounding = Literal["line", "document"]

ZERO = Decimal(0)
HUNDRED = Decimal(100)
# Products of three factors of 18 digits stay exact.
_DIGITS = 80
# Sums of quotients carry noise far behind the digits that rounding looks at.
_NOISE = Decimal(1).scaleb(-30)


class TaxCodeUnknown(Refusal):
    """A line names a tax code that does not exist or is archived."""

    code = "invoicing.tax_code_unknown"


class TaxCodeNotValid(Refusal):
    """A line names a tax code that is not valid on the document's date."""

    code = "invoicing.tax_code_not_valid"


@dataclass(frozen=True)
class Tax:
    """A tax as a line bears it; a compound tax is also levied on the taxes before it."""

    code: str
    name: str
    rate: Decimal
    is_included: bool = False
    is_compound: bool = False
    sequence: int = 10
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Item:
    """What one line asks for, before any rounding."""

    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = ZERO
    taxes: tuple[Tax, ...] = ()

    @property
    def exact(self) -> Decimal:
        """Quantity times price less discount; with included taxes when the price has them."""
        return self.quantity * self.unit_price * (HUNDRED - self.discount_percent) / HUNDRED


@dataclass(frozen=True)
class LineAmounts:
    """What one line comes to: ``amount`` as the price says, ``net`` without any tax."""

    amount: Decimal
    net: Decimal


@dataclass(frozen=True)
class TaxAmount:
    """One tax on the whole document, as it is printed and stored."""

    tax: Tax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Totals:
    """A priced document."""

    lines: list[LineAmounts]
    taxes: list[TaxAmount]
    total_net: Decimal
    total_tax: Decimal
    total: Decimal


def price(items: Sequence[Item], *, currency: str, rounding: Rounding) -> Totals:
    """Price a document: lines, tax records and totals that add up to the minor unit."""
    places = minor_units(currency)
    with _exactly():
        priced = (
            _per_document(items, places) if rounding == "document" else _per_line(items, places)
        )
        lines, taxes = priced
        zero = round_half_up(ZERO, places)
        net = sum((line.net for line in lines), zero)
        tax = sum((record.amount for record in taxes), zero)
        return Totals(lines=lines, taxes=taxes, total_net=net, total_tax=tax, total=net + tax)


def taxes_of(codes: Sequence[str], known: dict[str, Tax], document_date: date) -> tuple[Tax, ...]:
    """The taxes of a line by their codes. Refuses: TaxCodeUnknown, TaxCodeNotValid."""
    found = []
    for code in codes:
        tax = known.get(code)
        if tax is None:
            raise TaxCodeUnknown(tax_code=code)
        if not is_valid_on(tax, document_date):
            raise TaxCodeNotValid(
                tax_code=code,
                document_date=document_date,
                valid_from=tax.valid_from,
                valid_to=tax.valid_to,
            )
        found.append(tax)
    return tuple(found)


def is_valid_on(tax: Tax, day: date) -> bool:
    """Whether a tax is in force; the first and the last day belong to it."""
    return (tax.valid_from is None or tax.valid_from <= day) and (
        tax.valid_to is None or day <= tax.valid_to
    )


def spread(total: Decimal, exact: Sequence[Decimal], places: int) -> list[Decimal]:
    """Round the parts so that they add up to the total; who was rounded most gives way first."""
    step = Decimal(1).scaleb(-places)
    parts = [round_half_up(part, places) for part in exact]
    missing = int((total - sum(parts, ZERO)) / step)
    sign = 1 if missing > 0 else -1
    order = sorted(range(len(parts)), key=lambda i: (exact[i] - parts[i]) * sign, reverse=True)
    for turn in range(abs(missing)):
        parts[order[turn % len(order)]] += sign * step
    return parts


@contextmanager
def _exactly() -> Iterator[None]:
    with localcontext() as context:
        context.prec = _DIGITS
        yield


def _rounded_quotient(value: Decimal, places: int) -> Decimal:
    return round_half_up(value.quantize(_NOISE, rounding=ROUND_HALF_EVEN), places)


def _in_order(taxes: Sequence[Tax]) -> list[Tax]:
    return sorted(taxes, key=lambda tax: (tax.sequence, tax.code))


def _factors(taxes: Sequence[Tax]) -> dict[str, Decimal]:
    """Each tax of a line as a part of its net amount, taxes on taxes worked out."""
    factors: dict[str, Decimal] = {}
    for tax in _in_order(taxes):
        before = sum(factors.values(), ZERO) if tax.is_compound else ZERO
        factors[tax.code] = tax.rate / HUNDRED * (1 + before)
    return factors


def _divisor(item: Item, factors: dict[str, Decimal]) -> Decimal:
    """What the amount is divided by to take the included taxes out."""
    return 1 + sum((factors[tax.code] for tax in item.taxes if tax.is_included), ZERO)


def _per_line(items: Sequence[Item], places: int) -> tuple[list[LineAmounts], list[TaxAmount]]:
    lines: list[LineAmounts] = []
    records: dict[str, TaxAmount] = {}
    for item in items:
        line, taxes = _one_line(item, places)
        lines.append(line)
        for record in taxes:
            former = records.get(record.tax.code)
            records[record.tax.code] = TaxAmount(
                record.tax,
                record.base + (former.base if former else ZERO),
                record.amount + (former.amount if former else ZERO),
            )
    order = [tax.code for tax in _in_order([record.tax for record in records.values()])]
    return lines, [records[code] for code in order]


def _one_line(item: Item, places: int) -> tuple[LineAmounts, list[TaxAmount]]:
    """A line with every amount rounded; included taxes are taken out of the rounded amount."""
    amount = round_half_up(item.exact, places)
    included = [tax.code for tax in item.taxes if tax.is_included]
    taken: dict[str, Decimal] = {}
    if included:
        factors = _factors(item.taxes)
        divisor = _divisor(item, factors)
        taken = {c: _rounded_quotient(amount * factors[c] / divisor, places) for c in included}
    net = amount - sum(taken.values(), ZERO)
    records: list[TaxAmount] = []
    for tax in _in_order(item.taxes):
        before = sum((record.amount for record in records), ZERO) if tax.is_compound else ZERO
        base = net + before
        due = taken.get(tax.code)
        if due is None:
            due = round_half_up(base * tax.rate / HUNDRED, places)
        records.append(TaxAmount(tax, base, due))
    return LineAmounts(amount=amount, net=net), records


def _per_document(items: Sequence[Item], places: int) -> tuple[list[LineAmounts], list[TaxAmount]]:
    """Sums first, one rounding for each figure, then the lines are made to fit."""
    exact = [item.exact for item in items]
    amounts = spread(round_half_up(sum(exact, ZERO), places), exact, places)
    factors = [_factors(item.taxes) for item in items]
    divisors = [_divisor(item, each) for item, each in zip(items, factors, strict=True)]
    taxes = _in_order(list({tax.code: tax for item in items for tax in item.taxes}.values()))
    bearers = {tax.code: [i for i, item in enumerate(items) if tax in item.taxes] for tax in taxes}
    taken = {
        tax.code: _rounded_quotient(
            sum((amounts[i] * factors[i][tax.code] / divisors[i] for i in bearers[tax.code]), ZERO),
            places,
        )
        for tax in taxes
        if tax.is_included
    }
    net = sum(amounts, ZERO) - sum(taken.values(), ZERO)
    nets = spread(net, [a / d for a, d in zip(amounts, divisors, strict=True)], places)
    lines = [LineAmounts(a, n) for a, n in zip(amounts, nets, strict=True)]
    return lines, _document_taxes(taxes, bearers, nets, factors, taken, places)


def _document_taxes(
    taxes: Sequence[Tax],
    bearers: dict[str, list[int]],
    nets: Sequence[Decimal],
    factors: Sequence[dict[str, Decimal]],
    taken: dict[str, Decimal],
    places: int,
) -> list[TaxAmount]:
    """Each tax once on its base; a compound tax counts the rounded taxes before it."""
    records: list[TaxAmount] = []
    for tax in taxes:
        mine = set(bearers[tax.code])
        base = sum((nets[i] for i in mine), ZERO)
        for former in records if tax.is_compound else []:
            shared = mine & set(bearers[former.tax.code])
            if len(shared) == len(bearers[former.tax.code]):
                base += former.amount
            else:
                part = sum((nets[i] * factors[i][former.tax.code] for i in shared), ZERO)
                base += round_half_up(part, places)
        due = taken.get(tax.code)
        if due is None:
            due = round_half_up(base * tax.rate / HUNDRED, places)
        records.append(TaxAmount(tax, base, due))
    return records
