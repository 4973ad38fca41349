"""What a credit note takes back: all that is left, single lines, or an amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orrery.kernel.types.money import round_money, split_evenly
from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.rules.pricing import Item, Rounding, TaxAmount, Totals, price

ZERO = Decimal(0)


class CreditBeyondOpen(Refusal):
    """The credit note is higher than what is open; payments have to be taken off first."""

    code = "invoicing.credit_beyond_open"


class CreditBeyondLine(Refusal):
    """More of a line is credited than was invoiced and is not credited yet."""

    code = "invoicing.credit_beyond_line"


class LineUnknown(Refusal):
    """The invoice has no line at that position."""

    code = "invoicing.line_unknown"


@dataclass(frozen=True)
class Remaining:
    """What is left of an invoice to credit: net and each tax with its base."""

    net: Decimal
    taxes: tuple[TaxAmount, ...]

    @property
    def total(self) -> Decimal:
        """What is left including taxes."""
        return self.net + sum((tax.amount for tax in self.taxes), ZERO)


@dataclass(frozen=True)
class Credit:
    """A credit note's figures."""

    net: Decimal
    taxes: tuple[TaxAmount, ...]

    @property
    def tax(self) -> Decimal:
        """The sum of the taxes."""
        # Starting from a zero of the amount's own places keeps "0.00" where there is no tax.
        return sum((tax.amount for tax in self.taxes), self.net * 0)

    @property
    def total(self) -> Decimal:
        """What the customer owes less."""
        return self.net + self.tax


def remaining(
    net: Decimal,
    taxes: Sequence[TaxAmount],
    credited: Sequence[tuple[str, Decimal, Decimal]],
    credited_net: Decimal,
) -> Remaining:
    """What earlier credit notes (tax code, base, amount) left of an invoice."""
    left = []
    for record in taxes:
        bases = [base for code, base, _ in credited if code == record.tax.code]
        amounts = [amount for code, _, amount in credited if code == record.tax.code]
        left.append(
            TaxAmount(
                record.tax, record.base - sum(bases, ZERO), record.amount - sum(amounts, ZERO)
            )
        )
    return Remaining(net - credited_net, tuple(left))


def credit_amount(amount: Decimal, left: Remaining, *, currency: str) -> Credit:
    """Split an amount over net and taxes as what is left divides; the last cent fits exactly."""
    if left.total <= 0 or amount > left.total:
        raise CreditBeyondOpen(amount=amount, open=left.total)
    parts = split_evenly(amount, [left.net, *(tax.amount for tax in left.taxes)], currency)
    taxes = tuple(
        TaxAmount(tax.tax, round_money(tax.base * amount / left.total, currency), part)
        for tax, part in zip(left.taxes, parts[1:], strict=True)
    )
    return Credit(parts[0], taxes)


def credit_lines(
    items: Sequence[Item], left: Remaining, *, is_rest: bool, currency: str, rounding: Rounding
) -> tuple[Credit, Totals]:
    """Price the quantities given back; the last of them takes exactly what is left."""
    totals = price(items, currency=currency, rounding=rounding)
    if is_rest:
        return Credit(left.net, left.taxes), totals
    return Credit(totals.total_net, tuple(totals.taxes)), totals


def check_credit(credit: Credit, *, open_amount: Decimal) -> None:
    """Whether a credit note fits. Refuses: CreditBeyondOpen."""
    if credit.total > open_amount or open_amount <= 0:
        raise CreditBeyondOpen(amount=credit.total, open=open_amount)


def check_quantity(*, position: int, wanted: Decimal, invoiced: Decimal, credited: Decimal) -> None:
    """Whether so much of a line is left to credit. Refuses: CreditBeyondLine."""
    left = invoiced - credited
    if abs(wanted) > abs(left) or wanted == 0 or (wanted > 0) != (invoiced > 0):
        raise CreditBeyondLine(position=position, wanted=wanted, left=left)
