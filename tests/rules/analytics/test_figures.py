"""Figures as they are shown, ageing and series."""

from datetime import date
from decimal import Decimal

import pytest

from orrery.kernel.types.permission import Permission
from orrery.services.analytics.rules import figures as rules
from orrery.services.analytics.rules import metrics
from orrery.services.analytics.rules.figures import Figure
from orrery.services.analytics.rules.periods import (
    POINTS_LIMIT,
    BadPeriod,
    Grain,
    Period,
    label,
    periods,
)
from orrery.services.analytics.rules.tallies import Key

DUE = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("as_of", "bucket"),
    [
        (date(2026, 1, 1), "not_due"),
        (date(2026, 3, 31), "not_due"),
        (date(2026, 4, 1), "1_30"),
        (date(2026, 4, 30), "1_30"),
        (date(2026, 5, 1), "31_60"),
        (date(2026, 5, 30), "31_60"),
        (date(2026, 5, 31), "61_90"),
        (date(2026, 6, 29), "61_90"),
        (date(2026, 6, 30), "over_90"),
        (date(2036, 6, 30), "over_90"),
    ],
)
def test_ageing_counts_days_past_the_due_date(as_of: date, bucket: str) -> None:
    """FIN-4: ageing as of any date; on the due date itself nothing is overdue."""
    assert rules.ageing_bucket(DUE, as_of) == bucket


@pytest.mark.parametrize(
    ("seen", "currency"),
    [
        ([], "EUR"),
        (["EUR"], "EUR"),
        (["USD"], "USD"),
        (["USD", ""], "USD"),
        (["EUR", "USD"], "EUR"),
        (["USD", "CHF"], "EUR"),
    ],
)
def test_plain_amounts_are_in_the_tenants_currency_or_the_only_one(
    seen: list[str], currency: str
) -> None:
    """Amounts of two currencies are never added up."""
    assert rules.main_currency("EUR", seen) == currency


BALANCES = {
    Key(metrics.ASSET_STATUS, "active"): Decimal(3),
    Key(metrics.ASSET_STATUS, "assigned"): Decimal(2),
    Key(metrics.ASSET_STATUS, "maintenance"): Decimal(0),
    Key(metrics.ASSET_CATEGORY, "Laptops"): Decimal(5),
    Key(metrics.ASSET_COST, currency="EUR"): Decimal("100.005"),
    Key(metrics.ASSET_COST, currency="JPY"): Decimal("70000.5"),
    Key(metrics.RECEIVABLES, currency="EUR"): Decimal(50),
    Key(metrics.REVENUE_PAID, currency="EUR"): Decimal(900),
    Key(metrics.EMPLOYEES): Decimal(4),
}


def shown() -> dict[str, Figure]:
    return rules.figures(
        currency="EUR",
        balances=BALANCES,
        month={Key(metrics.REVENUE_PAID, currency="EUR"): Decimal(10)},
        year={Key(metrics.REVENUE_PAID, currency="EUR"): Decimal(300)},
        ageing={("1_30", "EUR"): Decimal(20), ("not_due", "EUR"): Decimal(30)},
    )


def test_figures_are_flat_with_counts_as_numbers_and_amounts_as_strings() -> None:
    """AN-1: one flat object that dashboards and alerts read."""
    values = {key: figure.value for key, figure in shown().items()}
    assert values["assets_total"] == 5
    assert values["assets_available"] == 3
    assert values["assets_assigned"] == 2
    assert values["assets_maintenance"] == values["assets_retired"] == 0
    assert values["assets_by_status.active"] == 3
    assert values["assets_by_category.Laptops"] == 5
    assert "assets_by_status.maintenance" not in values
    assert values["assets_value"] == values["assets_value.EUR"] == "100.01"
    assert values["assets_value.JPY"] == "70001"
    assert values["revenue_paid"] == "900.00"
    assert values["revenue_paid_month"] == "10.00"
    assert values["revenue_paid_year"] == "300.00"
    assert values["revenue_invoiced"] == "0.00"
    assert values["receivables_open"] == "50.00"
    assert values["receivables_ageing.not_due"] == "30.00"
    assert values["receivables_ageing.1_30"] == values["receivables_ageing.1_30.EUR"] == "20.00"
    assert values["receivables_ageing.over_90"] == "0.00"
    assert values["head_count"] == 4


def test_what_a_reader_may_not_see_is_left_out_not_zero() -> None:
    """A metric names the permission that its reader also needs."""

    def only_people(needs: Permission) -> bool:
        return needs == metrics.SEES_EMPLOYEES

    assert rules.visible(shown(), only_people) == {"head_count": 4}


def test_changes_name_what_is_new_different_or_gone() -> None:
    """AN-1, live: after the first figures only what changed is told."""
    assert rules.changes({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}) == {
        "b": 5,
        "d": 4,
        "c": None,
    }
    assert rules.changes({"a": 1}, {"a": 1}) == {}


@pytest.mark.parametrize(
    ("grain", "spans"),
    [
        (Grain.DAY, [("2026-01-30", "2026-01-30"), ("2026-01-31", "2026-01-31"),
                     ("2026-02-01", "2026-02-01"), ("2026-02-02", "2026-02-02")]),
        (Grain.MONTH, [("2026-01-30", "2026-01-31"), ("2026-02-01", "2026-02-02")]),
        (Grain.QUARTER, [("2026-01-30", "2026-02-02")]),
        (Grain.YEAR, [("2026-01-30", "2026-02-02")]),
    ],
)  # fmt: skip
def test_periods_cover_the_days_exactly(grain: Grain, spans: list[tuple[str, str]]) -> None:
    """A series has no gap and no overlap; its ends are cut to what was asked."""
    found = periods(grain, date(2026, 1, 30), date(2026, 2, 2))
    assert found == [Period(date.fromisoformat(a), date.fromisoformat(b)) for a, b in spans]


def test_periods_cross_the_turn_of_the_year() -> None:
    """December is followed by January, the fourth quarter by the first."""
    months = periods(Grain.MONTH, date(2025, 12, 1), date(2026, 1, 31))
    assert [label(Grain.MONTH, p.start) for p in months] == ["2025-12", "2026-01"]
    quarters = periods(Grain.QUARTER, date(2025, 11, 15), date(2026, 4, 1))
    assert [label(Grain.QUARTER, p.start) for p in quarters] == ["2025-Q4", "2026-Q1", "2026-Q2"]
    years = periods(Grain.YEAR, date(2024, 2, 29), date(2026, 1, 1))
    assert [label(Grain.YEAR, p.start) for p in years] == ["2024", "2025", "2026"]


def test_a_series_has_its_limits() -> None:
    """Everything has a limit."""
    first = date(2026, 1, 1)
    last = date.fromordinal(first.toordinal() + POINTS_LIMIT - 1)
    assert len(periods(Grain.DAY, first, last)) == POINTS_LIMIT
    with pytest.raises(BadPeriod) as refusal:
        periods(Grain.DAY, first, date.fromordinal(last.toordinal() + 1))
    assert refusal.value.facts["reason"] == "too_many_points"
    with pytest.raises(BadPeriod) as refusal:
        periods(Grain.DAY, first, date(2025, 12, 31))
    assert refusal.value.facts["reason"] == "ends_before_it_starts"
