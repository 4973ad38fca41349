"""Memberships in a real database: assignment, news about it, and what time does to it."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from orrery.contracts.identity import UserCreated
from orrery.contracts.organization import MembershipChanged
from orrery.contracts.people import DepartmentChanged
from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House, order
from orrery.kernel.types.ids import new_id
from orrery.services.organization import models as m
from orrery.services.organization import queries, reactions, seed
from orrery.services.organization.actions import memberships, provisioning, units
from orrery.services.organization.jobs import retell_memberships
from orrery.services.organization.rules import memberships as rules
from orrery.services.organization.rules.memberships import UnitGrant

USER = UUID(int=42)


async def add_unit(tx: Tx, code: str) -> UUID:
    unit = await units.create_unit(
        tx,
        tx.caller,
        {
            "code": code,
            "name": code,
            "country": "DE",
            "currency": "EUR",
            "time_zone": "Europe/Berlin",
            "language": "de",
            "tax_rounding": "line",
        },
    )
    return unit.id


async def add_department(tx: Tx, *, is_archived: bool = False) -> UUID:
    id = new_id()
    await reactions.keep_department(
        tx, tx.caller, DepartmentChanged(id, "FIN", "Finance", None, None, is_archived=is_archived)
    )
    return id


async def assign(
    tx: Tx, *grants: UnitGrant, default: UUID | None = None, departments: tuple[UUID, ...] = ()
) -> m.Membership:
    return await memberships.assign_membership(
        tx,
        tx.caller,
        USER,
        units=grants,
        default_unit_id=default,
        department_ids=departments,
    )


def news(tx: Tx) -> list[MembershipChanged]:
    return [event for event in tx.events if isinstance(event, MembershipChanged)]


async def test_a_user_belongs_to_many_units_and_departments_and_the_others_are_told(
    house: House,
) -> None:
    """ORG-1: user in many business units."""
    async with house.tx("organization") as tx:
        a, b = sorted([await add_unit(tx, "A"), await add_unit(tx, "B")])
        department = await add_department(tx)
        membership = await assign(
            tx, UnitGrant(b), UnitGrant(a), default=b, departments=(department,)
        )
        assert membership.default_unit_id == b
        assert news(tx) == [MembershipChanged(USER, [a, b], [department])]
        details = await queries.membership_details(tx, tx.caller, membership.id)
        assert [(u.unit_code, u.holds_today) for u in details.units] == [("A", True), ("B", True)]
        assert details.department_ids == [department]


async def test_an_assignment_replaces_the_former_one_and_repeating_it_tells_nobody(
    house: House,
) -> None:
    async with house.tx("organization") as tx:
        a, b = await add_unit(tx, "A"), await add_unit(tx, "B")
        await assign(tx, UnitGrant(a))
        await assign(tx, UnitGrant(b))
        await assign(tx, UnitGrant(b))
        assert [event.unit_ids for event in news(tx)] == [[a], [b]]
        assert len(await tx.all(m.MembershipUnit, unit_id=a)) == 0
        assert await tx.value("select count(*) from membership where user_id = %(u)s", u=USER) == 1


async def test_what_does_not_exist_or_is_archived_cannot_be_assigned(house: House) -> None:
    async with house.tx("organization") as tx:
        a, gone = await add_unit(tx, "A"), await add_unit(tx, "B")
        await units.archive_unit(tx, tx.caller, gone)
        closed = await add_department(tx, is_archived=True)
        with pytest.raises(rules.UnknownUnit):
            await assign(tx, UnitGrant(a), UnitGrant(gone))
        with pytest.raises(rules.UnknownDepartment):
            await assign(tx, UnitGrant(a), departments=(closed,))
        assert news(tx) == []
        assert await tx.all(m.MembershipUnit, unit_id=a) == []


async def test_a_grant_that_begins_and_ends_is_told_on_those_days_and_only_then(
    house: House,
) -> None:
    """ORG-1: time-bounded grants; identity learns of them without anybody's doing."""
    async with house.tx("organization") as tx:
        a, b = await add_unit(tx, "A"), await add_unit(tx, "B")
        first, last = tx.caller.today + timedelta(days=2), tx.caller.today + timedelta(days=3)
        await assign(tx, UnitGrant(a), UnitGrant(b, valid_from=first, valid_until=last))
        assert [event.unit_ids for event in news(tx)] == [[a]]
        present, told = clock.now(), []
        for days in range(1, 6):
            clock.set(present + timedelta(days=days))
            tx.events.clear()
            await retell_memberships(tx, tx.caller)
            await retell_memberships(tx, tx.caller)
            told.append([event.unit_ids for event in news(tx)])
        assert told == [[], [sorted([a, b])], [], [[a]], []]


