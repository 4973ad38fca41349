"""Posting depreciation: which periods are due, for how much, and what may be taken back."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orrery.kernel.types.refusal import Refusal
from orrery.services.assets.rules.conventions import ONE_DAY
from orrery.services.assets.rules.depreciation import period_of, schedule
from orrery.services.assets.rules.plans import Plan


class BookCodeTaken(Refusal):
    """The asset has a book of this code."""

    code = "assets.book_code_taken"


class BookIsPosted(Refusal):
    """Depreciation is posted in this book; reverse it before changing its terms."""

    code = "assets.book_is_posted"


class AlreadyPosted(Refusal):
    """The period is posted in this book."""

    code = "assets.already_posted"


class NotTheLatestEntry(Refusal):
    """Only the latest posted period of a book can be reversed, and only once."""

    code = "assets.not_the_latest_entry"


class UseIsReversed(Refusal):
    """The recorded use was taken back, or is itself what took one back."""

    code = "assets.use_is_reversed"


@dataclass(frozen=True)
class Due:
    """An amount to post for a period."""

    period_start: date
    period_end: date
    amount: Decimal
    accumulated: Decimal


def due(
    plan: Plan, *, posted_through: date | None, posted_total: Decimal, through: date
) -> list[Due]:
    """The complete periods to post up to a day, oldest first; periods without an amount are none.

    What accumulates is compared with what is posted, so use that was recorded late is caught up.
    """
    found, total = [], posted_total
    for row in schedule(plan, until=through):
        is_posted = posted_through is not None and row.period_end <= posted_through
        if is_posted or row.period_end > through:
            continue
        if row.accumulated != total:
            amount = row.accumulated - total
            found.append(Due(row.period_start, row.period_end, amount, row.accumulated))
            total = row.accumulated
    return found


def next_end(plan: Plan, *, posted_through: date | None, posted_total: Decimal) -> date | None:
    """The end of the next period to post, or None when nothing is left to depreciate."""
    if posted_total >= plan.base:
        return None
    start = plan.starts_on
    if posted_through is not None and posted_through >= start:
        start = posted_through + ONE_DAY
    return period_of(plan, start)[1]


def last_end(plan: Plan, through: date, *, before: date | None) -> date | None:
    """The end of the last complete period up to a day: through then everything is posted."""
    start, end = period_of(plan, max(through, plan.starts_on))
    if end > through:
        end = start - ONE_DAY
    if end < plan.starts_on:
        return before
    return max(end, before) if before else end


def through_before(plan: Plan, period_start: date) -> date | None:
    """Through when a book is posted after the period that starts then was reversed."""
    return period_start - ONE_DAY if period_start > plan.starts_on else None
