"""Schedules: any plan closes exactly at salvage, never goes below it, never gains value."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orrery.services.assets.rules.conventions import add_months
from orrery.services.assets.rules.depreciation import (
    book_value,
    depreciated_at_disposal,
    period_of,
    schedule,
)
from orrery.services.assets.rules.plans import (
    MACRS_LIVES,
    Plan,
    Usage,
    check_plan,
)

# Where two cores are shared by everybody, drawing examples takes as long as it takes.
BUSY = [HealthCheck.too_slow]
_CENTS = st.integers(min_value=0, max_value=10**11)
_DAYS = st.dates(min_value=date(1995, 1, 1), max_value=date(2045, 12, 31))


def plan_of(**changes: object) -> Plan:
    """A laptop: 1,200 over three years from 1 March 2024, monthly."""
    values: dict[str, object] = {
        "method": "straight_line",
        "convention": "full_month",
        "cost": Decimal("1200.00"),
        "salvage": Decimal("0.00"),
        "currency": "EUR",
        "starts_on": date(2024, 3, 1),
        "life_months": 36,
    }
    return Plan(**(values | changes))  # type: ignore[arg-type]  # the table below names the fields


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan that makes sense: method, convention, cost, salvage, life, start, periods."""
    cost = Decimal(draw(_CENTS)) / 100
    salvage = Decimal(draw(st.integers(0, int(cost * 100)))) / 100
    method = draw(st.sampled_from(["straight_line", "sum_of_years", "declining_balance", "macrs"]))
    convention = draw(
        st.sampled_from(["full_month", "daily", "half_year", "mid_quarter", "none"])
        if method != "macrs"
        else st.sampled_from(["half_year", "mid_quarter"])
    )
    more: dict[str, object] = {}
    if method == "declining_balance":
        how = draw(st.sampled_from(["rate", "factor", "fixed"] if salvage else ["rate", "factor"]))
        more["switches"] = draw(st.booleans())
        if how == "rate":
            more["rate"] = Decimal(draw(st.integers(1, 1000))) / 1000
        elif how == "factor":
            more["factor"] = Decimal(draw(st.integers(1, 40))) / 8
    plan = plan_of(
        method=method,
        convention=convention,
        cost=cost,
        salvage=Decimal(0) if method == "macrs" else salvage,
        starts_on=draw(_DAYS),
        life_months=draw(
            st.sampled_from(sorted(MACRS_LIVES)) if method == "macrs" else st.integers(1, 480)
        ),
        period_months=draw(st.sampled_from([1, 3, 12])),
        first_month=draw(st.integers(1, 12)),
        **more,
    )
    check_plan(plan)
    return plan


@settings(max_examples=300, deadline=None, suppress_health_check=BUSY)
@given(plans())
def test_a_schedule_takes_exactly_cost_less_salvage(plan: Plan) -> None:
    """Part B: the schedule sums to cost - salvage, is never negative, never closes under salvage,
    and the last row closes exactly at salvage."""
    rows = schedule(plan)
    assert sum(row.depreciation for row in rows) == plan.cost - plan.salvage
    assert all(row.depreciation >= 0 for row in rows)
    assert all(row.closing >= plan.salvage for row in rows)
    assert rows[-1].closing == plan.salvage
    assert rows[0].opening == plan.cost
    assert all(row.opening - row.depreciation == row.closing for row in rows)
    assert all(row.closing == plan.cost - row.accumulated for row in rows)


@settings(max_examples=300, deadline=None, suppress_health_check=BUSY)
@given(plans())
def test_rows_follow_each_other_without_gap_or_overlap(plan: Plan) -> None:
    """Every day from the first of use belongs to exactly one period; amounts have whole cents."""
    rows = schedule(plan)
    assert rows[0].period_start == plan.starts_on
    for before, after in pairwise(rows):
        assert after.period_start == before.period_end + timedelta(days=1)
        assert after.opening == before.closing
    assert all(period_of(plan, row.period_end) == _span(row) for row in rows)
    assert all(row.depreciation == round(row.depreciation, 2) for row in rows)


