"""Schedules, book values and disposal of one asset in one book: pure arithmetic on dates.

Depreciation begins when the asset is available for use and ends when it is disposed of or when the
residual value is reached (IAS 16, paragraphs 54 and 55); it goes on while the asset is idle.
Amounts are rounded on the accumulated depreciation, so rounding never adds up and the last row
closes exactly at salvage.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from orrery.kernel.types.money import round_half_up, round_money
from orrery.services.assets.rules.conventions import (
    ONE_DAY,
    MonthPart,
    YearPart,
    add_months,
    disposal_share,
    month_end,
    month_index,
    month_start,
    year_parts,
)
from orrery.services.assets.rules.methods import times, year_amounts
from orrery.services.assets.rules.plans import Plan
from orrery.services.assets.rules.spreadsheet import PRECISION

# Divisions leave noise in the 50th digit; it is cut before rounding, or 0.00499...9 would round
# to a cent less than the 0.005 it stands for.
_CLEAN_PLACES = 20


@dataclass(frozen=True)
class Row:
    """One period of a schedule."""

    period_start: date
    period_end: date
    opening: Decimal
    depreciation: Decimal
    accumulated: Decimal
    closing: Decimal


def schedule(plan: Plan, *, until: date | None = None) -> list[Row]:
    """The rows of a plan from the first day of use to the end of its life.

    Units of production have no end by time: their rows reach to the last use, or to ``until``.
    """
    with localcontext(prec=PRECISION):
        if plan.method == "units_of_production":
            return _rows(plan, _usage_totals(plan, until))
        return _rows(plan, _month_totals(plan))


def depreciated_by(plan: Plan, on: date) -> Decimal:
    """Depreciation accumulated at the end of a day, also within a period (by days)."""
    with localcontext(prec=PRECISION):
        if plan.method == "units_of_production":
            return _rounded(plan, _used(plan, on))
        taken = Decimal(0)
        for month, total in _months(plan):
            if on < month.starts_on:
                break
            if on < month.ends_on:
                passed, days = on - month.starts_on + ONE_DAY, month.ends_on - month.starts_on
                taken += (total - taken) * passed.days / (days.days + 1)
                break
            taken = total
        return _rounded(plan, taken)


def book_value(plan: Plan, on: date) -> Decimal:
    """Cost less the depreciation accumulated at the end of a day."""
    return plan.cost - depreciated_by(plan, on)


def depreciated_at_disposal(plan: Plan, on: date) -> Decimal:
    """Depreciation that an asset has borne when it leaves on a day, by the book's convention."""
    if plan.convention == "daily" or plan.method == "units_of_production":
        return depreciated_by(plan, on)
    if plan.convention == "full_month":
        return depreciated_by(plan, month_start(month_index(on)) - ONE_DAY)
    with localcontext(prec=PRECISION):
        taken = Decimal(0)
        for position, (part, amount) in enumerate(_years(plan)):
            if on < part.starts_on:
                break
            if on < add_months(part.starts_on, 12):
                share = disposal_share(plan.convention, part, disposed_on=on)
                taken += times(amount, share) if position else Decimal(0)
                break
            taken += amount
        return _rounded(plan, taken)


def period_of(plan: Plan, on: date) -> tuple[date, date]:
    """First and last day of the posting period of a date, aligned to the fiscal year."""
    first = _period_index(plan, month_index(on))
    return max(month_start(first), plan.starts_on), month_end(first + plan.period_months - 1)


def _years(plan: Plan) -> list[tuple[YearPart, Decimal]]:
    parts = year_parts(
        plan.convention,
        starts_on=plan.starts_on,
        life_months=plan.life_months,
        first_month=plan.first_month,
    )
    return list(zip(parts, year_amounts(plan, [part.share for part in parts]), strict=True))


def _months(plan: Plan) -> Iterator[tuple[MonthPart, Decimal]]:
    """Every month of the life with the depreciation accumulated at its end, unrounded."""
    taken = Decimal(0)
    for part, amount in _years(plan):
        whole = sum((month.weight for month in part.months), Fraction(0))
        passed = Fraction(0)
        for month in part.months:
            passed += month.weight
            yield month, taken + times(amount, passed / whole)
        taken += amount


def _month_totals(plan: Plan) -> list[tuple[int, Decimal]]:
    totals = [(month_index(month.starts_on), total) for month, total in _months(plan)]
    # The sum of unrounded parts may miss the whole by its last digit.
    totals[-1] = (totals[-1][0], plan.base)
    return totals


def _usage_totals(plan: Plan, until: date | None) -> list[tuple[int, Decimal]]:
    last = max([plan.starts_on, *(usage.on for usage in plan.usage), *([until] if until else [])])
    first = month_index(plan.starts_on)
    return [(index, _used(plan, month_end(index))) for index in range(first, month_index(last) + 1)]


def _used(plan: Plan, on: date) -> Decimal:
    """(cost - salvage) x units produced so far / units expected, at most all of it."""
    units = sum((usage.units for usage in plan.usage if usage.on <= on), Decimal(0))
    if not plan.units_total or units >= plan.units_total:
        return plan.base
    return plan.base * units / plan.units_total


def _rows(plan: Plan, totals: Sequence[tuple[int, Decimal]]) -> list[Row]:
    """Gather months into posting periods and round what has accumulated at the end of each."""
    by_period: dict[int, Decimal] = {}
    for index, total in totals:
        by_period[_period_index(plan, index)] = total
    rows, accumulated = [], Decimal(0)
    for first, total in by_period.items():
        before, accumulated = accumulated, _rounded(plan, total)
        rows.append(
            Row(
                period_start=max(month_start(first), plan.starts_on),
                period_end=month_end(first + plan.period_months - 1),
                opening=plan.cost - before,
                depreciation=accumulated - before,
                accumulated=accumulated,
                closing=plan.cost - accumulated,
            )
        )
    return rows


def _period_index(plan: Plan, index: int) -> int:
    """The first month of the posting period that a counted month belongs to."""
    return index - (index - (plan.first_month - 1)) % plan.period_months


def _rounded(plan: Plan, total: Decimal) -> Decimal:
    if total >= plan.base:
        return plan.base
    return min(round_money(round_half_up(total, _CLEAN_PLACES), plan.currency), plan.base)
