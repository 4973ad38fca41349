"""Employees: codes, addresses, reporting lines, leaving and coming back (issue 2 B, HR-1)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest

from orrery.contracts.people import EmployeeDeleted, EmployeeHired
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound
from orrery.kernel.types.states import WrongState
from orrery.services.people import models as m
from orrery.services.people.actions import changes, departments, employees
from orrery.services.people.rules import departments as department_rules
from orrery.services.people.rules import employment as rules
from tests.actions.people.factories import again, department, hire, let_go, names, spans


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("people") as opened:
        yield opened


async def test_codes_are_taken_from_the_series_and_step_over_codes_given_by_hand(tx: Tx) -> None:
    """Issue 2 B: code series EMP-###; a code that is given is kept."""
    first = await hire(tx)
    number = int(first.code.removeprefix("EMP-"))
    given = await hire(tx, "Ben", code=f"EMP-{number + 1:03}")
    after = await hire(tx, "Cat")
    assert [first.code, given.code, after.code] == [
        f"EMP-{number:03}",
        f"EMP-{number + 1:03}",
        f"EMP-{number + 2:03}",
    ]


async def test_a_code_belongs_to_one_employee(tx: Tx) -> None:
    await hire(tx, code="E-7")
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_employee_code"):
        async with tx.savepoint():
            await hire(tx, "Ben", code="E-7")
    assert len(await tx.all(m.Employee, code="E-7")) == 1


async def test_an_address_belongs_to_one_employee_in_whatever_spelling(tx: Tx) -> None:
    await hire(tx, email="Ann.Lee@acme.example")
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_employee_email"):
        async with tx.savepoint():
            await hire(tx, "Anne", email="ann.lee@ACME.example")
    assert await tx.find(m.Employee, first_name="Anne") is None


async def test_two_employees_may_have_no_address(tx: Tx) -> None:
    assert (await hire(tx)).email is None
    assert (await hire(tx, "Ben")).email is None


async def test_a_hiring_is_announced_with_what_others_need(tx: Tx) -> None:
    sales = await department(tx, "SALES")
    ann = await hire(tx, email="ann@acme.example", department_id=sales.id)
    assert tx.events == [
        EmployeeHired(ann.id, ann.code, "Ann Lee", "ann@acme.example", sales.id, ann.hired_on)
    ]
    assert await spans(tx, ann, "department_name") == [(ann.hired_on, None, "Sales")]


async def test_nobody_joins_an_archived_department(tx: Tx) -> None:
    legal = await departments.create_department(tx, tx.caller, {"code": "LEG", "name": "Legal"})
    await departments.archive_department(tx, tx.caller, legal.id, is_archived=True)
    with pytest.raises(department_rules.DepartmentArchived):
        await hire(tx, department_id=legal.id)
    assert await tx.find(m.Employee, department_id=legal.id) is None


