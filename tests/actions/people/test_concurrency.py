"""Two at once: what is fine alone and wrong together does not happen."""

import asyncio

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.people import models as m
from orrery.services.people.actions import attendance, changes, departments, employees
from orrery.services.people.queries.record import managers_above
from orrery.services.people.rules import departments as department_rules
from orrery.services.people.rules.attendance import AlreadyClockedIn
from orrery.services.people.rules.employment import HeadsDepartment, ReportingCycle
from tests.actions.people.factories import acting_as, again, hire


async def test_two_moves_do_not_make_a_circle_together(house: House) -> None:
    """No circle in reporting lines, with four people so that the two moves share no row."""
    async with house.tx("people", tenant="globex", commits=True) as tx:
        a, c = await hire(tx, "A"), await hire(tx, "C")
        b = await hire(tx, "B", manager_id=c.id)
        d = await hire(tx, "D", manager_id=a.id)

    async def move(who: m.Employee, manager: m.Employee, held: asyncio.Event) -> None:
        async with house.tx("people", tenant="globex", commits=True) as tx:
            await employees.change_employee(tx, tx.caller, who.id, {"manager_id": manager.id})
            held.set()
            # Long enough for the other to run into the lock, or past it if there were none.
            await asyncio.sleep(0.2)

    held = asyncio.Event()
    first = asyncio.create_task(move(a, b, held))
    await held.wait()
    with pytest.raises(ReportingCycle):
        await move(c, d, asyncio.Event())
    await first
    async with house.tx("people", tenant="globex") as tx:
        assert (await again(tx, a)).manager_id == b.id
        assert (await again(tx, c)).manager_id is None
        assert await managers_above(tx, d.id) == [a.id, b.id, c.id]


async def test_nobody_becomes_head_while_leaving(house: House) -> None:
    async with house.tx("people", tenant="globex", commits=True) as tx:
        ann = await hire(tx)
        made = await departments.create_department(
            tx, tx.caller, {"code": f"D{new_id().hex[-6:]}", "name": "New"}
        )
    held = asyncio.Event()

    async def leave() -> None:
        async with house.tx("people", tenant="globex", commits=True) as tx:
            await changes.end_employment(
                tx, tx.caller, ann.id, left_on=tx.caller.today, reason=None
            )
            held.set()
            await asyncio.sleep(0.2)

    first = asyncio.create_task(leave())
    await held.wait()
    with pytest.raises(department_rules.HeadLeft):
        async with house.tx("people", tenant="globex", commits=True) as tx:
            await departments.change_department(
                tx, tx.caller, made.id, {"head_employee_id": ann.id}
            )
    await first
    async with house.tx("people", tenant="globex") as tx:
        assert (await tx.one(m.Department, made.id)).head_employee_id is None


async def test_two_clicks_are_one_clock_in(house: House) -> None:
    """Issue 2 B: one open clock-in at a time."""
    async with house.tx("people", tenant="globex", commits=True) as tx:
        ann = await hire(tx)

    async def click() -> bool:
        try:
            async with house.tx("people", tenant="globex", commits=True) as tx:
                await attendance.clock_in(tx, acting_as(tx, ann))
        except AlreadyClockedIn:
            return False
        return True

    assert sorted(await asyncio.gather(*(click() for _ in range(4)))) == [False] * 3 + [True]
    async with house.tx("people", tenant="globex") as tx:
        assert len(await tx.all(m.AttendanceClock, employee_id=ann.id)) == 1


async def test_a_head_named_first_keeps_the_leaver_here(house: House) -> None:
    async with house.tx("people", tenant="globex") as tx:
        ann = await hire(tx)
        await departments.create_department(
            tx, tx.caller, {"code": "HEADED", "name": "New", "head_employee_id": ann.id}
        )
        with pytest.raises(HeadsDepartment):
            await changes.end_employment(
                tx, tx.caller, ann.id, left_on=tx.caller.today, reason=None
            )