def _span(row: object) -> tuple[date, date]:
    return row.period_start, row.period_end  # type: ignore[attr-defined]  # a Row


@settings(max_examples=300, deadline=None, suppress_health_check=BUSY)
@given(plans(), st.integers(-60, 20_000), st.integers(0, 4_000))
def test_book_value_never_rises(plan: Plan, offset: int, later: int) -> None:
    """Part B: book value is monotone non-increasing in time, between cost and salvage."""
    first = plan.starts_on + timedelta(days=offset)
    now, then = book_value(plan, first), book_value(plan, first + timedelta(days=later))
    assert plan.cost >= now >= then >= plan.salvage


@settings(max_examples=150, deadline=None, suppress_health_check=BUSY)
@given(plans())
def test_book_value_at_a_periods_end_is_the_rows_closing(plan: Plan) -> None:
    """The value at a date and the printed schedule are one figure."""
    rows = schedule(plan)
    for row in [rows[0], rows[len(rows) // 2], rows[-1]]:
        assert book_value(plan, row.period_end) == row.closing
    assert book_value(plan, plan.starts_on - timedelta(days=1)) == plan.cost


@settings(max_examples=200, deadline=None, suppress_health_check=BUSY)
@given(plans(), st.integers(0, 20_000))
def test_disposal_takes_no_more_than_the_whole(plan: Plan, offset: int) -> None:
    """Early disposal takes a part of what the schedule holds, late disposal all of it."""
    taken = depreciated_at_disposal(plan, plan.starts_on + timedelta(days=offset))
    assert 0 <= taken <= plan.base
    long_after = add_months(plan.starts_on, plan.life_months + 24)
    assert depreciated_at_disposal(plan, long_after) == plan.base


@settings(max_examples=150, deadline=None, suppress_health_check=BUSY)
@given(
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 500)), max_size=30),
    st.integers(1, 5_000),
    st.integers(0, 120_000),
)
def test_units_of_production_follow_the_use(
    readings: list[tuple[int, int]], units_total: int, salvage_cents: int
) -> None:
    """Depreciation = (cost - salvage) x units / expected units, and never more than all of it."""
    starts_on = date(2024, 3, 1)
    plan = plan_of(
        method="units_of_production",
        salvage=Decimal(salvage_cents) / 100,
        units_total=Decimal(units_total),
        usage=tuple(Usage(starts_on + timedelta(days=d), Decimal(u)) for d, u in readings),
    )
    rows = schedule(plan)
    used = min(sum(units for _, units in readings), units_total)
    exact = plan.base * used / units_total
    assert abs(sum(row.depreciation for row in rows) - exact) <= Decimal("0.005")
    assert all(row.depreciation >= 0 and row.closing >= plan.salvage for row in rows)
    if used == units_total:
        assert rows[-1].closing == plan.salvage


def test_straight_line_by_full_months() -> None:
    """1,200 over 36 months is 33.33 or 33.34 a month, 400.00 in every twelve."""
    rows = schedule(plan_of(starts_on=date(2024, 3, 18)))
    assert len(rows) == 36
    assert (rows[0].period_start, rows[0].period_end) == (date(2024, 3, 18), date(2024, 3, 31))
    assert [row.depreciation for row in rows[:3]] == [
        Decimal("33.33"),
        Decimal("33.34"),
        Decimal("33.33"),
    ]
    assert rows[11].accumulated == Decimal("400.00")
    assert rows[35].period_end == date(2027, 2, 28)
    assert rows[35].closing == 0


def test_straight_line_by_days_within_and_across_years() -> None:
    """Pro rata by days: 3,650 over one year from 1 July 2023 is ten a day until 30 June 2024."""
    plan = plan_of(
        convention="daily",
        cost=Decimal("3650.00"),
        starts_on=date(2023, 7, 1),
        life_months=12,
        period_months=12,
    )
    rows = schedule(plan)
    assert [row.depreciation for row in rows] == [Decimal("1840.00"), Decimal("1810.00")]
    assert book_value(plan, date(2023, 7, 1)) == Decimal("3640.00")
    assert book_value(plan, date(2023, 12, 31)) == Decimal("1810.00")
    assert book_value(plan, date(2024, 6, 29)) == Decimal("9.95")
    assert book_value(plan, date(2024, 6, 30)) == 0


