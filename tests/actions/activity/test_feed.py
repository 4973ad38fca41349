"""The feed keeps every event once, with who did it, and can be made again from the log."""

from datetime import timedelta
from typing import Any

import pytest

from orrery.contracts.people import AttendanceClocked
from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.activity import actions, jobs
from orrery.services.activity import models as m
from orrery.services.activity.service import SERVICE
from orrery.services.people.actions import employees


async def hire(house: House, tenant: str, **more: Any) -> str:
    async with house.tx("people", tenant=tenant, commits=True, **more) as tx:
        employee = await employees.hire_employee(
            tx, tx.caller, {"first_name": "Ann", "last_name": "Lee", "code": "E-1"}
        )
    return str(employee.id)


def test_every_event_of_every_contract_is_recorded() -> None:
    """Issue 2 B: the feed of all events; no hand-kept list decides what is in it."""
    from orrery.kernel.events import all_events

    assert set(SERVICE.reactions) == set(all_events())
    assert len(SERVICE.reactions) >= 46


async def test_an_event_becomes_one_entry_with_who_did_it(house: House) -> None:
    tenant, user = await house.new_tenant(), new_id()
    subject = await hire(house, tenant, user_id=user, request_id="req-1")
    await house.settle()
    async with house.tx("activity", tenant=tenant) as tx:
        entries = await tx.all(m.Entry, subject=subject)
    assert len(entries) == 1
    entry = entries[0]
    assert (entry.name, entry.service) == ("people.employee_hired.v1", "people")
    assert (entry.user_id, entry.actor, entry.on_behalf_of) == (user, str(user), None)
    assert (entry.request_id, entry.data["code"]) == ("req-1", "E-1")
    assert entry.summary.startswith("Ann Lee (E-1) was hired for ")


async def test_what_a_service_did_for_somebody_is_theirs(house: House) -> None:
    """AUD-1: who, and on behalf of whom."""
    tenant, user = await house.new_tenant(), new_id()
    employee = new_id()
    async with house.tx("people", tenant=tenant, commits=True) as tx:
        tx.caller = tx.caller.__class__(
            tenant=tenant, service="service:people", on_behalf_of=str(user)
        )
        tx.announce(AttendanceClocked(employee, new_id(), "in", tx.caller.now))
    await house.settle()
    async with house.tx("activity", tenant=tenant) as tx:
        (entry,) = await tx.all(m.Entry, subject=str(employee))
    assert (entry.user_id, entry.actor, entry.on_behalf_of) == (
        user,
        "service:people",
        str(user),
    )


async def test_a_redelivered_event_is_one_entry(house: House) -> None:
    tenant = await house.new_tenant()
    event = AttendanceClocked(new_id(), new_id(), "in", clock.now())
    async with house.tx("activity", tenant=tenant) as tx:
        tx.event_id, tx.event_at, tx.letter = new_id(), clock.now(), _Letter()
        await actions.record_event(tx, event)
        await actions.record_event(tx, event)
        assert len(await tx.all(m.Entry, subject=event.subject)) == 1


class _Letter:
    actor = on_behalf_of = request_id = None


async def test_the_feed_rebuilt_from_the_log_is_the_same(house: House) -> None:
    """DESIGN 6: any projection can be dropped and rebuilt, and must come out equal."""
    if "assets" not in house.runtime.services:
        pytest.skip("the log is spread over all services, and only some are running")
    tenant = await house.new_tenant()
    await hire(house, tenant, user_id=new_id())
    await house.settle()
    async with house.tx("activity", tenant=tenant) as tx:
        before = await tx.all(m.Entry), await tx.all(m.Person)
    assert len(before[0]) >= 8
    await house.rebuild("activity", tenant)
    async with house.tx("activity", tenant=tenant) as tx:
        assert (await tx.all(m.Entry), await tx.all(m.Person)) == before


async def test_nothing_is_forgotten_by_default(house: House) -> None:
    tenant = await house.new_tenant()
    await hire(house, tenant)
    await house.settle()
    clock.set(clock.now() + timedelta(days=4000))
    async with house.tx("activity", tenant=tenant) as tx:
        count = len(await tx.all(m.Entry))
        await jobs.forget_old_entries(tx, tx.caller)
        assert len(await tx.all(m.Entry)) == count


async def test_with_a_retention_the_old_go_and_the_young_stay(house: House) -> None:
    tenant = await house.new_tenant()
    await hire(house, tenant)
    await house.settle()
    now = clock.now()
    async with house.tx("activity", tenant=tenant) as tx:
        count = len(await tx.all(m.Entry))
        clock.set(now + timedelta(days=29))
        assert await actions.forget_old_entries(tx, tx.caller, keep_days=30) == 0
        clock.set(now + timedelta(days=31))
        assert await actions.forget_old_entries(tx, tx.caller, keep_days=30) == count
        assert await tx.all(m.Entry) == []
