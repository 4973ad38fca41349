"""Attendance: people clock in and out, the records office corrects, the night closes the day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from orrery.contracts.people import AttendanceClocked, AttendanceCorrected
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.people import models as m
from orrery.services.people.queries import attendance as queries
from orrery.services.people.queries import record
from orrery.services.people.queries.attendance import Calendar, Hours, Unclosed
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.attendance import Stay
from orrery.services.people.rules.employment import NotEmployed
from orrery.services.people.schemas import attendance as s
from orrery.services.people.settings import Settings

NO_WORK = {"minutes_worked": 0, "minutes_late": 0, "minutes_early": 0}


async def clock_in(tx: Tx, caller: Caller) -> m.AttendanceDay:
    """Start a stay at work.

    Refuses: AlreadyClockedIn, NoEmployeeRecord, NotEmployed. Announces: AttendanceClocked.
    """
    employee = await _oneself(tx, caller)
    told = await _calendar_around(tx, caller, caller.today)
    hours = told.hours(employee.department_id, employee.unit_id)
    held = await queries.open_clock(tx, employee.id)
    if held is not None:
        limit = timedelta(hours=tx.settings(Settings).clock_forgotten_after_hours)
        if not rules.is_forgotten(held.clocked_in_at, now=caller.now, limit=limit):
            raise rules.AlreadyClockedIn(since=held.clocked_in_at)
        await _end_forgotten(tx, held, told)
    day_on = rules.business_day(caller.now, hours.schedule, hours.zone)
    day = await _day_of(tx, employee, day_on)
    await tx.add(
        m.AttendanceClock,
        day_id=day.id,
        employee_id=employee.id,
        clocked_in_at=caller.now,
        is_void=False,
    )
    day = await _sum_up(tx, day, employee, told, is_closed=False)
    tx.announce(AttendanceClocked(employee.id, day.id, "in", caller.now))
    return day


async def clock_out(tx: Tx, caller: Caller) -> m.AttendanceDay:
    """End the stay at work; it belongs to the day on which it began, also past midnight.

    Refuses: NotClockedIn, NoEmployeeRecord. Announces: AttendanceClocked.
    """
    employee = await _oneself(tx, caller)
    held = await queries.open_clock(tx, employee.id)
    if held is None:
        raise rules.NotClockedIn(employee_id=employee.id)
    await tx.change(held, clocked_out_at=caller.now)
    day = await tx.one(m.AttendanceDay, held.day_id)
    told = await _calendar_around(tx, caller, day.day)
    day = await _sum_up(tx, day, employee, told, is_closed=day.is_closed)
    tx.announce(AttendanceClocked(employee.id, day.id, "out", caller.now))
    return day


async def correct_day(tx: Tx, caller: Caller, correction: s.Correction) -> m.AttendanceDay:
    """Set the clock times or the status of an employee's day, with the reason.

    A status that was set stays whatever the clocks say, until a correction of the times alone.
    Refuses: NothingToCorrect, NotEmployed, ClocksOverlap, ClocksNotOnDay.
    Announces: AttendanceCorrected.
    """
    if correction.status is None and correction.stays is None:
        raise rules.NothingToCorrect(possible=["status", "stays"])
    employee = await tx.lock(m.Employee, correction.employee_id)
    if not await record.is_employed(tx, employee.id, correction.day):
        raise NotEmployed(effective_on=correction.day)
    told = await _calendar_around(tx, caller, correction.day)
    hours = told.hours(employee.department_id, employee.unit_id)
    day = await _day_of(tx, employee, correction.day)
    if correction.stays is not None:
        stays = queries.stays(correction.stays)
        rules.check_stays(
            stays, day=day.day, schedule=hours.schedule, zone=hours.zone, now=caller.now
        )
        await _replace_stays(tx, day, stays)
        day = await tx.change(day, is_clock_forgotten=False)
    day = await tx.change(
        day,
        status=correction.status,
        is_corrected=correction.status is not None,
        note=correction.note,
    )
    is_over = rules.is_over(day.day, hours.schedule, now=caller.now, zone=hours.zone)
    day = await _sum_up(tx, day, employee, told, is_closed=is_over)
    tx.announce(AttendanceCorrected(employee.id, day.id, day.day, day.status, correction.note))
    return day


async def end_forgotten_clocks(tx: Tx, caller: Caller) -> int:
    """End every clock-in that nobody ended in time, with no work counted; answers how many."""
    limit = timedelta(hours=tx.settings(Settings).clock_forgotten_after_hours)
    rows = await tx.rows(
        "select id, clocked_in_at from attendance_clock where clocked_out_at is null"
        " and not is_void and clocked_in_at <= %(before)s order by id",
        before=caller.now - limit,
    )
    if not rows:
        return 0
    first = min(row.clocked_in_at for row in rows).date()
    told = await queries.calendar(tx, caller, first=first - timedelta(days=2), last=caller.today)
    for clock in await tx.lock_many(m.AttendanceClock, [row.id for row in rows]):
        if clock.clocked_out_at is None:
            await _end_forgotten(tx, clock, told)
    return len(rows)


async def close_days(tx: Tx, caller: Caller) -> int:
    """Settle the days that are over: half days, holidays, and absent where nothing was recorded.

    Answers how many days it settled; a day off without a record needs no settling.
    """
    last = caller.today
    first = last - timedelta(days=tx.settings(Settings).closing_window_days)
    told = await queries.calendar(tx, caller, first=first, last=last)
    new, clocked = [], []
    for day in await queries.unclosed_days(tx, first=first, last=last):
        hours = told.hours(day.department_id, day.unit_id)
        # Nobody is absent on a day before the house knew of them.
        was_known = day.created_at.astimezone(hours.zone).date() <= day.day
        if was_known and rules.is_over(day.day, hours.schedule, now=caller.now, zone=hours.zone):
            end = _settled(day, hours, told)
            if day.day_id is not None:
                clocked.append((day, end))
            elif end.status is not None:
                new.append((day, end))
    await _write_new(tx, new)
    await _write_closed(tx, clocked)
    return len(new) + len(clocked)


def _settled(day: Unclosed, hours: Hours, told: Calendar) -> rules.DaySummary:
    return rules.summarise(
        day.stays,
        rules.shift_on(hours.schedule, day.day, hours.zone),
        is_holiday=told.holiday(day.day, day.unit_id) is not None,
        is_closed=True,
    )


async def _oneself(tx: Tx, caller: Caller) -> m.Employee:
    """The caller's own record, kept from others so that two clicks do not make two clock-ins."""
    if caller.employee_id is None:
        raise rules.NoEmployeeRecord(user_id=caller.user_id)
    found = await tx.lock_many(m.Employee, [caller.employee_id])
    if not found:
        raise rules.NoEmployeeRecord(user_id=caller.user_id)
    if found[0].status != "active":
        raise NotEmployed(effective_on=caller.today)
    return found[0]