async def test_a_manager_must_exist(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await hire(tx, manager_id=new_id())


async def test_a_correction_of_the_name_makes_no_new_position_and_is_announced(tx: Tx) -> None:
    ann = await hire(tx)
    changed = await employees.change_employee(tx, tx.caller, ann.id, {"last_name": "Wong"})
    assert (changed.last_name, changed.version) == ("Wong", ann.version + 1)
    assert names(tx) == ["employee_hired", "employee_changed"]
    assert len(await tx.all(m.EmployeeChange, employee_id=ann.id)) == 1


async def test_what_stays_the_same_is_neither_written_nor_announced(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    same = await employees.change_employee(
        tx, tx.caller, ann.id, {"first_name": "Ann", "location": "Berlin"}
    )
    assert same.version == ann.version
    assert names(tx) == ["employee_hired"]


async def test_private_particulars_are_not_announced(tx: Tx) -> None:
    ann = await hire(tx)
    changed = await employees.change_employee(tx, tx.caller, ann.id, {"street": "Elm Road 1"})
    assert changed.street == "Elm Road 1"
    assert names(tx) == ["employee_hired"]


async def test_a_correction_of_the_position_counts_from_today(tx: Tx) -> None:
    """HR-1: the record says who was where, whichever way the change came."""
    sales, fin = await department(tx, "SALES"), await department(tx, "FIN")
    ann = await hire(tx, department_id=sales.id)
    await employees.change_employee(tx, tx.caller, ann.id, {"department_id": fin.id})
    today = tx.caller.today
    assert await spans(tx, ann, "department_name") == [
        (ann.hired_on, today, "Sales"),
        (today, None, "Finance"),
    ]


async def test_a_correction_for_somebody_who_starts_later_counts_from_the_first_day(tx: Tx) -> None:
    start = tx.caller.today + timedelta(days=30)
    ann = await hire(tx, hired_on=start)
    changed = await employees.change_employee(tx, tx.caller, ann.id, {"location": "Rome"})
    assert changed.location == "Rome"
    assert await spans(tx, ann, "location") == [(start, None, "Rome")]


async def test_the_day_of_hiring_can_be_corrected_and_the_record_follows(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    earlier = ann.hired_on - timedelta(days=31)
    await employees.change_employee(tx, tx.caller, ann.id, {"hired_on": earlier})
    assert (await again(tx, ann)).hired_on == earlier
    assert await spans(tx, ann, "location") == [(earlier, None, "Berlin")]


async def test_the_day_of_hiring_does_not_pass_the_first_change(tx: Tx) -> None:
    ann = await hire(tx, location="Berlin")
    await employees.change_employee(tx, tx.caller, ann.id, {"location": "Rome"})
    late = tx.caller.today + timedelta(days=1)
    with pytest.raises(rules.HiredTooEarly):
        await employees.change_employee(tx, tx.caller, ann.id, {"hired_on": late})
    assert (await again(tx, ann)).hired_on == ann.hired_on


async def test_reporting_lines_have_no_circle(tx: Tx) -> None:
    """Issue 2 B: manager_id without cycles, not oneself; three levels up counts too."""
    top = await hire(tx, "Top")
    middle = await hire(tx, "Middle", manager_id=top.id)
    low = await hire(tx, "Low", manager_id=middle.id)
    for manager, refusal in ((low, rules.ReportingCycle), (top, rules.OwnManager)):
        with pytest.raises(refusal):
            await employees.change_employee(tx, tx.caller, top.id, {"manager_id": manager.id})
    assert (await again(tx, top)).manager_id is None


async def test_reports_of_a_leaver_go_to_the_leavers_manager(tx: Tx) -> None:
    """Soft delete: reports are re-hung to the manager's manager, on the record."""
    top = await hire(tx, "Top")
    middle = await hire(tx, "Middle", manager_id=top.id)
    low = await hire(tx, "Low", manager_id=middle.id)
    await let_go(tx, middle, tx.caller.today)
    assert (await again(tx, low)).manager_id == top.id
    today = tx.caller.today
    assert await spans(tx, low, "manager_id") == [
        (low.hired_on, today, middle.id),
        (today, None, top.id),
    ]
    gone = await again(tx, middle)
    assert (gone.status, gone.left_on) == ("left", today)
    assert names(tx)[3:] == ["employee_changed", "employee_deleted"]
    assert tx.events[-1] == EmployeeDeleted(middle.id, middle.code, "Middle Lee", None, today)


async def test_reports_of_a_leaver_without_manager_have_none(tx: Tx) -> None:
    top = await hire(tx, "Top")
    low = await hire(tx, "Low", manager_id=top.id)
    await let_go(tx, top, tx.caller.today)
    assert (await again(tx, low)).manager_id is None


async def test_a_report_who_joined_after_the_last_day_is_re_hung_from_the_start(tx: Tx) -> None:
    top = await hire(tx, "Top")
    middle = await hire(tx, "Middle", manager_id=top.id)
    start = tx.caller.today - timedelta(days=2)
    low = await hire(tx, "Low", manager_id=middle.id, hired_on=start)
    await let_go(tx, middle, tx.caller.today - timedelta(days=10))
    assert await spans(tx, low, "manager_id") == [(start, None, top.id)]


async def test_who_heads_a_department_does_not_leave(tx: Tx) -> None:
    """Soft delete: refused with a clear code when the employee heads a department."""
    ann = await hire(tx)
    it = await department(tx, "IT")
    await departments.change_department(tx, tx.caller, it.id, {"head_employee_id": ann.id})
    with pytest.raises(rules.HeadsDepartment) as refused:
        await let_go(tx, ann, tx.caller.today)
    assert refused.value.facts["departments"] == ["IT"]
    assert (await again(tx, ann)).status == "active"
    assert "employee_deleted" not in names(tx)


async def test_nobody_leaves_twice_or_before_the_first_day(tx: Tx) -> None:
    ann = await hire(tx)
    with pytest.raises(rules.NotEmployed):
        await let_go(tx, ann, ann.hired_on - timedelta(days=1))
    await let_go(tx, ann, tx.caller.today)
    with pytest.raises(WrongState):
        await let_go(tx, ann, tx.caller.today)
    assert names(tx).count("employee_deleted") == 1


async def test_who_left_is_nobodys_manager_and_heads_nothing(tx: Tx) -> None:
    ann = await hire(tx)
    await let_go(tx, ann, tx.caller.today)
    with pytest.raises(rules.ManagerLeft):
        await hire(tx, "Ben", manager_id=ann.id)
    with pytest.raises(department_rules.HeadLeft):
        await departments.create_department(
            tx, tx.caller, {"code": "NEW", "name": "New", "head_employee_id": ann.id}
        )
    assert await tx.find(m.Department, code="NEW") is None


async def test_a_leaving_cancels_what_was_planned(tx: Tx) -> None:
    ann = await hire(tx)
    planned = await changes.change_position(
        tx,
        tx.caller,
        ann.id,
        effective_on=tx.caller.today + timedelta(days=9),
        fields={"location": "Rome"},
        note=None,
    )
    await let_go(tx, ann, tx.caller.today)
    assert (await tx.one(m.EmployeeChange, planned.id)).status == "cancelled"


async def test_a_former_employee_is_hired_again_under_the_same_code(tx: Tx) -> None:
    it = await department(tx, "IT")
    ann = await hire(tx, location="Berlin")
    today = tx.caller.today
    await let_go(tx, ann, today - timedelta(days=30))
    back = await employees.rehire_employee(
        tx, tx.caller, ann.id, hired_on=today, fields={"department_id": it.id}
    )
    assert (back.status, back.code, back.hired_on, back.left_on) == (
        "active",
        ann.code,
        today,
        None,
    )
    assert await spans(tx, ann, "location") == [
        (ann.hired_on, today - timedelta(days=29), "Berlin"),
        (today, None, None),
    ]
    assert tx.events[-1] == EmployeeHired(
        ann.id, ann.code, "Ann Lee", None, it.id, today, is_rehire=True
    )


async def test_a_return_before_the_leaving_is_refused(tx: Tx) -> None:
    ann = await hire(tx)
    today = tx.caller.today
    await let_go(tx, ann, today)
    with pytest.raises(rules.HiredTooEarly):
        await employees.rehire_employee(tx, tx.caller, ann.id, hired_on=today, fields={})
    assert (await again(tx, ann)).status == "left"


async def test_who_works_here_cannot_be_hired_again(tx: Tx) -> None:
    ann = await hire(tx)
    with pytest.raises(WrongState):
        await employees.rehire_employee(tx, tx.caller, ann.id, hired_on=tx.caller.today, fields={})
    assert names(tx) == ["employee_hired"]
