"""Metrics, figures and series over the API: defined once, shown to those who may see them."""

from datetime import date
from decimal import Decimal

import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope
from orrery.services.analytics.rules.metrics import METRICS
from tests.actions.analytics.conftest import (
    FEBRUARY,
    JANUARY,
    MARCH,
    announce,
    asset,
    hired,
    invoice,
    payoff,
)

BASE = "/api/v1/analytics"
ALL: dict[str, Scope] = {"*": "all"}


@pytest.fixture(scope="module")
async def tenant(house: House) -> str:
    """A tenant with a little of everything."""
    code = await house.new_tenant(currency="EUR")
    first, second = invoice("100"), invoice("50", on=MARCH, due=date(2026, 4, 4))
    await announce(house, code, asset("1200.50"), asset("99.50"), hired(JANUARY))
    await announce(house, code, first, second, *payoff(first, FEBRUARY))
    await house.settle()
    return code


async def test_every_metric_is_served_with_its_definition(house: House, tenant: str) -> None:
    """AN-1: metric defined once (formula, grain, owner) and used by dashboards, alerts, API."""
    async with house.client(ALL, tenant=tenant) as client:
        told = (await client.get(f"{BASE}/metrics")).json()
        shown = (await client.get(f"{BASE}/figures")).json()
    assert [metric["code"] for metric in told] == list(METRICS)
    revenue = next(metric for metric in told if metric["code"] == "revenue_paid")
    assert revenue == {
        "code": "revenue_paid",
        "title": "Revenue, paid",
        "formula": METRICS["revenue_paid"].formula,
        "grain": "day",
        "owner": "invoicing",
        "unit": "money",
        "kind": "flow",
        "needs": "invoicing.report.read",
    }
    assert {metric["code"] for metric in told} <= shown.keys()


async def test_the_figures_are_one_flat_object(house: House, tenant: str) -> None:
    """D: the dashboard's figures; decimals as strings."""
    async with house.client(ALL, tenant=tenant) as client:
        answer = await client.get(f"{BASE}/figures", params={"as_of": "2026-05-06"})
    figures = answer.json()
    assert all(isinstance(value, int | str) for value in figures.values())
    assert figures["as_of"] == "2026-05-06"
    assert figures["currency"] == "EUR"
    assert (figures["assets_total"], figures["head_count"]) == (2, 1)
    assert figures["assets_value"] == "1300.00"
    assert figures["revenue_paid"] == "100.00"
    assert figures["revenue_invoiced"] == "150.00"
    assert figures["receivables_open"] == "59.50"
    assert figures["receivables_ageing.31_60"] == "59.50"


async def test_without_a_day_the_figures_are_todays(house: House, tenant: str) -> None:
    """The business day is the tenant's."""
    clock.set(clock.now().replace(year=2026, month=2, day=2, hour=12))
    async with house.client(ALL, tenant=tenant) as client:
        figures = (await client.get(f"{BASE}/figures")).json()
    assert (figures["as_of"], figures["revenue_paid"]) == ("2026-02-02", "0.00")
    assert figures["receivables_open"] == "119.00"


@pytest.mark.parametrize(
    ("grants", "seen", "hidden"),
    [
        ({"assets.*": "all"}, {"assets_total"}, {"revenue_paid", "head_count"}),
        ({"assets.*": "own", "people.*.read": "all"}, {"head_count"}, {"assets_total"}),
        ({"invoicing.*": "all"}, {"revenue_paid", "receivables_ageing.not_due"}, {"assets_value"}),
        ({"invoicing.*": "unit"}, set(), {"revenue_paid", "receivables_open.EUR"}),
        ({}, set(), {"assets_total", "assets_by_status.active", "revenue_paid", "head_count"}),
    ],
)
async def test_figures_of_what_a_role_may_not_see_are_left_out(
    house: House, tenant: str, grants: dict[str, Scope], seen: set[str], hidden: set[str]
) -> None:
    """4.1 matrix: whoever may see only own records must not learn everybody's total."""
    mine: dict[str, Scope] = {"analytics.*.read": "all", **grants}
    async with house.client(mine, tenant=tenant) as client:
        figures = (await client.get(f"{BASE}/figures")).json()
        metrics = {metric["code"] for metric in (await client.get(f"{BASE}/metrics")).json()}
        assert seen <= figures.keys()
        assert not hidden & figures.keys()
        for code in hidden & METRICS.keys():
            assert code not in metrics
            refused = await client.get(
                f"{BASE}/series", params={"metric": code, "from": "2026-01-01", "to": "2026-01-31"}
            )
            assert (refused.status_code, refused.json()["code"]) == (
                404,
                "analytics.unknown_metric",
            )


