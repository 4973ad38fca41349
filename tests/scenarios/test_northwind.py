"""The main job on real input: Northwind through the public API (issue part C)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from orrery.platform import importing
from tests.scenarios.world import World

AS_OF = date(1998, 5, 6)
CENT = Decimal("0.01")


@dataclass
class Expected:
    """What the files say, computed here and nowhere else."""

    by_year: dict[str, Decimal]
    paid: Decimal
    open: Decimal
    buckets: dict[str, Decimal]
    invoices: int
    payments: int


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def expected(folder: Path) -> Expected:
    """An independent computation: line amounts half-up to cents, due after 30 days."""
    sums: dict[str, Decimal] = {}
    for line in _rows(folder / "Order_Details.csv"):
        exact = Decimal(line["UnitPrice"]) * Decimal(line["Quantity"])
        amount = (exact * (Decimal(1) - Decimal(line["Discount"]))).quantize(CENT, ROUND_HALF_UP)
        sums[line["OrderID"]] = sums.get(line["OrderID"], Decimal(0)) + amount
    told = Expected(
        {}, Decimal(0), Decimal(0), dict.fromkeys(("not_due", "1_30"), Decimal(0)), 0, 0
    )
    for order in _rows(folder / "Orders.csv"):
        ordered, total = date.fromisoformat(order["OrderDate"][:10]), sums[order["OrderID"]]
        year = str(ordered.year)
        told.by_year[year] = told.by_year.get(year, Decimal(0)) + total
        told.invoices += 1
        if ordered <= AS_OF - timedelta(days=60):
            told.paid += total
            told.payments += 1
            continue
        told.open += total
        late = (AS_OF - (ordered + timedelta(days=30))).days
        assert late <= 30
        told.buckets["1_30" if late > 0 else "not_due"] += total
    return told


@pytest.mark.slow
async def test_northwind_is_imported_paid_and_agrees_to_the_cent(
    world: World, shared_data: Path
) -> None:
    """ "totals per year must equal the data's own, to the cent under the stated rounding"; the
    dashboard and the receivables ageing as of 1998-05-06 agree with the files."""
    folder = shared_data / "northwind"
    if not folder.is_dir():
        pytest.skip(f"no Northwind files in {folder}")
    tenant = await world.provision()
    admin = await world.administrator(tenant)
    report, _ = await importing.run_import(admin, folder, "northwind")
    wanted = expected(folder)

    steps = {step.name: step for step in report.steps}
    assert {name: (s.read, s.created, s.refused) for name, s in steps.items()} == {
        "employees": (9, 9, 0),
        "customers": (91, 91, 0),
        "orders as invoices": (830, 830, 0),
        "payments": (830, wanted.payments, 0),
    }
    assert wanted.invoices == 830
    assert report.agrees
    assert report.totals_of_books == wanted.by_year

    total = report.ageing["totals"]
    assert len(total) == 1
    assert Decimal(total[0]["total"]) == wanted.open
    assert {k: Decimal(total[0][k]) for k in wanted.buckets} == wanted.buckets

    async def settled() -> Any:
        figures = (await admin.get(f"/api/v1/analytics/figures?as_of={AS_OF}")).json()
        done = Decimal(figures.get("revenue_paid.USD", "0")) == wanted.paid
        return figures if done else None

    figures = await world.until("the dashboard has every event", settled, seconds=90)
    assert Decimal(figures["receivables_open.USD"]) == wanted.open
    assert Decimal(figures["revenue_invoiced.USD"]) == sum(wanted.by_year.values())
    assert Decimal(figures["receivables_ageing.not_due.USD"]) == wanted.buckets["not_due"]
    assert Decimal(figures["receivables_ageing.1_30.USD"]) == wanted.buckets["1_30"]
    chart = (await admin.get("/api/v1/people/org-chart")).json()
    assert "Fuller" in str(chart)
