"""Reminders: which letter an overdue invoice gets next, its fee and the interest for the delay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orrery.kernel.types.money import round_money

DAYS_OF_YEAR = 365
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Level:
    """A letter: when it is sent, what it costs and what it says."""

    level: int
    days_after_due: int
    fee: Decimal
    currency: str
    interest_percent: Decimal
    text: str


def days_past(due_on: date, day: date) -> int:
    """How many days a payment is late; zero until the due date has passed."""
    return max((day - due_on).days, 0)


def next_level(
    levels: Sequence[Level],
    *,
    reached: int,
    days_late: int,
    days_since_reminder: int | None,
) -> Level | None:
    """The letter that is due now, or None.

    Letters come one after the other, and a customer has as long between two of them as the levels
    are apart, even when the first one went out late.
    """
    ordered = sorted(levels, key=lambda level: level.level)
    following = [level for level in ordered if level.level > reached]
    if not following or days_late < following[0].days_after_due:
        return None
    former = [level for level in ordered if level.level <= reached]
    if former and days_since_reminder is not None:
        apart = following[0].days_after_due - former[-1].days_after_due
        if days_since_reminder < apart:
            return None
    return following[0]


def fee_of(level: Level, currency: str) -> Decimal:
    """The level's fee; nothing on an invoice in another currency."""
    return round_money(level.fee if level.currency == currency else Decimal(0), currency)


def interest_of(level: Level, *, amount_open: Decimal, days_late: int, currency: str) -> Decimal:
    """Simple interest per year of 365 days on what is open since the due date."""
    exact = amount_open * level.interest_percent * days_late / HUNDRED / DAYS_OF_YEAR
    return round_money(exact, currency)
