"""JSON of schedules, holidays, clocks and days."""

from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, Instant, View
from orrery.services.people.schemas.words import Code, Name, Weekday


class WorkScheduleView(View):
    """Working hours."""

    id: UUID
    code: str
    name: str
    department_id: UUID | None
    starts_at: time
    ends_at: time
    grace_minutes: int
    minimum_minutes: int
    weekdays: list[int]
    is_archived: bool
    version: int


class WorkScheduleDraft(Draft):
    """New working hours; without a department they count for all who have none of their own."""

    code: Code
    name: Name
    department_id: UUID | None = None
    starts_at: time
    ends_at: time
    grace_minutes: Annotated[int, Field(ge=0, le=480)] = 0
    minimum_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = Field(
        default=[1, 2, 3, 4, 5], description="1 is Monday."
    )


class HolidayView(View):
    """A holiday."""

    id: UUID
    code: str
    name: str
    day: date
    unit_id: UUID | None
    is_archived: bool
    version: int


class HolidayDraft(Draft):
    """A new holiday, of the whole company unless a unit is named."""

    code: Code
    name: Name
    day: date
    unit_id: UUID | None = None


class ClockView(View):
    """Whether the caller is at work, and since when."""

    employee_id: UUID
    is_clocked_in: bool
    since: Instant | None
    day: date


class StayView(View):
    """One stay at work."""

    clocked_in_at: Instant
    clocked_out_at: Instant | None


class AttendanceDayView(View):
    """One business day of an employee."""

    id: UUID
    employee_id: UUID
    employee_name: str
    department_id: UUID | None
    day: date
    month: str
    status: str | None
    first_in_at: Instant | None
    last_out_at: Instant | None
    minutes_worked: int
    minutes_late: int
    minutes_early: int
    is_closed: bool
    is_corrected: bool
    is_clock_forgotten: bool
    note: str | None
    version: int


class AttendanceDayDetails(AttendanceDayView):
    """One business day with its stays."""

    stays: list[StayView]


class MonthDay(View):
    """One day of a month, worked or not."""

    day: date
    is_working_day: bool
    holiday: str | None
    status: str | None
    first_in_at: Instant | None
    last_out_at: Instant | None
    minutes_worked: int
    minutes_late: int
    minutes_early: int
    is_closed: bool


class MonthView(View):
    """A month of an employee: every day, and how often each status occurred."""

    employee_id: UUID
    month: str
    items: list[MonthDay]
    days_by_status: dict[str, int]
    minutes_worked: int
    minutes_late: int


class DaySummaryView(View):
    """How many came, were late or stayed away on a day."""

    on: date
    employees: int
    clocked_in_now: int
    without_record: int
    days_by_status: dict[str, int]
    minutes_worked: int


class StayDraft(Draft):
    """Corrected clock times."""

    clocked_in_at: datetime
    clocked_out_at: datetime

    @model_validator(mode="after")
    def _are_instants(self) -> Self:
        if self.clocked_in_at.tzinfo is None or self.clocked_out_at.tzinfo is None:
            raise ValueError("clock times need a time zone")
        return self


class Correction(Draft):
    """What an employee's day should say: other clock times, a status, or both; and why."""

    employee_id: UUID
    day: date
    status: Literal["present", "late", "absent", "leave", "half_day", "holiday"] | None = None
    stays: list[StayDraft] | None = Field(default=None, max_length=20)
    note: Annotated[str, Field(min_length=1, max_length=2000)]
