"""Employees of one set of rows: checked together, written together, refused each for itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from orrery.kernel.db import Tx
from orrery.kernel.exchange.intake import RowsRefused
from orrery.kernel.testing import House
from orrery.services.people import models as m
from orrery.services.people.actions import imports
from orrery.services.people.queries import record
from orrery.services.people.rules import employment as rules
from orrery.services.people.schemas.employees import EmployeeImport
from tests.actions.people.factories import again, department, hire, let_go, names, spans

Known = tuple[m.Employee, dict[str, Any]]


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("people") as opened:
        yield opened


async def take_in(tx: Tx, *rows: dict[str, Any] | Known) -> list[m.Employee]:
    """One set: rows that are new, and rows for somebody who is known."""
    told = [row if isinstance(row, tuple) else (None, row) for row in rows]
    return await imports.import_employees(
        tx,
        tx.caller,
        [
            (EmployeeImport.model_validate({"first_name": "A", "last_name": "Lee"} | row), known)
            for known, row in told
        ],
    )


async def refused(tx: Tx, *rows: dict[str, Any] | Known) -> dict[int, Exception]:
    """Why which rows of a set cannot be; nothing of it stays."""
    before = await tx.value("select count(*) from employee")
    with pytest.raises(RowsRefused) as told:
        async with tx.savepoint():
            await take_in(tx, *rows)
    assert await tx.value("select count(*) from employee") == before
    return dict(told.value.causes)


def kinds(causes: dict[int, Exception]) -> dict[int, type[Exception]]:
    """Which row was refused with what."""
    return {place: type(cause) for place, cause in causes.items()}


async def test_all_bad_rows_of_a_set_are_named_at_once(tx: Tx) -> None:
    """INT-3, row-by-row errors: two hundred bad rows cost one more try, not two hundred."""
    await hire(tx, email="taken@acme.example", code="TAKEN")
    causes = await refused(
        tx,
        {"external_id": "0"},
        {"external_id": "1", "department": "Nowhere"},
        {"external_id": "2", "job_role": "Nothing"},
        {"external_id": "3", "manager": "3"},
        {"external_id": "4", "code": "TAKEN"},
        {"external_id": "5", "email": "Taken@acme.example"},
        {"external_id": "6", "email": "twice@acme.example"},
        {"external_id": "7", "email": "TWICE@acme.example"},
        {"external_id": "8", "email": "me@acme.example", "manager": "Me@acme.example"},
    )
    assert kinds(causes) == {
        1: rules.UnknownReference,
        2: rules.UnknownReference,
        3: rules.OwnManager,
        4: rules.CodeTaken,
        5: rules.EmailTaken,
        7: rules.EmailTaken,
        8: rules.OwnManager,
    }
    taken = causes[7]
    assert isinstance(taken, rules.EmailTaken)
    assert taken.facts == {
        "constraint": "uq_employee_email",
        "field": "email",
        "value": "twice@acme.example",
    }


async def test_a_manager_of_the_same_set_is_there_from_the_first_day(tx: Tx) -> None:
    low, middle, top = await take_in(
        tx,
        {"external_id": "3", "manager": "MIDDLE"},
        {"external_id": "2", "code": "MIDDLE", "manager": "top@acme.example"},
        {"external_id": "1", "email": "Top@acme.example"},
    )
    assert (low.manager_id, middle.manager_id, top.manager_id) == (middle.id, top.id, None)
    assert [step.kind for step in await record.steps(tx, low.id)] == ["hire"]
    assert await spans(tx, low, "manager_id") == [(low.hired_on, None, middle.id)]
    assert names(tx) == ["employee_hired"] * 3


async def test_an_external_id_counts_more_than_a_code_and_a_code_more_than_an_address(
    tx: Tx,
) -> None:
    by_code = await hire(tx, code="7")
    low, by_id, address, code = await take_in(
        tx,
        {"manager": "7"},
        {"external_id": "7", "code": "SEVEN"},
        {"email": "x@acme.example", "code": "x"},
        {"code": "X@acme.example"},
    )
    assert low.manager_id == by_id.id != by_code.id
    (mail,) = await take_in(tx, {"manager": "X@acme.example"})
    assert mail.manager_id == code.id != address.id


async def test_the_row_that_closes_a_circle_within_a_set_is_refused(tx: Tx) -> None:
    causes = await refused(
        tx,
        {"external_id": "1", "manager": "2"},
        {"external_id": "2", "manager": "3"},
        {"external_id": "3", "manager": "1"},
        {"external_id": "4", "manager": "3"},
    )
    assert kinds(causes) == {2: rules.ReportingCycle}


async def test_a_circle_through_people_who_are_here_is_refused(tx: Tx) -> None:
    top = await hire(tx, "Top", code="TOP")
    middle = await hire(tx, "Middle", code="MIDDLE", manager_id=top.id)
    low = await hire(tx, "Low", code="LOW", manager_id=middle.id)
    causes = await refused(tx, (top, {"manager": "LOW"}), (low, {"phone": "1"}))
    assert kinds(causes) == {0: rules.ReportingCycle}
    assert (await again(tx, top)).manager_id is None
    assert (await again(tx, low)).phone is None


async def test_two_moves_that_make_a_circle_together_are_refused(tx: Tx) -> None:
    one, other = await hire(tx, "A", code="ONE"), await hire(tx, "B", code="OTHER")
    causes = await refused(tx, (one, {"manager": "OTHER"}), (other, {"manager": "ONE"}))
    assert kinds(causes) == {1: rules.ReportingCycle}
    assert (await again(tx, one)).manager_id is None


async def test_who_left_is_nobodys_manager(tx: Tx) -> None:
    gone = await hire(tx, "Gone", code="GONE")
    await let_go(tx, gone, tx.caller.today - timedelta(days=1))
    assert kinds(await refused(tx, {"manager": "GONE"}, {})) == {0: rules.ManagerLeft}


async def test_who_waits_is_taken_up_by_the_set_with_the_managers(tx: Tx) -> None:
    """However many wait: each gets the manager from the first day, and others are told."""
    today = tx.caller.today
    waiting = await take_in(
        tx,
        *(
            {"external_id": f"r{n}", "manager": f"b{n % 2}", "hired_on": today - timedelta(days=n)}
            for n in range(1, 8)
        ),
    )
    assert [row.manager_awaited for row in waiting] == [f"b{n % 2}" for n in range(1, 8)]
    del tx.events[:]
    bosses = await take_in(tx, {"external_id": "b0"}, {"external_id": "b1", "manager": "b0"})
    for n, row in enumerate(waiting, start=1):
        after = await again(tx, row)
        assert (after.manager_id, after.manager_awaited) == (bosses[n % 2].id, None)
        assert await spans(tx, row, "manager_id") == [(row.hired_on, None, bosses[n % 2].id)]
    assert names(tx) == ["employee_hired"] * 2 + ["employee_changed"] * 7


async def test_moves_count_from_today_and_equal_rows_write_nothing(tx: Tx) -> None:
    sales = await department(tx, "SALES")
    moved, same, carded = [await hire(tx, name, code=name) for name in ("MOVED", "SAME", "CARD")]
    after = await take_in(
        tx,
        (moved, {"first_name": "MOVED", "department": "SALES", "location": "Bonn", "phone": "1"}),
        (same, {"first_name": "SAME"}),
        (carded, {"first_name": "CARD", "city": "Bonn", "hired_on": None, "code": None}),
    )
    assert [row.version for row in after] == [2, 1, 2]
    assert (after[0].department_id, after[0].location, after[0].phone) == (sales.id, "Bonn", "1")
    assert await spans(tx, moved, "location") == [
        (moved.hired_on, tx.caller.today, None),
        (tx.caller.today, None, "Bonn"),
    ]
    assert [step.kind for step in await record.steps(tx, moved.id)] == ["hire", "change"]
    assert (after[2].city, after[2].hired_on, after[2].code) == ("Bonn", carded.hired_on, "CARD")
    # Where somebody lives is private, so only the move is told.
    assert names(tx) == ["employee_hired"] * 3 + ["employee_changed"]


async def test_who_left_is_corrected_but_not_moved(tx: Tx) -> None:
    gone = await hire(tx, "A", code="GONE")
    await let_go(tx, gone, tx.caller.today - timedelta(days=1))
    left = await again(tx, gone)
    assert kinds(await refused(tx, {}, (left, {"location": "Bonn"}))) == {1: rules.NotEmployed}
    (after,) = await take_in(tx, (left, {"phone": "1"}))
    assert (after.phone, after.status) == ("1", "left")


async def test_a_moved_hiring_and_a_second_row_for_somebody_go_alone(tx: Tx) -> None:
    one = await hire(tx, "A", code="ONE")
    earlier = one.hired_on - timedelta(days=10)
    first, second, hired = await take_in(
        tx, (one, {"location": "Bonn"}), (one, {"location": "Ulm"}), (one, {"hired_on": earlier})
    )
    assert [row.location for row in (first, second, hired)] == ["Bonn", "Ulm", "Ulm"]
    assert await spans(tx, one, "location") == [
        (earlier, tx.caller.today, None),
        (tx.caller.today, None, "Ulm"),
    ]
    late = tx.caller.today + timedelta(days=1)
    causes = await refused(tx, {}, (one, {"hired_on": late}))
    assert kinds(causes) == {1: rules.HiredTooEarly}


async def test_codes_of_the_series_step_over_those_given_in_the_set(tx: Tx) -> None:
    (first,) = await take_in(tx, {})
    number = int(first.code.removeprefix("EMP-"))
    following = [f"EMP-{number + step:03}" for step in range(1, 6)]
    await hire(tx, code=following[2])
    made = await take_in(tx, {}, {"code": following[1]}, {}, {})
    assert [row.code for row in made] == [
        following[0],
        following[1],
        following[3],
        following[4],
    ]
