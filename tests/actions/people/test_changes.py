"""Effective-dated changes (HR-1: effective-dated record, future changes scheduled)."""

import csv
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from orrery.contracts.people import EmployeeChangeCancelled, EmployeeChangeScheduled
from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.states import WrongState
from orrery.services.people import models as m
from orrery.services.people.actions import changes, departments, employees
from orrery.services.people.queries import record
from orrery.services.people.rules import employment as rules
from tests.actions.people.factories import (
    again,
    at,
    department,
    hire,
    let_go,
    move,
    names,
    spans,
)


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    clock.set(at("2026-11-20T10:00:00+00:00"))
    async with house.tx("people", time_zone="Europe/Berlin") as opened:
        yield opened


async def test_a_change_of_today_counts_at_once(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    change = await move(tx, ann, tx.caller.today, {"location": "Rome"})
    assert (change.status, change.kind) == ("applied", "change")
    assert (await again(tx, ann)).location == "Rome"
    assert names(tx) == ["employee_hired", "employee_changed"]


async def test_a_change_of_the_past_counts_from_its_day(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    await move(tx, ann, date(2026, 11, 1), {"location": "Rome"})
    before, on_day = date(2026, 10, 31), date(2026, 11, 1)
    assert [p.location for p in await record.positions(tx, ann.id, on=before)] == ["Berlin"]
    assert [p.location for p in await record.positions(tx, ann.id, on=on_day)] == ["Rome"]
    assert (await again(tx, ann)).location == "Rome"


async def test_a_change_entered_late_leaves_what_came_later(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    await move(tx, ann, date(2026, 11, 10), {"location": "Rome"})
    await move(tx, ann, date(2026, 11, 1), {"location": "Paris"})
    assert (await again(tx, ann)).location == "Rome"
    assert await spans(tx, ann, "location") == [
        (ann.hired_on, date(2026, 11, 1), "Berlin"),
        (date(2026, 11, 1), date(2026, 11, 10), "Paris"),
        (date(2026, 11, 10), None, "Rome"),
    ]


async def test_a_change_of_tomorrow_waits_for_its_day(tx: Tx) -> None:
    fin = await department(tx, "FIN")
    ann = await hire(tx, location="Berlin")
    change = await move(tx, ann, date(2026, 11, 21), {"department_id": fin.id})
    assert change.status == "scheduled"
    assert (await again(tx, ann)).department_id is None
    assert tx.events[-1] == EmployeeChangeScheduled(
        ann.id, change.id, "Ann Lee", "change", date(2026, 11, 21)
    )
    await changes.apply_due(tx, tx.caller, change.id)
    assert (await tx.one(m.EmployeeChange, change.id)).status == "scheduled"

    clock.set(at("2026-11-20T23:00:00+00:00"))  # midnight in Berlin
    await changes.apply_due(tx, tx.caller, change.id)
    applied = await tx.one(m.EmployeeChange, change.id)
    assert (applied.status, applied.sequence) == ("applied", 2)
    assert (await again(tx, ann)).department_id == fin.id
    assert names(tx)[-1] == "employee_changed"


async def test_a_change_that_was_applied_is_not_applied_again(tx: Tx) -> None:
    ann = await hire(tx)
    change = await move(tx, ann, date(2026, 11, 21), {"location": "Rome"})
    clock.set(at("2026-11-22T10:00:00+00:00"))
    await changes.apply_due(tx, tx.caller, change.id)
    told = len(tx.events)
    await changes.apply_due(tx, tx.caller, change.id)
    assert len(tx.events) == told
    assert len(await tx.all(m.EmployeeChange, employee_id=ann.id)) == 2


async def test_a_scheduled_change_can_be_cancelled_and_then_never_counts(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    change = await move(tx, ann, date(2026, 11, 21), {"location": "Rome"})
    await changes.cancel_change(tx, tx.caller, change.id)
    assert tx.events[-1] == EmployeeChangeCancelled(
        ann.id, change.id, "Ann Lee", "change", date(2026, 11, 21), None
    )
    clock.set(at("2026-11-25T10:00:00+00:00"))
    await changes.apply_due(tx, tx.caller, change.id)
    assert (await again(tx, ann)).location == "Berlin"


async def test_what_has_taken_effect_cannot_be_cancelled(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    change = await move(tx, ann, tx.caller.today, {"location": "Rome"})
    with pytest.raises(WrongState):
        await changes.cancel_change(tx, tx.caller, change.id)
    assert (await again(tx, ann)).location == "Rome"


async def test_a_change_that_became_impossible_is_refused_with_its_reason(tx: Tx) -> None:
    boss, ann = await hire(tx, "Boss"), await hire(tx)
    change = await move(tx, ann, date(2026, 11, 21), {"manager_id": boss.id})
    await let_go(tx, boss, tx.caller.today)
    clock.set(at("2026-11-22T10:00:00+00:00"))
    await changes.apply_due(tx, tx.caller, change.id)
    refused = await tx.one(m.EmployeeChange, change.id)
    assert (refused.status, refused.refusal_code) == ("refused", "people.manager_left")
    assert (await again(tx, ann)).manager_id is None
    assert await spans(tx, ann, "manager_id") == [(ann.hired_on, None, None)]
    assert tx.events[-1] == EmployeeChangeCancelled(
        ann.id, change.id, "Ann Lee", "change", date(2026, 11, 21), "people.manager_left"
    )


async def test_a_last_day_to_come_is_scheduled_and_then_ends_the_employment(tx: Tx) -> None:
    """HR-1: a leaver leaves on the day, not when it was written down."""
    ann = await hire(tx)
    change = await let_go(tx, ann, date(2026, 11, 30))
    assert (change.kind, change.status) == ("leave", "scheduled")
    assert (await again(tx, ann)).status == "active"
    clock.set(at("2026-11-30T10:00:00+00:00"))
    await changes.apply_due(tx, tx.caller, change.id)
    gone = await again(tx, ann)
    assert (gone.status, gone.left_on) == ("left", date(2026, 11, 30))
    assert (await tx.one(m.EmployeeChange, change.id)).status == "applied"
    assert names(tx)[-1] == "employee_deleted"


async def test_a_scheduled_leaving_of_a_head_is_refused_when_the_day_comes(tx: Tx) -> None:
    ann, it = await hire(tx), await department(tx, "IT")
    change = await let_go(tx, ann, date(2026, 11, 30))
    await departments.change_department(tx, tx.caller, it.id, {"head_employee_id": ann.id})
    clock.set(at("2026-12-01T10:00:00+00:00"))
    await changes.apply_due(tx, tx.caller, change.id)
    assert (await again(tx, ann)).status == "active"
    refused = await tx.one(m.EmployeeChange, change.id)
    assert (refused.status, refused.refusal_code) == ("refused", "people.heads_department")


async def test_a_change_needs_a_day_of_employment_and_a_field(tx: Tx) -> None:
    ann = await hire(tx)
    early = ann.hired_on - timedelta(days=1)
    with pytest.raises(rules.NotEmployed):
        await move(tx, ann, early, {"location": "Rome"})
    with pytest.raises(rules.NothingToChange):
        await move(tx, ann, tx.caller.today, {})
    assert len(await tx.all(m.EmployeeChange, employee_id=ann.id)) == 1


async def test_a_circle_cannot_be_scheduled_either(tx: Tx) -> None:
    top = await hire(tx, "Top")
    low = await hire(tx, "Low", manager_id=top.id)
    with pytest.raises(rules.ReportingCycle):
        await move(tx, top, date(2026, 12, 1), {"manager_id": low.id})
    assert names(tx) == ["employee_hired", "employee_hired"]


async def test_department_histories_of_a_real_company_come_out_as_they_are(
    tx: Tx, shared_data: Path
) -> None:
    """HR-1 on AdventureWorks: 290 people, 296 stays in departments; each of ours equals theirs."""
    tables = shared_data / "adventureworks"
    departments_read = _read(tables / "HumanResources.Department.csv")
    stays = _read(tables / "HumanResources.EmployeeDepartmentHistory.csv")
    made: dict[str, UUID] = {}
    for row in departments_read:
        made[row["DepartmentID"]] = (
            await departments.create_department(
                tx, tx.caller, {"code": f"AW-{row['DepartmentID']}", "name": row["Name"]}
            )
        ).id
    theirs: dict[str, list[tuple[date, date | None, UUID]]] = {}
    for row in sorted(stays, key=lambda row: (row["BusinessEntityID"], row["StartDate"])):
        end = date.fromisoformat(row["EndDate"]) + timedelta(days=1) if row["EndDate"] else None
        theirs.setdefault(row["BusinessEntityID"], []).append(
            (date.fromisoformat(row["StartDate"]), end, made[row["DepartmentID"]])
        )
    assert (len(departments_read), len(stays), len(theirs)) == (16, 296, 290)
    for number, history in theirs.items():
        (start, _, first), *later = history
        person = await employees.hire_employee(
            tx,
            tx.caller,
            {
                "code": f"AW-{number}",
                "first_name": "Person",
                "last_name": number,
                "hired_on": start,
                "department_id": first,
            },
        )
        for on, _, department_id in later:
            await move(tx, person, on, {"department_id": department_id})
        ours = await spans(tx, person, "department_id")
        assert [(on, where) for on, _, where in ours] == [(on, w) for on, _, w in history]
        assert ours[-1][1] is None


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
