"""Maintenance by time: when the next visit is, and when it counts as due."""

from datetime import date

import pytest

from orrery.services.assets.rules.upkeep import due_state, next_due


@pytest.mark.parametrize(
    "every, unit, expected",
    [
        (90, "day", date(2024, 4, 30)),
        (1, "month", date(2024, 2, 29)),
        (13, "month", date(2025, 2, 28)),
        (12, "month", date(2025, 1, 31)),
    ],
)
def test_the_next_visit_counts_from_the_last(every: int, unit: str, expected: date) -> None:
    """Part B: maintenance plans by time, every N days or months; short months end early."""
    assert next_due(date(2024, 1, 31), every=every, unit=unit) == expected  # type: ignore[arg-type]  # from the table


@pytest.mark.parametrize(
    "today, state",
    [
        (date(2024, 5, 31), "planned"),
        (date(2024, 6, 1), "due"),
        (date(2024, 6, 15), "due"),
        (date(2024, 6, 16), "overdue"),
    ],
)
def test_due_begins_lead_days_before_and_ends_with_the_day(today: date, state: str) -> None:
    """Part B: lead days; due on the day itself, overdue from the day after."""
    assert due_state(date(2024, 6, 15), lead_days=14, today=today) == state
