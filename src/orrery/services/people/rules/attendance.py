"""Attendance: the business day of a clock, lateness, what a day comes to, what a month shows."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from orrery.kernel.types.refusal import Malformed, Refusal

STATUSES = ("present", "late", "absent", "leave", "half_day", "holiday")


class AlreadyClockedIn(Refusal):
    """There is one open clock-in at a time."""

    code = "people.already_clocked_in"


class NotClockedIn(Refusal):
    """There is no open clock-in to end."""

    code = "people.not_clocked_in"


class NoEmployeeRecord(Refusal):
    """The account is not linked to an employee, so there is nobody to clock in."""

    code = "people.no_employee_record"


class ClocksOverlap(Refusal):
    """A clock-out does not follow its clock-in, or two stays overlap."""

    code = "people.clocks_overlap"


class ClocksNotOnDay(Refusal):
    """A stay does not begin on the day that is corrected, or lies in the future."""

    code = "people.clocks_not_on_day"


class NothingToCorrect(Refusal):
    """A correction names neither a status nor clock times."""

    code = "people.nothing_to_correct"


class ScheduleTaken(Refusal):
    """The department, or the company as a whole, already has a work schedule."""

    code = "people.schedule_taken"


class ScheduleCodeTaken(Refusal):
    """Another work schedule has this code."""

    code = "people.schedule_code_taken"


class HolidayTaken(Refusal):
    """The day is already a holiday."""

    code = "people.holiday_taken"


@dataclass(frozen=True)
class Schedule:
    """The hours of a working day; an end at or before the start lies on the next day."""

    starts_at: time
    ends_at: time
    grace_minutes: int
    minimum_minutes: int
    weekdays: frozenset[int]

    @property
    def is_overnight(self) -> bool:
        """Whether the shift ends on the day after it began."""
        return self.ends_at <= self.starts_at

    def works_on(self, day: date) -> bool:
        """Whether the weekday is a working day (1 is Monday)."""
        return day.isoweekday() in self.weekdays


@dataclass(frozen=True)
class Shift:
    """The hours of one day as instants."""

    starts: datetime
    ends: datetime
    grace: timedelta
    minimum_minutes: int


@dataclass(frozen=True)
class Stay:
    """The time between a clock-in and its clock-out; the latter is open while at work."""

    clocked_in_at: datetime
    clocked_out_at: datetime | None


@dataclass(frozen=True)
class DaySummary:
    """What the stays of one day come to."""

    status: str | None
    first_in_at: datetime | None
    last_out_at: datetime | None
    minutes_worked: int
    minutes_late: int
    minutes_early: int


def shift_on(schedule: Schedule | None, day: date, zone: ZoneInfo) -> Shift | None:
    """The instants of a day's shift, none on a day off; clocks follow the zone's summer time."""
    if schedule is None or not schedule.works_on(day):
        return None
    last = day + timedelta(days=1) if schedule.is_overnight else day
    return Shift(
        starts=datetime.combine(day, schedule.starts_at, zone).astimezone(UTC),
        ends=datetime.combine(last, schedule.ends_at, zone).astimezone(UTC),
        grace=timedelta(minutes=schedule.grace_minutes),
        minimum_minutes=schedule.minimum_minutes,
    )


def business_day(at: datetime, schedule: Schedule | None, zone: ZoneInfo) -> date:
    """The day a clock-in belongs to: the local date, or the one before while its shift runs."""
    today = at.astimezone(zone).date()
    yesterday = shift_on(schedule, today - timedelta(days=1), zone)
    if yesterday is not None and schedule is not None and schedule.is_overnight:
        return today - timedelta(days=1) if at < yesterday.ends else today
    return today


def is_over(day: date, schedule: Schedule | None, *, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a day may be closed: it has passed in its zone, and so has its shift."""
    shift = shift_on(schedule, day, zone)
    is_past = day < now.astimezone(zone).date()
    return is_past and (shift is None or shift.ends <= now)


def summarise(
    stays: Sequence[Stay], shift: Shift | None, *, is_holiday: bool, is_closed: bool
) -> DaySummary:
    """What a day comes to: late after the grace, half a day below the minimum, else present.

    Lateness and early leaving are counted from the schedule's times once they exceed the grace.
    A day without a stay has no status until it is closed; then it is a holiday, absent or off.
    """
    if not stays:
        status = _empty_status(shift, is_holiday=is_holiday) if is_closed else None
        return DaySummary(status, None, None, 0, 0, 0)
    first = min(stay.clocked_in_at for stay in stays)
    outs = [stay.clocked_out_at for stay in stays if stay.clocked_out_at is not None]
    last = max(outs) if len(outs) == len(stays) else None
    worked = minutes_worked(stays)
    due = None if is_holiday else shift
    late = _beyond(first - due.starts, due.grace) if due else 0
    early = _beyond(due.ends - last, due.grace) if due and last else 0
    is_half = is_closed and due is not None and worked < due.minimum_minutes
    status = "half_day" if is_half else "late" if late else "present"
    return DaySummary(status, first, last, worked, late, early)


def minutes_worked(stays: Sequence[Stay]) -> int:
    """Whole minutes between clock-ins and clock-outs; an open stay counts when it ends."""
    spent = sum(
        (stay.clocked_out_at - stay.clocked_in_at for stay in stays if stay.clocked_out_at),
        timedelta(),
    )
    return spent // timedelta(minutes=1)


def is_forgotten(clocked_in_at: datetime, *, now: datetime, limit: timedelta) -> bool:
    """Whether an open clock-in is so old that its clock-out was forgotten."""
    return now - clocked_in_at >= limit


def check_stays(
    stays: Sequence[Stay], *, day: date, schedule: Schedule | None, zone: ZoneInfo, now: datetime
) -> None:
    """Refuse corrected stays that overlap, end before they begin, or do not belong to the day."""
    last: datetime | None = None
    for stay in sorted(stays, key=lambda one: one.clocked_in_at):
        out = stay.clocked_out_at
        if out is None or out <= stay.clocked_in_at or (last and stay.clocked_in_at < last):
            raise ClocksOverlap(clocked_in_at=stay.clocked_in_at, clocked_out_at=out)
        if business_day(stay.clocked_in_at, schedule, zone) != day or out > now:
            raise ClocksNotOnDay(day=day, clocked_in_at=stay.clocked_in_at, clocked_out_at=out)
        last = out


def own_or(employee_id: UUID | None, own_id: UUID | None) -> UUID:
    """The employee asked about, else oneself. Refuses: NoEmployeeRecord."""
    wanted = employee_id or own_id
    if wanted is None:
        raise NoEmployeeRecord(reason="the account is not linked to an employee")
    return wanted


def days_of_month(month: str) -> list[date]:
    """All days of a month written as 2026-11. Refuses: Malformed."""
    try:
        year, number = (int(part) for part in month.split("-"))
        return [date(year, number, day + 1) for day in range(calendar.monthrange(year, number)[1])]
    except ValueError:
        raise Malformed(month=month, expected="YYYY-MM") from None


def _empty_status(shift: Shift | None, *, is_holiday: bool) -> str | None:
    if is_holiday and shift is not None:
        return "holiday"
    return "absent" if shift is not None else None


def _beyond(excess: timedelta, grace: timedelta) -> int:
    # A second past the grace counts as one minute, so that "late" is never "0 minutes late".
    if excess <= grace:
        return 0
    return max(1, excess // timedelta(minutes=1))
