"""Depreciation methods: how much of the depreciable amount each fiscal year takes.

Sources: IAS 16, paragraph 62 (straight line: constant over the life; diminishing balance:
decreasing over the life; units of production: by expected use) and IRS Publication 946, "Figuring
Depreciation Under MACRS" (declining balance with switch to straight line, tables A-1 to A-5).
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from orrery.kernel.types.money import round_half_up
from orrery.services.assets.rules.plans import MACRS_LIVES, Plan
from orrery.services.assets.rules.spreadsheet import fixed_rate

_HUNDRED = Decimal(100)


def times(amount: Decimal, share: Fraction) -> Decimal:
    """An amount times an exact share; multiplied first, so that what divides evenly stays exact."""
    return amount * share.numerator / share.denominator


def year_amounts(plan: Plan, shares: Sequence[Fraction]) -> list[Decimal]:
    """The depreciation of each fiscal year, unrounded; the last one leaves exactly the salvage."""
    amounts = _METHODS[plan.method](plan, shares)
    amounts[-1] = plan.base - sum(amounts[:-1], Decimal(0))
    return amounts


def straight_line(plan: Plan, shares: Sequence[Fraction]) -> list[Decimal]:
    """(cost - salvage) / life per year, times the share of the year."""
    return [times(plan.base, share / plan.life) for share in shares]


def sum_of_years(plan: Plan, shares: Sequence[Fraction]) -> list[Decimal]:
    """(cost - salvage) x years left / sum of the digits of the years.

    A year of life that spans two fiscal years gives each its part. For a life of W whole years
    and a fraction F the sum of digits is (W + 1)(W + 2F) / 2.
    """
    whole = _digits_until(plan.life, plan.life)
    amounts, passed = [], Fraction(0)
    for share in shares:
        digits = _digits_until(passed + share, plan.life) - _digits_until(passed, plan.life)
        amounts.append(times(plan.base, digits / whole))
        passed += share
    return amounts


def declining_balance(plan: Plan, shares: Sequence[Fraction]) -> list[Decimal]:
    """Book value at the start of the year x rate x share of the year, never below salvage.

    With the switch a year takes what is left over the remaining life, evenly, as soon as that is
    more; without it the last year takes the rest.
    """
    rate = declining_rate(plan)
    amounts: list[Decimal] = []
    value, remaining = plan.cost, plan.life
    for share in shares:
        room = value - plan.salvage
        amount = times(value, rate * share)
        if plan.switches:
            amount = max(amount, times(room, share / remaining))
        amounts.append(min(amount, room))
        value -= amounts[-1]
        remaining -= share
    return amounts


def declining_rate(plan: Plan) -> Fraction:
    """The yearly rate: as given, factor / life, or the fixed rate that ends at salvage."""
    if plan.rate is not None:
        return Fraction(plan.rate)
    if plan.factor is not None:
        return Fraction(plan.factor) / plan.life
    life = Decimal(plan.life.numerator) / plan.life.denominator
    return Fraction(fixed_rate(plan.cost, plan.salvage, life))


def macrs(plan: Plan, shares: Sequence[Fraction]) -> list[Decimal]:
    """The unadjusted basis x the percentage of Publication 946's tables; salvage does not count."""
    percentages = macrs_percentages(plan.life_months // 12, shares[0])
    return [plan.cost * percentage / _HUNDRED for percentage in percentages]


def macrs_percentages(recovery_years: int, first_share: Fraction) -> list[Decimal]:
    """A column of Publication 946's percentage tables, computed.

    ``first_share`` is 1/2 by the half-year convention (A-1); by the mid-quarter convention 7/8,
    5/8, 3/8 or 1/8 for the first to fourth quarter (A-2 to A-5). Each year's percentage is rounded
    and the next is taken from the rounded rest; so the printed tables come out to the last digit.
    """
    places = 3 if recovery_years == 20 else 2
    rate = Fraction(MACRS_LIVES[recovery_years * 12]) / recovery_years
    left, remaining = _HUNDRED, Fraction(recovery_years)
    percentages: list[Decimal] = []
    while remaining:
        share = min(remaining, first_share if not percentages else Fraction(1))
        declining, evenly = times(left, rate * share), times(left, share / remaining)
        percentages.append(round_half_up(max(declining, evenly), places))
        left -= percentages[-1]
        remaining -= share
    return percentages


def _digits_until(passed: Fraction, life: Fraction) -> Fraction:
    """The sum of years' digits used up after some years of life."""
    years = int(passed)
    digits = sum((life - year for year in range(years)), Fraction(0))
    left = life - years
    return digits + (passed - years) * (left if left >= 1 else 1)


_METHODS: Mapping[str, Callable[[Plan, Sequence[Fraction]], list[Decimal]]] = {
    "straight_line": straight_line,
    "sum_of_years": sum_of_years,
    "declining_balance": declining_balance,
    "macrs": macrs,
}