def test_half_year_straight_line_gives_half_at_both_ends() -> None:
    """Half-year convention: 1,200 over three years is 200, 400, 400, 200, in whatever month."""
    for month in (1, 6, 12):
        plan = plan_of(convention="half_year", starts_on=date(2024, month, 10), period_months=12)
        assert [row.depreciation for row in schedule(plan)] == [200, 400, 400, 200]


def test_no_convention_takes_a_full_first_year() -> None:
    """Convention none: 1,200 over three years is 400, 400, 400, also when bought in November."""
    plan = plan_of(convention="none", starts_on=date(2024, 11, 20), period_months=12)
    assert [row.depreciation for row in schedule(plan)] == [400, 400, 400]
    assert [
        row.depreciation
        for row in schedule(plan_of(convention="none", starts_on=date(2024, 11, 20)))
    ][:2] == [200, 200]


def test_sum_of_years_digits_splits_years_of_life_over_fiscal_years() -> None:
    """600 over three years by digits is 300, 200, 100; bought on 1 April: 225, 225, 125, 25."""
    whole = plan_of(method="sum_of_years", cost=Decimal(600), period_months=12)
    january = plan_of(
        method="sum_of_years", cost=Decimal(600), period_months=12, starts_on=date(2024, 1, 1)
    )
    april = plan_of(
        method="sum_of_years", cost=Decimal(600), period_months=12, starts_on=date(2024, 4, 1)
    )
    own_year = plan_of(
        method="sum_of_years",
        cost=Decimal(600),
        period_months=12,
        starts_on=date(2024, 4, 1),
        first_month=4,
    )
    assert [row.depreciation for row in schedule(january)] == [300, 200, 100]
    assert [row.depreciation for row in schedule(own_year)] == [300, 200, 100]
    assert [row.depreciation for row in schedule(april)] == [225, 225, 125, 25]
    assert len(schedule(whole)) == 4


def test_declining_balance_switches_when_straight_line_is_more() -> None:
    """10,000 at factor 2 over five years: 4,000, 2,400, 1,440, then 1,080 twice."""
    plan = plan_of(
        method="declining_balance",
        factor=Decimal(2),
        cost=Decimal(10_000),
        life_months=60,
        starts_on=date(2024, 1, 1),
        period_months=12,
    )
    assert [row.depreciation for row in schedule(plan)] == [4000, 2400, 1440, 1080, 1080]


def test_declining_balance_without_switch_ends_in_its_last_year() -> None:
    """Without the switch the last row takes the rest: 4,000, 2,400, 1,440, 864, 1,296."""
    plan = plan_of(
        method="declining_balance",
        rate=Decimal("0.4"),
        switches=False,
        cost=Decimal(10_000),
        life_months=60,
        starts_on=date(2024, 1, 1),
        period_months=12,
    )
    assert [row.depreciation for row in schedule(plan)] == [4000, 2400, 1440, 864, 1296]


def test_declining_balance_at_the_fixed_rate_ends_at_salvage() -> None:
    """Without rate and factor the rate is that of DB: 1,000,000 to 100,000 in six years, 31.9 %."""
    plan = plan_of(
        method="declining_balance",
        switches=False,
        cost=Decimal(1_000_000),
        salvage=Decimal(100_000),
        life_months=72,
        starts_on=date(2024, 1, 1),
        period_months=12,
    )
    assert [row.depreciation for row in schedule(plan)] == [
        Decimal("319000.00"),
        Decimal("217239.00"),
        Decimal("147939.76"),
        Decimal("100746.97"),
        Decimal("68608.70"),
        Decimal("46465.57"),
    ]


