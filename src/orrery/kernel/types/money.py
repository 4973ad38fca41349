"""Money on Decimal: amounts with a currency, rounded half-up to its minor units (ISO 4217)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from orrery.kernel.types.refusal import Refusal

# ISO 4217 currencies whose minor unit is not two digits.
MINOR_UNITS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


class CurrencyMismatch(Refusal):
    """Two amounts in different currencies were added or compared."""

    code = "kernel.currency_mismatch"


def minor_units(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217)."""
    return MINOR_UNITS.get(currency, 2)


def round_half_up(value: Decimal, places: int) -> Decimal:
    """Round half away from zero to a number of decimal places (DESIGN 9)."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def round_money(value: Decimal, currency: str) -> Decimal:
    """Round an amount half-up to the currency's minor units."""
    return round_half_up(value, minor_units(currency))


def split_evenly(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split an amount by weights; the rounded parts add up to it (largest remainder method)."""
    total = sum(weights, Decimal(0))
    if total == 0:
        weights, total = [Decimal(1)] * len(weights), Decimal(len(weights))
    step = Decimal(1).scaleb(-minor_units(currency))
    exact = [amount * weight / total for weight in weights]
    parts = [round_money(part, currency) for part in exact]
    missing = int((amount - sum(parts, Decimal(0))) / step)
    sign = 1 if missing > 0 else -1
    order = sorted(range(len(parts)), key=lambda i: (exact[i] - parts[i]) * sign, reverse=True)
    for i in range(abs(missing)):
        parts[order[i % len(order)]] += sign * step
    return parts


@dataclass(frozen=True, order=False)
class Money:
    """An amount in one currency; adding two currencies is refused."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", Decimal(self.amount))

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(left=self.currency, right=other.currency)
        return other.amount

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        return Money(self.amount * factor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def rounded(self) -> "Money":
        """The amount rounded half-up to the currency's minor units."""
        return Money(round_money(self.amount, self.currency), self.currency)

    @property
    def is_zero(self) -> bool:
        return self.amount == 0
