"""Clocking, corrections and the closing of days (HR-3: check-in rules; issue 2 B: attendance)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from orrery.contracts.people import AttendanceClocked, AttendanceCorrected
from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.people import models as m
from orrery.services.people.actions import attendance, zones
from orrery.services.people.queries import attendance as queries
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.employment import NotEmployed
from orrery.services.people.schemas import attendance as s
from tests.actions.people.factories import acting_as, at, department, hire, let_go, names

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    """Office hours 09:00 to 17:30 in Berlin, 10 minutes of grace, 240 minutes at least."""
    clock.set(at("2026-11-16T08:00:00+01:00"))
    async with house.tx("people") as opened:
        yield opened


async def day_of(tx: Tx, employee: m.Employee, day: date) -> m.AttendanceDay | None:
    return await tx.find(m.AttendanceDay, employee_id=employee.id, day=day)


async def clocks(tx: Tx, employee: m.Employee, come: str, go: str | None) -> m.AttendanceDay:
    clock.set(at(come))
    day = await attendance.clock_in(tx, acting_as(tx, employee))
    if go is None:
        return day
    clock.set(at(go))
    return await attendance.clock_out(tx, acting_as(tx, employee))


async def test_somebody_clocks_in_and_out_for_oneself(tx: Tx) -> None:
    ann = await hire(tx)
    day = await clocks(tx, ann, "2026-11-16T09:04:00+01:00", "2026-11-16T17:34:00+01:00")
    assert (day.day, day.status, day.minutes_worked, day.is_closed) == (
        MONDAY,
        "present",
        510,
        False,
    )
    assert tx.events[1:] == [
        AttendanceClocked(ann.id, day.id, "in", at("2026-11-16T09:04:00+01:00")),
        AttendanceClocked(ann.id, day.id, "out", at("2026-11-16T17:34:00+01:00")),
    ]


@pytest.mark.parametrize(("come", "status"), [("09:10:00", "present"), ("09:10:01", "late")])
async def test_who_comes_after_the_grace_is_late_at_once(tx: Tx, come: str, status: str) -> None:
    """HR-3: late."""
    day = await clocks(tx, await hire(tx), f"2026-11-16T{come}+01:00", None)
    assert day.status == status


async def test_there_is_one_open_clock_in_at_a_time(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T09:00:00+01:00", None)
    clock.set(at("2026-11-16T10:00:00+01:00"))
    with pytest.raises(rules.AlreadyClockedIn) as refused:
        await attendance.clock_in(tx, acting_as(tx, ann))
    assert refused.value.facts["since"] == at("2026-11-16T09:00:00+01:00")
    assert len(await tx.all(m.AttendanceClock, employee_id=ann.id)) == 1


async def test_who_is_not_clocked_in_cannot_clock_out(tx: Tx) -> None:
    ann = await hire(tx)
    with pytest.raises(rules.NotClockedIn):
        await attendance.clock_out(tx, acting_as(tx, ann))
    assert await day_of(tx, ann, MONDAY) is None


async def test_a_break_makes_two_stays_of_one_day(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T09:00:00+01:00", "2026-11-16T12:00:00+01:00")
    day = await clocks(tx, ann, "2026-11-16T12:30:00+01:00", "2026-11-16T17:30:00+01:00")
    assert (day.minutes_worked, day.minutes_early) == (480, 0)
    assert len(await tx.all(m.AttendanceDay, employee_id=ann.id)) == 1


async def test_a_stay_across_midnight_belongs_to_the_day_it_began_on(tx: Tx) -> None:
    """Issue 2 B: clocks across midnight."""
    ops = await department(tx, "OPS")
    await tx.add(
        m.WorkSchedule,
        code="NIGHT",
        name="Night shift",
        department_id=ops.id,
        starts_at=time(22),
        ends_at=time(6),
        grace_minutes=5,
        minimum_minutes=300,
        weekdays=[1, 2, 3, 4, 5],
    )
    ann = await hire(tx, department_id=ops.id)
    day = await clocks(tx, ann, "2026-11-16T22:03:00+01:00", "2026-11-17T06:01:00+01:00")
    assert (day.day, day.status, day.minutes_worked) == (MONDAY, "present", 478)
    late = await clocks(tx, ann, "2026-11-18T00:10:00+01:00", "2026-11-18T06:00:00+01:00")
    assert (late.day, late.status, late.minutes_late) == (TUESDAY, "late", 130)


async def test_the_business_day_is_that_of_the_employees_unit(tx: Tx) -> None:
    """DESIGN 9: business days are dates in the unit's time zone, facts are instants."""
    unit = new_id()
    await zones.keep_zone(tx, unit_id=unit, time_zone="America/New_York")
    here, there = await hire(tx, "Here"), await hire(tx, "There", unit_id=unit)
    instant = "2026-11-17T03:00:00+01:00"  # 21:00 on Monday in New York
    assert (await clocks(tx, here, instant, None)).day == TUESDAY
    assert (await clocks(tx, there, instant, None)).day == MONDAY


