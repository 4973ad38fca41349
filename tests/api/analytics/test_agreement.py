"""The dashboard agrees with the services whose events it counts, on the whole demo company."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House, order
from orrery.kernel.types.permission import Scope

ALL: dict[str, Scope] = {"*": "all"}
BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")


@pytest.fixture(scope="module")
async def tenant(house: House) -> AsyncIterator[str]:
    """The demo tenant with every service's data; taken away again if it was not there before."""
    code = "demo"
    is_ours = code not in {known.code for known in await house.runtime.tenants()}
    if is_ours:
        await house.runtime.provision(order(code, title="Meridian Trading"))
        await house.runtime.seed(code)
    await house.settle()
    yield code
    if is_ours:
        await house.runtime.drop(code)


async def read(house: House, tenant: str, path: str, **params: str) -> Any:
    """The answer of any service."""
    async with house.client(ALL, tenant=tenant) as client:
        answer = await client.get(f"/api/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("days_ago", [0, 30, 100, 200, 400])
async def test_receivables_and_ageing_agree_with_the_open_items(
    house: House, tenant: str, days_ago: int
) -> None:
    """FIN-4: ageing as of any past date; the same figure via API and dashboard."""
    day = (clock.today() - timedelta(days=days_ago)).isoformat()
    items = (await read(house, tenant, "invoicing/reports/receivables-ageing", as_of=day))["items"]
    figures = await read(house, tenant, "analytics/figures", as_of=day)
    euros = [item for item in items if item["currency"] == "EUR"]
    for bucket in BUCKETS:
        owed = sum((Decimal(item[bucket]) for item in euros), Decimal(0))
        assert Decimal(figures[f"receivables_ageing.{bucket}"]) == owed
    owed = sum((Decimal(item["total"]) for item in euros), Decimal(0))
    assert Decimal(figures["receivables_open"]) == owed


async def test_invoiced_revenue_by_month_agrees_with_the_report(house: House, tenant: str) -> None:
    """AN-1: one metric, one number, wherever it is shown."""
    today = clock.today()
    told = (await read(house, tenant, "invoicing/reports/revenue"))["items"]
    report = {row["period"]: Decimal(row["total_net"]) for row in told if row["currency"] == "EUR"}
    span = {"from": date(today.year - 2, 1, 1).isoformat(), "to": today.isoformat()}
    series = await read(house, tenant, "analytics/series", metric="revenue_invoiced", **span)
    counted = {point["period"]: Decimal(point["value"]) for point in series["points"]}
    assert {period: value for period, value in counted.items() if value} == {
        period: value for period, value in report.items() if value
    }


async def test_assets_and_heads_agree_with_their_registers(house: House, tenant: str) -> None:
    """4.2: total, assigned, available, maintenance counts, by status and by type; head count."""
    figures = await read(house, tenant, "analytics/figures")
    listed = await read(house, tenant, "assets/assets", limit="200")
    assert listed["next"] is None
    kept = [asset for asset in listed["items"] if asset["status"] != "disposed"]
    assert figures["assets_total"] == len(kept)
    value = sum((Decimal(asset["cost"]) for asset in kept), Decimal(0))
    assert Decimal(figures["assets_value"]) == value
    for field, breakdown in (("status", "by_status"), ("category_name", "by_category")):
        prefix = f"assets_{breakdown}."
        shown = {k.removeprefix(prefix): v for k, v in figures.items() if k.startswith(prefix)}
        assert shown == Counter(asset[field] for asset in kept)
    employees = await read(house, tenant, "people/employees", limit="200")
    today = clock.today().isoformat()
    assert employees["next"] is None
    working = [
        employee
        for employee in employees["items"]
        if employee["left_on"] is None and employee["hired_on"] <= today
    ]
    assert figures["head_count"] == len(working)


async def test_a_rebuild_of_the_demo_company_changes_nothing(house: House, tenant: str) -> None:
    """Replay = state, on events that the real services announced."""
    before = await read(house, tenant, "analytics/figures")
    assert await house.rebuild("analytics", tenant) > 100
    assert await read(house, tenant, "analytics/figures") == before
