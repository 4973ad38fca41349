"""Employees from a file, with reporting lines in any row order."""

import csv
from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from orrery.kernel.db import Tx
from orrery.kernel.exchange.intake import RowsRefused
from orrery.kernel.testing import House
from orrery.services.people import models as m
from orrery.services.people.actions import imports
from orrery.services.people.queries import employees as queries
from orrery.services.people.rules import employment as rules
from orrery.services.people.schemas import employees as s
from tests.actions.people.factories import again, department, hire, names, spans


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("people") as opened:
        yield opened


async def take_in(tx: Tx, **row: Any) -> m.Employee:
    draft = s.EmployeeImport.model_validate({"last_name": "Lee"} | row)
    existing = None
    if draft.external_id is not None:
        existing = await tx.find(m.Employee, external_id=draft.external_id)
    try:
        (employee,) = await imports.import_employees(tx, tx.caller, [(draft, existing)])
    except RowsRefused as told:
        raise told.causes[0] from told
    return employee


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_managers_may_come_before_or_after_their_reports(
    tx: Tx, order: tuple[int, ...]
) -> None:
    rows = [
        {"external_id": "1", "first_name": "Top"},
        {"external_id": "2", "first_name": "Middle", "manager": "1"},
        {"external_id": "3", "first_name": "Low", "manager": "2"},
    ]
    for place in order:
        await take_in(tx, **rows[place])
    top, middle, low = [(await tx.all(m.Employee, external_id=n))[0] for n in "123"]
    assert (top.manager_id, middle.manager_id, low.manager_id) == (None, top.id, middle.id)
    assert low.manager_awaited is middle.manager_awaited is None
    assert await spans(tx, low, "manager_id") == [(low.hired_on, None, middle.id)]


@pytest.mark.parametrize("named", ["E-1", "TOP@acme.example"])
async def test_a_manager_is_named_by_code_or_address_too(tx: Tx, named: str) -> None:
    low = await take_in(tx, first_name="Low", manager=named)
    assert (low.manager_id, low.manager_awaited) == (None, named)
    top = await take_in(tx, first_name="Top", code="E-1", email="top@acme.example")
    waiting = await again(tx, low)
    assert (waiting.manager_id, waiting.manager_awaited) == (top.id, None)
    later = await take_in(tx, first_name="Later", manager=named)
    assert later.manager_id == top.id


async def test_a_manager_who_never_comes_stays_visible(tx: Tx) -> None:
    low = await take_in(tx, first_name="Low", manager="nobody")
    details = await queries.employee_details(tx, tx.caller, low.id)
    assert (details.manager_id, details.manager_awaited) == (None, "nobody")


async def test_the_row_that_would_close_a_circle_is_refused(tx: Tx) -> None:
    await take_in(tx, external_id="1", first_name="A", manager="2")
    with pytest.raises(rules.ReportingCycle):
        async with tx.savepoint():
            await take_in(tx, external_id="2", first_name="B", manager="1")
    assert await tx.find(m.Employee, external_id="2") is None


async def test_nobody_is_imported_as_ones_own_manager(tx: Tx) -> None:
    with pytest.raises(rules.OwnManager):
        await take_in(tx, external_id="1", first_name="A", manager="1")
    assert await tx.find(m.Employee, external_id="1") is None


async def test_departments_and_roles_are_named_by_code_or_name(tx: Tx) -> None:
    role = await tx.add(m.JobRole, code="SR", name="Sales Representative")
    sales = await department(tx, "SALES")
    by_name = await take_in(tx, first_name="A", department="sales", job_role="sales representative")
    by_code = await take_in(tx, first_name="B", department="SALES", job_role="SR")
    for made in (by_name, by_code):
        assert (made.department_id, made.job_role_id) == (sales.id, role.id)


@pytest.mark.parametrize("field", ["department", "job_role"])
async def test_an_unknown_department_or_role_is_named_in_the_refusal(tx: Tx, field: str) -> None:
    with pytest.raises(rules.UnknownReference) as refused:
        await take_in(tx, external_id="9", first_name="A", **{field: "Nowhere"})
    assert refused.value.facts == {"field": field, "value": "Nowhere"}
    assert await tx.find(m.Employee, external_id="9") is None


async def test_a_second_import_changes_what_differs_and_keeps_what_is_not_in_the_file(
    tx: Tx,
) -> None:
    first = await take_in(tx, external_id="1", first_name="Ann", phone="1", city="Bonn")
    second = await take_in(tx, external_id="1", first_name="Anne", phone="2")
    assert (second.id, second.first_name, second.phone, second.city) == (
        first.id,
        "Anne",
        "2",
        "Bonn",
    )
    assert (second.hired_on, second.code) == (first.hired_on, first.code)
    assert names(tx) == ["employee_hired", "employee_changed"]


async def test_an_imported_manager_who_was_there_before_is_found(tx: Tx) -> None:
    boss = await hire(tx, "Boss", email="boss@acme.example")
    low = await take_in(tx, first_name="Low", manager="Boss@acme.example")
    assert low.manager_id == boss.id


async def test_the_nine_of_northwind_come_with_their_reporting_lines(
    tx: Tx, shared_data: Path
) -> None:
    """Issue 2 C: employees with reporting lines, from the real file in its own order."""
    with (shared_data / "northwind" / "Employees.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if await tx.find(m.JobRole, code=row["Title"]) is None:
            await tx.add(m.JobRole, code=row["Title"], name=row["Title"])
        await take_in(
            tx,
            external_id=row["EmployeeID"],
            first_name=row["FirstName"],
            last_name=row["LastName"],
            job_role=row["Title"],
            manager=row["ReportsTo"],
            hired_on=row["HireDate"],
            birth_date=row["BirthDate"],
            street=row["Address"],
            city=row["City"],
            region=row["Region"],
            postal_code=row["PostalCode"],
            country=row["Country"],
            phone=row["HomePhone"],
            notes=row["Notes"],
        )
    made = {row.external_id: row for row in await tx.all(m.Employee) if row.external_id}
    ids = {row.id: number for number, row in made.items()}
    lines = {number: row.manager_id and ids[row.manager_id] for number, row in made.items()}
    assert lines == {row["EmployeeID"]: row["ReportsTo"] or None for row in rows}
    assert len(made) == 9
    chart = await queries.org_chart(tx, tx.caller, root=made["2"].id, depth=9, on=tx.caller.today)
    assert (chart.people, chart.roots[0].reports_direct) == (9, 5)
