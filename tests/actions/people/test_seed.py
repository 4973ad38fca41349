"""The demo company's people (issue 2 D: a believable company, the demo logins are employees)."""

from collections.abc import AsyncIterator

import pytest

from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import demo_id
from orrery.services.people import models as m
from orrery.services.people.queries import employees as queries
from orrery.services.people.rules import defaults
from orrery.services.people.seed import seed
from tests.actions.people.factories import at


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    tenant = await house.new_tenant()
    clock.set(at("2026-11-20T12:00:00+01:00"))
    async with house.tx("people", tenant=tenant) as opened:
        yield opened


async def test_the_demo_logins_are_employees_of_the_ids_others_know(tx: Tx) -> None:
    await seed(tx, tx.caller)
    logins = {
        1: "admin@demo.example",
        3: "hr@demo.example",
        5: "accountant@demo.example",
        7: "assets@demo.example",
        12: "employee@demo.example",
    }
    for number, email in logins.items():
        employee = await tx.one(m.Employee, demo_id("people", f"employee-{number}"))
        assert (employee.email, employee.code) == (email, f"EMP-{number:03}")


async def test_the_company_is_one_tree_and_each_department_has_a_head(tx: Tx) -> None:
    await seed(tx, tx.caller)
    chart = await queries.org_chart(tx, tx.caller, root=None, depth=9, on=tx.caller.today)
    assert [(root.full_name, root.reports_total) for root in chart.roots] == [("Ada Lindqvist", 13)]
    heads = await tx.all(m.Department)
    assert all(department.head_employee_id for department in heads)
    staffed = {e.department_id for e in await tx.all(m.Employee, status="active")}
    assert staffed == {department.id for department in heads}


async def test_there_is_a_past_a_future_and_some_weeks_of_attendance(tx: Tx) -> None:
    await seed(tx, tx.caller)
    changes = await tx.all(m.EmployeeChange)
    assert sorted({(c.kind, c.status) for c in changes}) == [
        ("change", "applied"),
        ("change", "scheduled"),
        ("hire", "applied"),
        ("leave", "applied"),
    ]
    days = await tx.all(m.AttendanceDay)
    # 14 people on the 21 working days from 22 October to 19 November 2026.
    assert len(days) == 14 * 21
    assert {"present", "late", "absent", "leave", "half_day"} == {day.status for day in days}
    assert max(day.day for day in days) < tx.caller.today


async def test_in_the_demo_tenant_departments_have_the_ids_others_know() -> None:
    ids = {code: defaults.department_id("demo", code) for code in defaults.DEPARTMENTS}
    assert ids["ENG"] == demo_id("people", "department-eng")
    assert defaults.department_id("acme", "ENG") != defaults.department_id("acme", "ENG")


async def test_a_second_run_changes_nothing(tx: Tx) -> None:
    await seed(tx, tx.caller)
    count = "select count(*) from history"
    before, told = await tx.value(count), len(tx.events)
    await seed(tx, tx.caller)
    assert (await tx.value(count), len(tx.events)) == (before, told)
