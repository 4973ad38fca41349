"""Periods of a series: days, months, quarters or years between two dates."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from orrery.kernel.types.refusal import Malformed

# Ten years of months or a year of days; more points than that no chart can show.
POINTS_LIMIT = 400


class Grain(StrEnum):
    """How long one period of a series is."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class BadPeriod(Malformed):
    """The series ends before it starts, or it has more points than a chart can show."""

    code = "analytics.bad_period"


@dataclass(frozen=True)
class Period:
    """The days from ``start`` to ``end``, both included."""

    start: date
    end: date


def periods(grain: Grain, start: date, end: date) -> list[Period]:
    """The periods that cover two dates, cut to them at both ends. Refuses: BadPeriod."""
    if end < start:
        raise BadPeriod(start=start, end=end, reason="ends_before_it_starts")
    found: list[Period] = []
    first = start
    while first <= end:
        if len(found) == POINTS_LIMIT:
            raise BadPeriod(start=start, end=end, reason="too_many_points", limit=POINTS_LIMIT)
        following = _following(grain, first)
        found.append(Period(first, min(following - timedelta(days=1), end)))
        first = following
    return found


def label(grain: Grain, day: date) -> str:
    """How a period is called: 2026, 2026-Q3, 2026-07, 2026-07-14."""
    if grain is Grain.YEAR:
        return f"{day.year:04}"
    if grain is Grain.QUARTER:
        return f"{day.year:04}-Q{(day.month + 2) // 3}"
    return day.strftime("%Y-%m") if grain is Grain.MONTH else day.isoformat()


def _following(grain: Grain, day: date) -> date:
    """The first day of the period after the one that a day is in."""
    if grain is Grain.DAY:
        return day + timedelta(days=1)
    months = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}[grain]
    index = day.year * 12 + (day.month - 1)
    index += months - index % months
    return date(index // 12, index % 12 + 1, 1)