@pytest.mark.parametrize(
    "path", ["metrics", "figures", "live", "series?metric=x&from=2026-01-01&to=2026-01-02"]
)
async def test_analytics_needs_its_permission(house: House, tenant: str, path: str) -> None:
    """Every route names its permission."""
    async with house.client({"assets.*": "all"}, tenant=tenant) as client:
        assert (await client.get(f"{BASE}/{path}")).status_code == 403
    async with house.client() as client:
        assert (await client.get(f"{BASE}/{path}")).status_code == 401


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("revenue_paid", ["0.00", "100.00", "0.00"]),
        ("revenue_invoiced", ["100.00", "0.00", "50.00"]),
        ("receivables_open", ["119.00", "0.00", "59.50"]),
        ("assets_value", ["1300.00", "1300.00", "1300.00"]),
        ("head_count", [1, 1, 1]),
    ],
)
async def test_a_series_sums_flows_and_levels_stocks(
    house: House, tenant: str, metric: str, values: list[int | str]
) -> None:
    """Revenue by month; levels at the end of each month."""
    asked = {"metric": metric, "from": "2026-01-01", "to": "2026-03-31"}
    async with house.client(ALL, tenant=tenant) as client:
        series = (await client.get(f"{BASE}/series", params=asked)).json()
    assert [point["value"] for point in series["points"]] == values
    assert [point["period"] for point in series["points"]] == ["2026-01", "2026-02", "2026-03"]
    assert series["points"][1]["start"] == "2026-02-01"
    assert series["points"][1]["end"] == "2026-02-28"
    assert series["currency"] == (None if metric == "head_count" else "EUR")


async def test_a_series_and_the_figures_agree_on_every_day(house: House, tenant: str) -> None:
    """AN-1: the same metric gives the same number wherever it is shown."""
    days = [date(2026, 1, 9), JANUARY, FEBRUARY, MARCH, date(2026, 3, 6)]
    async with house.client(ALL, tenant=tenant) as client:
        for code, metric in METRICS.items():
            if metric.kind == "flow":
                continue
            asked = {"metric": code, "grain": "day", "from": "2026-01-09", "to": "2026-03-06"}
            points = (await client.get(f"{BASE}/series", params=asked)).json()["points"]
            by_day = {point["start"]: point["value"] for point in points}
            for day in days:
                figures = await client.get(f"{BASE}/figures", params={"as_of": day.isoformat()})
                assert by_day[day.isoformat()] == figures.json()[code]


async def test_revenue_over_all_periods_is_the_total_figure(house: House, tenant: str) -> None:
    """AN-1: a flow's periods add up to its figure, at any grain."""
    async with house.client(ALL, tenant=tenant) as client:
        total = (await client.get(f"{BASE}/figures", params={"as_of": "2026-12-31"})).json()
        for grain in ("day", "month", "quarter", "year"):
            asked = {"metric": "revenue_invoiced", "grain": grain}
            span = {"from": "2026-01-01", "to": "2026-12-31"}
            points = (await client.get(f"{BASE}/series", params=asked | span)).json()["points"]
            added = sum((Decimal(point["value"]) for point in points), Decimal(0))
            assert str(added) == total["revenue_invoiced"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, 422, "analytics.bad_period"),
        ({"from": "1900-01-01", "grain": "day"}, 422, "analytics.bad_period"),
        ({"grain": "week"}, 422, "kernel.malformed"),
        ({"metric": "happiness"}, 404, "analytics.unknown_metric"),
        ({"currency": "euro"}, 422, "kernel.malformed"),
    ],
)
async def test_a_series_that_makes_no_sense_is_refused(
    house: House, tenant: str, change: dict[str, str], status: int, code: str
) -> None:
    """Limits and spelling: 422 for malformed input, 404 for what is not defined."""
    asked = {"metric": "head_count", "from": "2026-01-01", "to": "2026-01-31"} | change
    async with house.client(ALL, tenant=tenant) as client:
        refused = await client.get(f"{BASE}/series", params=asked)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
