"""Departments: the tree, the archive, and what others are told."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from orrery.contracts.people import DepartmentChanged
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.services.people import models as m
from orrery.services.people.actions import departments
from orrery.services.people.rules import departments as rules
from orrery.services.people.rules.employment import UnknownReference
from orrery.services.people.schemas import structure as s
from tests.actions.people.factories import department, hire, let_go


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("people") as opened:
        yield opened


async def create(tx: Tx, code: str, **more: object) -> m.Department:
    return await departments.create_department(tx, tx.caller, {"code": code, "name": code} | more)


async def test_a_new_tenant_has_the_usual_departments_and_office_hours(tx: Tx) -> None:
    """Issue 2 / sources 4.2: departments ENG/HR/FIN/OPS/SALES/IT."""
    codes = {row.code for row in await tx.all(m.Department)}
    assert codes == {"ENG", "HR", "FIN", "OPS", "SALES", "IT"}
    schedules = await tx.all(m.WorkSchedule)
    assert [(row.code, row.weekdays, row.grace_minutes) for row in schedules] == [
        ("OFFICE", [1, 2, 3, 4, 5], 10)
    ]


async def test_a_department_is_announced_when_it_is_made_changed_and_archived(tx: Tx) -> None:
    ann = await hire(tx)
    made = await create(tx, "LEG")
    await departments.change_department(
        tx, tx.caller, made.id, {"name": "Legal", "head_employee_id": ann.id}
    )
    await departments.archive_department(tx, tx.caller, made.id, is_archived=True)
    assert tx.events[1:] == [
        DepartmentChanged(made.id, "LEG", "LEG", None, None, is_archived=False),
        DepartmentChanged(made.id, "LEG", "Legal", None, ann.id, is_archived=False),
        DepartmentChanged(made.id, "LEG", "Legal", None, ann.id, is_archived=True),
    ]


async def test_what_stays_the_same_is_not_announced(tx: Tx) -> None:
    made = await create(tx, "LEG")
    same = await departments.change_department(tx, tx.caller, made.id, {"name": "LEG"})
    assert (same.version, len(tx.events)) == (made.version, 1)


async def test_a_code_belongs_to_one_department(tx: Tx) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="uq_department_code"):
        async with tx.savepoint():
            await create(tx, "ENG")
    assert len(await tx.all(m.Department, code="ENG")) == 1


async def test_the_tree_has_no_circle(tx: Tx) -> None:
    world = await create(tx, "WORLD")
    europe = await create(tx, "EUROPE", parent_id=world.id)
    berlin = await create(tx, "BERLIN", parent_id=europe.id)
    with pytest.raises(rules.DepartmentCycle):
        await departments.change_department(tx, tx.caller, world.id, {"parent_id": berlin.id})
    assert (await tx.one(m.Department, world.id)).parent_id is None


async def test_a_department_in_use_is_not_archived(tx: Tx) -> None:
    made = await create(tx, "LEG")
    ann = await hire(tx, department_id=made.id)
    with pytest.raises(rules.DepartmentInUse):
        await departments.archive_department(tx, tx.caller, made.id, is_archived=True)
    assert not (await tx.one(m.Department, made.id)).is_archived
    await let_go(tx, ann, tx.caller.today)
    done = await departments.archive_department(tx, tx.caller, made.id, is_archived=True)
    assert done.is_archived


async def test_nothing_hangs_below_an_archived_department(tx: Tx) -> None:
    made = await create(tx, "LEG")
    await departments.archive_department(tx, tx.caller, made.id, is_archived=True)
    with pytest.raises(rules.DepartmentArchived):
        await create(tx, "SUB", parent_id=made.id)
    assert await tx.find(m.Department, code="SUB") is None


async def test_a_row_of_a_file_creates_or_changes_by_code(tx: Tx) -> None:
    row = s.DepartmentImport(code="LEG", name="Legal", external_id="17", parent="HR")
    made = await departments.import_department(tx, tx.caller, row, None)
    hr = await department(tx, "HR")
    assert (made.code, made.parent_id, made.external_id) == ("LEG", hr.id, "17")
    changed = await departments.import_department(
        tx, tx.caller, s.DepartmentImport(code="LEG", name="Law"), None
    )
    assert (changed.id, changed.name, changed.parent_id) == (made.id, "Law", hr.id)


async def test_an_unknown_parent_is_named_in_the_refusal(tx: Tx) -> None:
    row = s.DepartmentImport(code="LEG", name="Legal", parent="NOPE")
    with pytest.raises(UnknownReference) as refused:
        await departments.import_department(tx, tx.caller, row, None)
    assert refused.value.facts == {"field": "parent", "value": "NOPE"}
    assert await tx.find(m.Department, code="LEG") is None
