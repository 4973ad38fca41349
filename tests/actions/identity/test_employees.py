"""What people and organization announce changes our users: links, leavers, memberships."""

from datetime import date
from typing import Any
from uuid import UUID

from orrery.contracts.organization import MembershipChanged
from orrery.contracts.people import EmployeeChanged, EmployeeDeleted, EmployeeHired
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.identity import models as m
from orrery.services.identity import reactions
from orrery.services.identity.actions import sessions, users
from orrery.services.identity.actions.sessions import Origin

TODAY = date(2026, 6, 1)


async def add_user(tx: Tx, email: str) -> m.User:
    return await users.add_user(tx, tx.caller, email=email, full_name="Una", language="en")


async def hire(tx: Tx, employee: UUID, email: str | None) -> None:
    event = EmployeeHired(employee, "EMP-001", "Una", email, None, TODAY)
    await reactions.link_new_employee(tx, tx.caller, event)


async def change(tx: Tx, employee: UUID, email: str | None) -> None:
    event = EmployeeChanged(employee, "EMP-001", "Una", email, None)
    await reactions.link_changed_employee(tx, tx.caller, event)


async def leave(tx: Tx, employee: UUID) -> None:
    event = EmployeeDeleted(employee, "EMP-001", "Una", None, TODAY)
    await reactions.disable_leaver(tx, tx.caller, event)


def told(tx: Tx, name: str) -> list[Any]:
    return [event for event in tx.events if type(event).__name__ == name]


async def test_whoever_is_hired_is_linked_with_the_user_of_his_address(house: House) -> None:
    """The brief: "EmployeeHired/EmployeeChanged link by e-mail"."""
    async with house.tx("identity") as tx:
        user, other, employee = (
            await add_user(tx, "una@acme.example"),
            await add_user(tx, "ben@acme.example"),
            new_id(),
        )
        await hire(tx, employee, " Una@ACME.example ")
        assert (await tx.one(m.User, user.id)).employee_id == employee
        assert (await tx.one(m.User, other.id)).employee_id is None
        assert [e.employee_id for e in told(tx, "UserChanged")] == [employee]
        await hire(tx, employee, "una@acme.example")
        assert len(told(tx, "UserChanged")) == 1


async def test_a_user_made_after_the_hiring_finds_his_employee(house: House) -> None:
    async with house.tx("identity") as tx:
        employee = new_id()
        await hire(tx, employee, "late@acme.example")
        assert (await add_user(tx, "Late@acme.example")).employee_id == employee


async def test_an_employee_without_an_address_is_nobodys(house: House) -> None:
    async with house.tx("identity") as tx:
        user = await add_user(tx, "una@acme.example")
        await hire(tx, new_id(), None)
        assert (await tx.one(m.User, user.id)).employee_id is None


async def test_a_new_address_moves_the_link_to_its_user(house: House) -> None:
    async with house.tx("identity") as tx:
        one, two, employee = (
            await add_user(tx, "one@acme.example"),
            await add_user(tx, "two@acme.example"),
            new_id(),
        )
        await hire(tx, employee, "one@acme.example")
        await change(tx, employee, "two@acme.example")
        assert (await tx.one(m.User, one.id)).employee_id is None
        assert (await tx.one(m.User, two.id)).employee_id == employee
        await change(tx, employee, "nobody@acme.example")
        assert (await tx.one(m.User, two.id)).employee_id == employee


async def test_whoever_leaves_is_disabled_and_signed_out(house: House) -> None:
    """The brief: "EmployeeDeleted disables the account and ends sessions"."""
    async with house.tx("identity") as tx:
        user, employee = await add_user(tx, "una@acme.example"), new_id()
        await hire(tx, employee, "una@acme.example")
        begun = await sessions.begin_session(
            tx, tx.caller, user.id, Origin(None, None), for_programs=False
        )
        await leave(tx, employee)
        assert (await tx.one(m.User, user.id)).is_active is False
        session = await tx.one(m.Session, begun.id)
        assert (session.ended_at, session.ended_because) == (tx.caller.now, "disabled") or (
            session.ended_because == "disabled" and session.ended_at is not None
        )
        assert [e.reason for e in told(tx, "UserDisabled")] == ["employee_left"]
        assert [e.session_id for e in told(tx, "SessionsRevoked")] == [None]
        await leave(tx, employee)
        await leave(tx, new_id())
        assert len(told(tx, "UserDisabled")) == 1


async def test_a_leavers_address_is_not_linked_again(house: House) -> None:
    async with house.tx("identity") as tx:
        employee = new_id()
        await hire(tx, employee, "gone@acme.example")
        await leave(tx, employee)
        assert (await add_user(tx, "gone@acme.example")).employee_id is None


async def test_the_last_administrator_keeps_his_account_when_he_leaves(house: House) -> None:
    tenant = await house.new_tenant()
    async with house.tx("identity", tenant=tenant) as tx:
        (last,) = await tx.all(m.User)
        employee = new_id()
        await hire(tx, employee, last.email)
        await leave(tx, employee)
        user = await tx.one(m.User, last.id)
        assert (user.is_active, user.employee_id) == (True, None)
        assert told(tx, "UserDisabled") == []


async def test_units_and_departments_are_copied_into_the_tokens(house: House) -> None:
    """The brief: "MembershipChanged copies units/departments"."""
    async with house.tx("identity") as tx:
        user = await add_user(tx, "una@acme.example")
        unit, department = new_id(), new_id()
        event = MembershipChanged(user.id, [unit], [department])
        await reactions.copy_membership(tx, tx.caller, event)
        await reactions.copy_membership(tx, tx.caller, MembershipChanged(new_id(), [unit], []))
        row = await tx.one(m.User, user.id)
        assert [row.unit_ids, row.department_ids] == [[str(unit)], [str(department)]]
        await reactions.copy_membership(tx, tx.caller, MembershipChanged(user.id, [], []))
        row = await tx.one(m.User, user.id)
        assert [row.unit_ids, row.department_ids] == [[], []]
