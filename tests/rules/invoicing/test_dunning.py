"""Reminders by days past due, and the columns of the ageing report."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from orrery.services.invoicing.rules import ageing
from orrery.services.invoicing.rules.dunning import (
    Level,
    days_past,
    fee_of,
    interest_of,
    next_level,
)

LEVELS = [
    Level(1, 7, Decimal(0), "EUR", Decimal(0), "first"),
    Level(2, 21, Decimal(5), "EUR", Decimal(5), "second"),
    Level(3, 42, Decimal(10), "EUR", Decimal(9), "last"),
]


@pytest.mark.parametrize(
    "reached, days_late, since, level",
    [
        (0, 6, None, None),
        (0, 7, None, 1),
        # Letters come one after the other, even for who is very late.
        (0, 100, None, 1),
        (1, 20, 13, None),
        (1, 21, 14, 2),
        # The first letter went out late: the second waits its fourteen days all the same.
        (1, 100, 13, None),
        (1, 100, 14, 2),
        (2, 100, 20, None),
        (2, 100, 21, 3),
        (3, 1000, 900, None),
    ],
)
def test_which_letter_is_due(
    reached: int, days_late: int, since: int | None, level: int | None
) -> None:
    got = next_level(LEVELS[::-1], reached=reached, days_late=days_late, days_since_reminder=since)
    assert (got.level if got else None) == level


def test_without_levels_nobody_is_reminded() -> None:
    assert next_level([], reached=0, days_late=99, days_since_reminder=None) is None


@pytest.mark.parametrize("days, late", [(-1, 0), (0, 0), (1, 1), (400, 400)])
def test_a_payment_is_late_from_the_day_after_its_due_date(days: int, late: int) -> None:
    due = date(2026, 1, 10)
    assert days_past(due, due + timedelta(days=days)) == late


def test_interest_is_simple_and_counts_days_of_365() -> None:
    """9 % a year on 1,000.00 for 73 days is a fifth of 90.00."""
    amount = interest_of(LEVELS[2], amount_open=Decimal("1000.00"), days_late=73, currency="EUR")
    assert str(amount) == "18.00"


def test_a_fee_is_charged_in_its_own_currency_only() -> None:
    assert str(fee_of(LEVELS[1], "EUR")) == "5.00"
    assert str(fee_of(LEVELS[1], "USD")) == "0.00"


@pytest.mark.parametrize(
    "days, column",
    [
        (-5, "not_due"), (0, "not_due"), (1, "days_1_30"), (30, "days_1_30"),
        (31, "days_31_60"), (60, "days_31_60"), (61, "days_61_90"), (90, "days_61_90"),
        (91, "over_90"), (900, "over_90"),
    ],
)  # fmt: skip
def test_the_column_of_a_receivable(days: int, column: str) -> None:
    """Not due, 1-30, 31-60, 61-90, over 90 days past due, limits included."""
    due = date(2026, 1, 1)
    assert ageing.bucket(due, due + timedelta(days=days)) == column
