"""When depreciation begins and ends: which share of each fiscal year, spread over which months.

Conventions (IRS Publication 946, "Which Convention Applies?"; IAS 16, paragraph 55):

* ``full_month``: the month of acquisition counts in full, the month of disposal not at all;
* ``daily``: pro rata by days, from the day of acquisition through the day of disposal;
* ``half_year``: half a year in the first fiscal year, whenever in it the asset was bought;
* ``mid_quarter``: from the middle of the quarter of acquisition;
* ``none``: a full year in the fiscal year of acquisition and nothing in that of disposal.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

Convention = Literal["full_month", "daily", "half_year", "mid_quarter", "none"]

ONE_DAY = timedelta(days=1)
_YEAR = 12
_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class MonthPart:
    """One month of a fiscal year and its weight in that year's depreciation."""

    starts_on: date
    ends_on: date
    weight: Fraction


@dataclass(frozen=True)
class YearPart:
    """The share of one fiscal year (1 = a whole year) and the months that bear it."""

    starts_on: date
    share: Fraction
    months: tuple[MonthPart, ...]


def month_index(on: date) -> int:
    """Months since year 0, so that months can be counted."""
    return on.year * _YEAR + on.month - 1


def month_start(index: int) -> date:
    """The first day of a counted month."""
    return date(index // _YEAR, index % _YEAR + 1, 1)


def month_end(index: int) -> date:
    """The last day of a counted month."""
    return month_start(index + 1) - ONE_DAY


def add_months(on: date, months: int) -> date:
    """The same day some months later, or the last of that month when it is shorter."""
    target = month_start(month_index(on) + months)
    return target.replace(day=min(on.day, monthrange(target.year, target.month)[1]))


def fiscal_year_of(on: date, first_month: int) -> int:
    """The counted month in which the fiscal year of a date begins."""
    index = month_index(on)
    return index - (index - (first_month - 1)) % _YEAR


def quarter_share(on: date, first_month: int) -> Fraction:
    """What the mid-quarter convention leaves of the first year: 87.5, 62.5, 37.5 or 12.5 %."""
    quarter = (month_index(on) - fiscal_year_of(on, first_month)) // 3
    return Fraction(7 - 2 * quarter, 8)


def year_parts(
    convention: Convention, *, starts_on: date, life_months: int, first_month: int
) -> list[YearPart]:
    """The fiscal years in which an asset depreciates; the shares add up to its life in years."""
    remaining = Fraction(life_months, _YEAR)
    year = fiscal_year_of(starts_on, first_month)
    parts: list[YearPart] = []
    while remaining:
        share = min(remaining, _share(convention, starts_on, life_months, year))
        months = _months(convention, starts_on, life_months, year, is_last=share == remaining)
        parts.append(YearPart(month_start(year), share, months))
        remaining -= share
        year += _YEAR
    return parts


def disposal_share(convention: Convention, part: YearPart, *, disposed_on: date) -> Fraction:
    """Which part of a fiscal year's depreciation is taken when the asset leaves within it.

    Only for conventions that fix the share; the year of acquisition itself then gives nothing
    (Publication 946: no deduction for property bought and disposed of in the same year).
    """
    if convention == "half_year":
        allowed = _HALF
    elif convention == "mid_quarter":
        allowed = 1 - quarter_share(disposed_on, part.starts_on.month)
    else:
        allowed = Fraction(0)
    return min(part.share, allowed) / part.share


def _share(convention: Convention, starts_on: date, life_months: int, year: int) -> Fraction:
    """The most that one fiscal year can take."""
    first_year = year <= month_index(starts_on)
    if convention == "daily":
        return _daily_share(starts_on, life_months, year)
    if not first_year:
        return Fraction(1)
    if convention == "half_year":
        return _HALF
    if convention == "mid_quarter":
        return quarter_share(starts_on, month_start(year).month)
    if convention == "full_month":
        return Fraction(year + _YEAR - month_index(starts_on), _YEAR)
    return Fraction(1)


def _daily_share(starts_on: date, life_months: int, year: int) -> Fraction:
    begins, after = month_start(year), month_start(year + _YEAR)
    if add_months(starts_on, life_months) <= after:
        return Fraction(life_months)
    return Fraction((after - max(begins, starts_on)).days, (after - begins).days)


def _months(
    convention: Convention, starts_on: date, life_months: int, year: int, *, is_last: bool
) -> tuple[MonthPart, ...]:
    """The months of a fiscal year that bear its depreciation; at least one."""
    first = max(year, month_index(starts_on))
    if convention == "daily":
        begin, end = starts_on, add_months(starts_on, life_months) if is_last else None
        months = [_days_of(index, begin, end) for index in range(first, year + _YEAR)]
    else:
        end_of_life = _effective_start(convention, starts_on, year) + life_months
        last = min(end_of_life, Fraction(year + _YEAR)) if is_last else Fraction(year + _YEAR)
        last = max(last, Fraction(first + 1))
        months = [
            MonthPart(
                max(month_start(index), starts_on), month_end(index), min(Fraction(1), last - index)
            )
            for index in range(first, year + _YEAR)
        ]
    return tuple(month for month in months if month.weight > 0)


def _days_of(index: int, begin: date, end: date | None) -> MonthPart:
    starts_on = max(month_start(index), begin)
    ends_on = min(month_end(index), end - ONE_DAY) if end else month_end(index)
    return MonthPart(starts_on, ends_on, Fraction((ends_on - starts_on).days + 1))


def _effective_start(convention: Convention, starts_on: date, year: int) -> Fraction:
    """The counted month from which the life is measured, as the convention pretends."""
    acquired = month_index(starts_on)
    if convention == "full_month":
        return Fraction(acquired)
    acquired_year = acquired - (acquired - year) % _YEAR
    if convention == "half_year":
        return Fraction(acquired_year + 6)
    if convention == "mid_quarter":
        return acquired_year + Fraction(3, 2) + 3 * ((acquired - acquired_year) // 3)
    return Fraction(acquired_year)