async def test_the_day_of_a_grant_is_the_tenants_day(house: House) -> None:
    async with house.tx("organization") as tx:
        b = await add_unit(tx, "B")
        clock.set(clock.now().replace(year=2026, month=7, day=14, hour=21, minute=30))
        assert tx.caller.today == date(2026, 7, 14)
        await assign(tx, UnitGrant(b, valid_from=date(2026, 7, 15)))
        assert news(tx) == []
        # 22:30 in Greenwich is half past midnight in Berlin.
        clock.set(clock.now().replace(hour=22, minute=30))
        await retell_memberships(tx, tx.caller)
        assert [event.unit_ids for event in news(tx)] == [[b]]


async def test_a_new_user_starts_at_the_headquarters(house: House) -> None:
    async with house.tx("organization") as tx:
        created = UserCreated(USER, "ada@acme.example", "Ada", None)
        await reactions.welcome_user(tx, tx.caller, created)
        await reactions.welcome_user(tx, tx.caller, created)
        home = await tx.find(m.Unit, is_headquarters=True)
        membership = await tx.find(m.Membership, user_id=USER)
        assert home is not None
        assert membership is not None
        assert (membership.email, membership.full_name) == ("ada@acme.example", "Ada")
        assert membership.default_unit_id == home.id
        assert news(tx) == [MembershipChanged(USER, [home.id], [])]


async def test_a_user_who_was_assigned_first_keeps_the_place_and_gets_the_name(
    house: House,
) -> None:
    async with house.tx("organization") as tx:
        a = await add_unit(tx, "A")
        await assign(tx, UnitGrant(a))
        await reactions.welcome_user(
            tx, tx.caller, UserCreated(USER, "ada@acme.example", "Ada", None)
        )
        membership = await tx.find(m.Membership, user_id=USER)
        assert membership is not None
        assert (membership.default_unit_id, membership.full_name) == (a, "Ada")
        assert len(news(tx)) == 1


async def test_a_department_is_kept_as_people_last_described_it(house: House) -> None:
    async with house.tx("organization") as tx:
        id, head = new_id(), new_id()
        first = DepartmentChanged(id, "FIN", "Finance", None, None, is_archived=False)
        then = DepartmentChanged(id, "FIN", "Finance and Control", None, head, is_archived=True)
        for event in (first, then):
            await reactions.keep_department(tx, tx.caller, event)
        kept = await tx.one(m.Department, id)
        assert (kept.title, kept.head_employee_id, kept.is_archived) == (
            "Finance and Control",
            head,
            True,
        )


async def test_the_seed_builds_the_demo_company_and_a_second_run_changes_nothing(
    house: House,
) -> None:
    async with house.tx("organization", tenant=await house.new_tenant()) as tx:
        await tx.run("delete from membership")
        await tx.run("delete from unit")
        await tx.run("delete from profile")
        await provisioning.provision(tx, tx.caller, order("demo"))
        await seed.seed(tx, tx.caller)
        told = len(tx.events)
        home = await tx.one(m.Unit, seed.HEADQUARTERS)
        assert (home.legal_name, home.vat_number) == ("Meridian Trading GmbH", "DE812345673")
        assert sorted(u.code for u in await tx.all(m.Unit)) == ["HQ", "LDN"]
        assert len(await tx.all(m.Membership)) == 5
        await seed.seed(tx, tx.caller)
        assert len(tx.events) == told