def test_macrs_schedule_follows_the_table() -> None:
    """Publication 946, A-1: 100,000 of 5-year property is 20, 32, 19.2, 11.52, 11.52, 5.76 %."""
    plan = plan_of(
        method="macrs",
        convention="half_year",
        cost=Decimal(100_000),
        life_months=60,
        starts_on=date(2024, 8, 5),
        period_months=12,
        currency="USD",
    )
    assert [row.depreciation for row in schedule(plan)] == [
        20_000, 32_000, 19_200, 11_520, 11_520, 5_760,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "month, first_year", [(2, "35000"), (5, "25000"), (8, "15000"), (11, "5000")]
)
def test_mid_quarter_depends_on_the_quarter_of_purchase(month: int, first_year: str) -> None:
    """Publication 946, A-2 to A-5: 35, 25, 15 or 5 % of 5-year property in the first year."""
    plan = plan_of(
        method="macrs",
        convention="mid_quarter",
        cost=Decimal(100_000),
        life_months=60,
        starts_on=date(2024, month, 5),
        period_months=12,
        currency="USD",
    )
    assert schedule(plan)[0].depreciation == Decimal(first_year)


@pytest.mark.parametrize(
    "convention, disposed_on, taken",
    [
        (
            "full_month",
            date(2025, 4, 30),
            "433.33",
        ),  # 13 months: the month of disposal is not taken
        ("full_month", date(2025, 5, 1), "466.67"),
        ("full_month", date(2024, 3, 31), "0"),
        ("half_year", date(2024, 12, 31), "0"),  # bought and disposed of in one year: nothing
        ("half_year", date(2025, 1, 1), "400"),  # 200 of the first year, half of the second
        ("half_year", date(2025, 12, 31), "400"),
        ("half_year", date(2027, 2, 1), "1200"),  # the last half-year ends at its middle
        ("mid_quarter", date(2025, 2, 1), "400"),  # Q1 of purchase 350, then 12.5 % of 400
        ("mid_quarter", date(2025, 11, 1), "700"),
        ("none", date(2024, 12, 31), "0"),
        ("none", date(2025, 12, 31), "400"),
        ("none", date(2027, 1, 1), "1200"),
    ],
)
def test_early_disposal_takes_the_part_its_convention_allows(
    convention: str, disposed_on: date, taken: str
) -> None:
    """Part B: early disposal takes the partial period by its convention."""
    plan = plan_of(convention=convention, starts_on=date(2024, 3, 1))
    assert depreciated_at_disposal(plan, disposed_on) == Decimal(taken)


def test_macrs_disposal_takes_half_of_the_years_table_amount() -> None:
    """Publication 946: 5-year property of 10,000 sold in its second year gets half of 3,200."""
    plan = plan_of(
        method="macrs",
        convention="half_year",
        cost=Decimal(10_000),
        life_months=60,
        starts_on=date(2023, 5, 1),
        currency="USD",
    )
    assert depreciated_at_disposal(plan, date(2024, 3, 9)) == Decimal("3600.00")


def test_half_a_cent_is_half_a_cent() -> None:
    """DESIGN 9: half-up. One third and a sixth of a cent are half a cent, not 0.00499...9."""
    rows = schedule(plan_of(cost=Decimal("0.01"), starts_on=date(2024, 1, 1)))
    assert (rows[16].accumulated, rows[17].accumulated) == (Decimal("0.00"), Decimal("0.01"))


def test_amounts_have_the_minor_units_of_their_currency() -> None:
    """DESIGN 9: yen have no decimals, dinars have three, and both still add up."""
    yen = schedule(plan_of(currency="JPY", cost=Decimal(1000)))
    dinar = schedule(plan_of(currency="KWD", cost=Decimal("1.000")))
    assert [row.depreciation for row in yen[:4]] == [28, 28, 27, 28]
    assert sum(row.depreciation for row in yen) == 1000
    assert dinar[0].depreciation == Decimal("0.028")
    assert sum(row.depreciation for row in dinar) == 1