async def test_an_account_without_an_employee_has_no_clock(tx: Tx) -> None:
    with pytest.raises(rules.NoEmployeeRecord):
        await attendance.clock_in(tx, tx.caller)
    with pytest.raises(rules.NoEmployeeRecord):
        await attendance.clock_in(tx, replace(tx.caller, employee_id=new_id()))
    assert tx.events == []


async def test_who_left_has_no_clock(tx: Tx) -> None:
    ann = await hire(tx)
    await let_go(tx, ann, tx.caller.today)
    with pytest.raises(NotEmployed):
        await attendance.clock_in(tx, acting_as(tx, ann))
    assert await day_of(tx, ann, MONDAY) is None


async def test_a_forgotten_clock_out_blocks_nobody_and_counts_nothing(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T09:00:00+01:00", None)
    clock.set(at("2026-11-17T00:59:59+01:00"))
    assert await attendance.end_forgotten_clocks(tx, tx.caller) == 0
    day = await clocks(tx, ann, "2026-11-17T09:00:00+01:00", None)
    assert (day.day, day.is_clock_forgotten) == (TUESDAY, False)
    monday = await day_of(tx, ann, MONDAY)
    assert monday is not None
    assert (monday.is_clock_forgotten, monday.minutes_worked) == (True, 0)


async def test_the_job_ends_clocks_after_sixteen_hours(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T09:00:00+01:00", None)
    clock.set(at("2026-11-17T01:00:00+01:00"))
    assert await attendance.end_forgotten_clocks(tx, tx.caller) == 1
    assert await queries.open_clock(tx, ann.id) is None
    await attendance.close_days(tx, tx.caller)
    monday = await day_of(tx, ann, MONDAY)
    assert monday is not None
    assert (monday.status, monday.is_clock_forgotten) == ("half_day", True)


async def test_the_night_closes_the_day_absent_where_nothing_was_recorded(tx: Tx) -> None:
    """Issue 2 B: a job closes yesterday, absent where nothing."""
    came, short, stayed_away = await hire(tx, "Came"), await hire(tx, "Short"), await hire(tx)
    await clocks(tx, came, "2026-11-16T09:00:00+01:00", "2026-11-16T17:30:00+01:00")
    await clocks(tx, short, "2026-11-16T09:30:00+01:00", "2026-11-16T13:29:00+01:00")
    clock.set(at("2026-11-16T23:59:59+01:00"))
    assert await attendance.close_days(tx, tx.caller) == 0
    clock.set(at("2026-11-17T00:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    told = [await day_of(tx, who, MONDAY) for who in (came, short, stayed_away)]
    assert [(day.status, day.is_closed, day.minutes_late) for day in told if day] == [
        ("present", True, 0),
        ("half_day", True, 30),
        ("absent", True, 0),
    ]
    again = await attendance.close_days(tx, tx.caller)
    assert again == 0
    assert len(await tx.all(m.AttendanceDay, employee_id=stayed_away.id)) == 1


async def test_after_a_stop_the_days_missed_are_closed_but_none_before_the_entry(tx: Tx) -> None:
    """Nobody is absent before the house knew of them: the record was entered on Monday."""
    ann = await hire(tx)
    clock.set(at("2026-11-23T01:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    days = await tx.all(m.AttendanceDay, employee_id=ann.id)
    assert sorted(day.day for day in days) == [date(2026, 11, n) for n in range(16, 21)]
    assert {day.status for day in days} == {"absent"}


async def test_a_holiday_is_no_absence_and_a_day_off_is_no_record(tx: Tx) -> None:
    await tx.add(m.Holiday, code="2026-11-17", name="Founders' Day", day=TUESDAY)
    ann = await hire(tx)
    clock.set(at("2026-11-23T01:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    tuesday = await day_of(tx, ann, TUESDAY)
    assert tuesday is not None
    assert tuesday.status == "holiday"
    assert await day_of(tx, ann, SATURDAY) is None


async def test_a_holiday_of_one_unit_is_a_working_day_in_the_others(tx: Tx) -> None:
    unit = new_id()
    await tx.add(m.Holiday, code="U", name="Local Day", day=MONDAY, unit_id=unit)
    off, on = await hire(tx, "Off", unit_id=unit), await hire(tx, "On")
    clock.set(at("2026-11-17T01:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    told = [await day_of(tx, who, MONDAY) for who in (off, on)]
    assert [day.status for day in told if day] == ["holiday", "absent"]


async def test_who_is_still_at_work_keeps_the_day_open(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T14:00:00+01:00", None)
    clock.set(at("2026-11-17T00:30:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    monday = await day_of(tx, ann, MONDAY)
    assert monday is not None
    assert (monday.is_closed, monday.status) == (False, "late")


async def test_days_after_the_last_day_are_nobodys_absence(tx: Tx) -> None:
    ann = await hire(tx)
    await let_go(tx, ann, MONDAY)
    clock.set(at("2026-11-19T01:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    assert [day.day for day in await tx.all(m.AttendanceDay, employee_id=ann.id)] == [MONDAY]


async def correct(tx: Tx, employee: m.Employee, day: date, **more: Any) -> m.AttendanceDay:
    draft = s.Correction(employee_id=employee.id, day=day, note="Terminal broken", **more)
    return await attendance.correct_day(tx, tx.caller, draft)


def stay(come: str, go: str) -> dict[str, str]:
    return {"clocked_in_at": come, "clocked_out_at": go}


async def test_corrected_times_replace_the_clocks_and_the_day_is_settled_again(tx: Tx) -> None:
    ann = await hire(tx)
    await clocks(tx, ann, "2026-11-16T10:00:00+01:00", "2026-11-16T11:00:00+01:00")
    clock.set(at("2026-11-17T09:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    day = await correct(
        tx, ann, MONDAY, stays=[stay("2026-11-16T09:00:00+01:00", "2026-11-16T17:30:00+01:00")]
    )
    assert (day.status, day.minutes_worked, day.is_closed, day.note) == (
        "present",
        510,
        True,
        "Terminal broken",
    )
    kept = await tx.all(m.AttendanceClock, employee_id=ann.id)
    assert sorted(row.is_void for row in kept) == [False, True]
    assert tx.events[-1] == AttendanceCorrected(
        ann.id, day.id, MONDAY, "present", "Terminal broken"
    )


async def test_a_status_that_was_set_stays_whatever_the_clocks_say(tx: Tx) -> None:
    ann = await hire(tx)
    await correct(tx, ann, TUESDAY, status="leave")
    await clocks(tx, ann, "2026-11-17T09:00:00+01:00", "2026-11-17T09:30:00+01:00")
    clock.set(at("2026-11-18T09:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    day = await day_of(tx, ann, TUESDAY)
    assert day is not None
    assert (day.status, day.minutes_worked, day.is_closed) == ("leave", 30, True)


async def test_a_correction_of_the_times_alone_lets_the_clocks_speak_again(tx: Tx) -> None:
    ann = await hire(tx)
    clock.set(at("2026-11-17T09:00:00+01:00"))
    await correct(tx, ann, MONDAY, status="absent")
    day = await correct(
        tx, ann, MONDAY, stays=[stay("2026-11-16T09:20:00+01:00", "2026-11-16T17:30:00+01:00")]
    )
    assert (day.status, day.minutes_late, day.is_corrected) == ("late", 20, False)


async def test_a_correction_is_for_a_day_of_employment_and_says_something(tx: Tx) -> None:
    ann = await hire(tx)
    with pytest.raises(NotEmployed):
        await correct(tx, ann, date(2020, 1, 1), status="leave")
    with pytest.raises(rules.NothingToCorrect):
        await correct(tx, ann, MONDAY)
    with pytest.raises(rules.ClocksNotOnDay):
        await correct(
            tx, ann, MONDAY, stays=[stay("2026-11-17T09:00:00+01:00", "2026-11-17T10:00:00+01:00")]
        )
    assert "attendance_corrected" not in names(tx)
    assert await tx.all(m.AttendanceClock, employee_id=ann.id) == []


async def test_a_month_shows_every_day(tx: Tx) -> None:
    ann = await hire(tx)
    await tx.add(m.Holiday, code="2026-11-17", name="Founders' Day", day=TUESDAY)
    await clocks(tx, ann, "2026-11-16T09:20:00+01:00", "2026-11-16T17:30:00+01:00")
    clock.set(at("2026-11-21T01:00:00+01:00"))
    await attendance.close_days(tx, tx.caller)
    month = await queries.month_of(tx, tx.caller, ann.id, "2026-11")
    assert len(month.items) == 30
    assert sum(day.is_working_day for day in month.items) == 20
    assert month.items[16].holiday == "Founders' Day"
    assert month.days_by_status == {
        "present": 0,
        "late": 1,
        "absent": 3,
        "leave": 0,
        "half_day": 0,
        "holiday": 1,
    }
    assert (month.minutes_worked, month.minutes_late) == (490, 20)


async def test_the_summary_of_a_day_counts_each_employee_once(tx: Tx) -> None:
    ops = await department(tx, "OPS")
    came = await hire(tx, "Came", department_id=ops.id)
    await hire(tx, "Away", department_id=ops.id)
    await hire(tx, "Elsewhere")
    await clocks(tx, came, "2026-11-16T09:00:00+01:00", "2026-11-16T12:00:00+01:00")
    await clocks(tx, came, "2026-11-16T13:00:00+01:00", None)
    summary = await queries.summary_of(tx, tx.caller, on=MONDAY, department_id=ops.id)
    assert (summary.employees, summary.clocked_in_now, summary.without_record) == (2, 1, 1)
    assert (summary.days_by_status["present"], summary.minutes_worked) == (1, 180)