async def _calendar_around(tx: Tx, caller: Caller, day: date) -> Calendar:
    # A business day in another zone, or of a forgotten clock, may lie beside the one asked for.
    return await queries.calendar(
        tx, caller, first=day - timedelta(days=7), last=day + timedelta(days=2)
    )


async def _day_of(tx: Tx, employee: m.Employee, day: date) -> m.AttendanceDay:
    found = await tx.find(m.AttendanceDay, employee_id=employee.id, day=day)
    if found is not None:
        return found
    return await tx.add(
        m.AttendanceDay,
        employee_id=employee.id,
        day=day,
        is_closed=False,
        is_corrected=False,
        is_clock_forgotten=False,
        **NO_WORK,
    )


async def _sum_up(
    tx: Tx, day: m.AttendanceDay, employee: m.Employee, told: Calendar, *, is_closed: bool
) -> m.AttendanceDay:
    hours = told.hours(employee.department_id, employee.unit_id)
    end = rules.summarise(
        await queries.stays_of(tx, day.id),
        rules.shift_on(hours.schedule, day.day, hours.zone),
        is_holiday=told.holiday(day.day, employee.unit_id) is not None,
        is_closed=is_closed,
    )
    return await tx.change(day, is_closed=is_closed, **_summary(end, day.status, day.is_corrected))


def _summary(end: rules.DaySummary, status: str | None, is_corrected: bool) -> dict[str, Any]:  # noqa: FBT001 - two facts of one row
    return {
        "status": status if is_corrected else end.status,
        "first_in_at": end.first_in_at,
        "last_out_at": end.last_out_at,
        "minutes_worked": end.minutes_worked,
        "minutes_late": end.minutes_late,
        "minutes_early": end.minutes_early,
    }


async def _end_forgotten(tx: Tx, clock: m.AttendanceClock, told: Calendar) -> None:
    # When they really left nobody knows; counting no time makes the day stand out until corrected.
    await tx.change(clock, clocked_out_at=clock.clocked_in_at)
    day = await tx.one(m.AttendanceDay, clock.day_id)
    employee = await tx.one(m.Employee, clock.employee_id)
    day = await tx.change(day, is_clock_forgotten=True)
    await _sum_up(tx, day, employee, told, is_closed=day.is_closed)


async def _replace_stays(tx: Tx, day: m.AttendanceDay, stays: Sequence[Stay]) -> None:
    await tx.run(
        "update attendance_clock set is_void = true, version = version + 1"
        " where day_id = %(day)s and not is_void",
        day=day.id,
    )
    await tx.add_many(
        m.AttendanceClock,
        [
            {
                "day_id": day.id,
                "employee_id": day.employee_id,
                "clocked_in_at": stay.clocked_in_at,
                "clocked_out_at": stay.clocked_out_at,
                "is_void": False,
            }
            for stay in stays
        ],
    )


async def _write_new(tx: Tx, closed: Sequence[tuple[Unclosed, rules.DaySummary]]) -> None:
    await tx.add_many(
        m.AttendanceDay,
        [
            {
                "employee_id": day.employee_id,
                "day": day.day,
                "status": end.status,
                "is_closed": True,
                "is_corrected": False,
                "is_clock_forgotten": False,
                **NO_WORK,
            }
            for day, end in closed
        ],
    )


async def _write_closed(tx: Tx, closed: Sequence[tuple[Unclosed, rules.DaySummary]]) -> None:
    told = [(day.day_id, _summary(end, day.status, day.is_corrected)) for day, end in closed]
    await tx.run(
        "update attendance_day d set is_closed = true, version = d.version + 1, status = c.status,"
        " minutes_worked = c.worked, minutes_late = c.late, minutes_early = c.early"
        " from unnest(%(ids)s::uuid[], %(statuses)s::text[], %(worked)s::int[], %(late)s::int[],"
        " %(early)s::int[]) as c (id, status, worked, late, early) where d.id = c.id",
        ids=[id for id, _ in told],
        statuses=[end["status"] for _, end in told],
        worked=[end["minutes_worked"] for _, end in told],
        late=[end["minutes_late"] for _, end in told],
        early=[end["minutes_early"] for _, end in told],
    )
