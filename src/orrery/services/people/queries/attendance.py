"""Attendance as it is looked up: hours, stays, months and daily summaries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import caller_values
from orrery.services.people import models as m
from orrery.services.people import permissions as p
from orrery.services.people.queries.scopes import VISIBLE
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.attendance import Schedule, Stay
from orrery.services.people.schemas import attendance as s


@dataclass(frozen=True)
class Hours:
    """When somebody is expected: schedule and time zone."""

    schedule: Schedule | None
    zone: ZoneInfo


@dataclass(frozen=True)
class Calendar:
    """Every schedule, time zone and holiday of a span of days, for deciding on many employees."""

    schedules: dict[UUID | None, Schedule]
    zones: dict[UUID, ZoneInfo]
    home: ZoneInfo
    holidays: dict[tuple[date, UUID | None], str]

    def hours(self, department_id: UUID | None, unit_id: UUID | None) -> Hours:
        """The hours of a department, else the company's; the zone of a unit, else the tenant's."""
        schedule = self.schedules.get(department_id) or self.schedules.get(None)
        return Hours(schedule, self.zones.get(unit_id, self.home) if unit_id else self.home)

    def holiday(self, day: date, unit_id: UUID | None) -> str | None:
        """The name of the holiday a day is, in the company or in a unit."""
        return self.holidays.get((day, None)) or self.holidays.get((day, unit_id))


async def calendar(tx: ReadTx, caller: Caller, *, first: date, last: date) -> Calendar:
    """What the days from first to last are like for everybody."""
    schedules = await tx.all(m.WorkSchedule, is_archived=False)
    holidays = await tx.rows(
        "select day, unit_id, name from holiday"
        " where not is_archived and day between %(first)s and %(last)s",
        first=first,
        last=last,
    )
    return Calendar(
        schedules={row.department_id: schedule_of(row) for row in schedules},
        zones={row.id: ZoneInfo(row.time_zone) for row in await tx.all(m.UnitZone)},
        home=ZoneInfo(caller.time_zone),
        holidays={(row.day, row.unit_id): row.name for row in holidays},
    )


def schedule_of(row: m.WorkSchedule) -> Schedule:
    """A work schedule as the rules know it."""
    return Schedule(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        grace_minutes=row.grace_minutes,
        minimum_minutes=row.minimum_minutes,
        weekdays=frozenset(row.weekdays),
    )


async def open_clock(tx: ReadTx, employee_id: UUID) -> m.AttendanceClock | None:
    """The clock-in that has no clock-out yet."""
    return await tx.find(
        m.AttendanceClock, employee_id=employee_id, clocked_out_at=None, is_void=False
    )


async def stays_of(tx: ReadTx, day_id: UUID) -> list[Stay]:
    """The stays of a day that count, in order."""
    rows = await tx.all(m.AttendanceClock, day_id=day_id, is_void=False)
    return sorted(stays(rows), key=lambda stay: stay.clocked_in_at)


def stays(rows: Iterable[Any]) -> list[Stay]:
    """Clock rows as the rules know them."""
    return [Stay(row.clocked_in_at, row.clocked_out_at) for row in rows]


async def day_details(tx: ReadTx, caller: Caller, id: UUID) -> s.AttendanceDayDetails:
    """One business day with its stays."""
    day = await tx.row(
        "select d.*, to_char(d.day, 'YYYY-MM') as month, e.department_id,"
        " e.first_name || ' ' || e.last_name as employee_name"
        " from attendance_day d join employee e on e.id = d.employee_id where d.id = %(id)s",
        id=id,
    )
    return s.AttendanceDayDetails.of(
        day or await tx.one(m.AttendanceDay, id), stays=s.StayView.of_all(await stays_of(tx, id))
    )


async def clock_state(tx: ReadTx, caller: Caller) -> s.ClockView:
    """Whether the caller is at work, and which business day it is for them."""
    employee = await tx.one(m.Employee, rules.own_or(None, caller.employee_id))
    told = await calendar(tx, caller, first=caller.today, last=caller.today)
    hours = told.hours(employee.department_id, employee.unit_id)
    clock = await open_clock(tx, employee.id)
    return s.ClockView(
        employee_id=employee.id,
        is_clocked_in=clock is not None,
        since=clock.clocked_in_at if clock else None,
        day=rules.business_day(caller.now, hours.schedule, hours.zone),
    )


async def month_of(tx: ReadTx, caller: Caller, employee_id: UUID, month: str) -> s.MonthView:
    """A month of an employee: every day, worked or not. Refuses: Malformed, NotFound."""
    days = rules.days_of_month(month)
    employee = await tx.one(m.Employee, employee_id)
    told = await calendar(tx, caller, first=days[0], last=days[-1])
    hours = told.hours(employee.department_id, employee.unit_id)
    rows = await tx.rows(
        "select * from attendance_day where employee_id = %(employee)s"
        " and day between %(first)s and %(last)s",
        employee=employee_id,
        first=days[0],
        last=days[-1],
    )
    recorded = {row.day: row for row in rows}
    statuses = [row.status for row in rows]
    return s.MonthView(
        employee_id=employee_id,
        month=month,
        items=[
            _month_day(day, recorded.get(day), hours.schedule, told.holiday(day, employee.unit_id))
            for day in days
        ],
        days_by_status={status: statuses.count(status) for status in rules.STATUSES},
        minutes_worked=sum(row.minutes_worked for row in rows),
        minutes_late=sum(row.minutes_late for row in rows),
    )


def _month_day(
    day: date, row: Any | None, schedule: Schedule | None, holiday: str | None
) -> s.MonthDay:
    return s.MonthDay(
        day=day,
        is_working_day=schedule is not None and schedule.works_on(day) and holiday is None,
        holiday=holiday,
        status=row.status if row else None,
        first_in_at=row.first_in_at if row else None,
        last_out_at=row.last_out_at if row else None,
        minutes_worked=row.minutes_worked if row else 0,
        minutes_late=row.minutes_late if row else 0,
        minutes_early=row.minutes_early if row else 0,
        is_closed=row.is_closed if row else False,
    )


@dataclass(frozen=True)
class Unclosed:
    """A day of an employee that nobody has closed yet; the row is there once they clocked."""

    employee_id: UUID
    department_id: UUID | None
    unit_id: UUID | None
    created_at: datetime
    day: date
    day_id: UUID | None
    status: str | None
    is_corrected: bool
    stays: list[Stay]


async def unclosed_days(tx: ReadTx, *, first: date, last: date) -> list[Unclosed]:
    """Every open day of everybody employed on it, except while they are still at work."""
    rows = await tx.rows(
        "select p.employee_id, p.department_id, p.unit_id, e.created_at, c.day::date as day,"
        " d.id as day_id, d.status, coalesce(d.is_corrected, false) as is_corrected,"
        " k.came, k.went"
        " from generate_series(%(first)s::date, %(last)s::date, interval '1 day') as c (day)"
        " join employee_position p on p.starts_on <= c.day"
        " and coalesce(p.ends_before > c.day, true)"
        " join employee e on e.id = p.employee_id"
        " left join attendance_day d on d.employee_id = p.employee_id and d.day = c.day"
        " left join lateral (select array_agg(a.clocked_in_at order by a.clocked_in_at) as came,"
        " array_agg(a.clocked_out_at order by a.clocked_in_at) as went,"
        " bool_or(a.clocked_out_at is null) as is_at_work"
        " from attendance_clock a where a.day_id = d.id and not a.is_void) k on true"
        " where not coalesce(d.is_closed, false) and not coalesce(k.is_at_work, false)"
        " order by c.day, p.employee_id",
        first=first,
        last=last,
    )
    return [_unclosed(row) for row in rows]


def _unclosed(row: Any) -> Unclosed:
    told = row._asdict()
    pairs = zip(told.pop("came") or (), told.pop("went") or (), strict=True)
    return Unclosed(**told, stays=[Stay(came, went) for came, went in pairs])


async def summary_of(
    tx: ReadTx, caller: Caller, *, on: date, department_id: UUID | None
) -> s.DaySummaryView:
    """How many came, were late or stayed away on a day, among those the caller may see."""
    values = {
        "on": on,
        "department": department_id,
        "scope": caller.scope(p.ATTENDANCE_READ),
        **caller_values(caller),
    }
    rows = await tx.rows(
        "select d.status, count(*)::int as days,"  # noqa: S608 - only constants are joined
        " coalesce(sum(d.minutes_worked), 0)::int as minutes,"
        " count(a.id)::int as at_work"
        " from employee_position w join employee t on t.id = w.employee_id"
        " left join attendance_day d on d.employee_id = t.id and d.day = %(on)s"
        " left join attendance_clock a on a.day_id = d.id and a.clocked_out_at is null"
        " and not a.is_void"
        " where w.starts_on <= %(on)s and coalesce(w.ends_before > %(on)s, true)"
        " and (%(department)s::uuid is null or w.department_id = %(department)s) and "
        + VISIBLE
        + " group by d.status",
        **values,
    )
    counted = {row.status: row.days for row in rows}
    return s.DaySummaryView(
        on=on,
        employees=sum(counted.values()),
        clocked_in_now=sum(row.at_work for row in rows),
        without_record=counted.get(None, 0),
        days_by_status={status: counted.get(status, 0) for status in rules.STATUSES},
        minutes_worked=sum(row.minutes for row in rows),
    )
