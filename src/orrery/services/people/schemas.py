"""JSON of people, in and out."""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from orrery.kernel.schemas import Draft, Instant, View

D = TypeVar("D", bound=Draft)
# Good enough to catch a slip of the keyboard; whether an address exists only a mail can tell.
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"
    ),
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Weekday = Annotated[int, Field(ge=1, le=7)]
# A spreadsheet leaves an empty cell where nothing is known; that is no empty string.
Blank = BeforeValidator(lambda value: None if value == "" else value)


def refuse_nulls(draft: D, *names: str) -> D:
    """A change may leave a field out, but not empty one that a record cannot be without."""
    for name in names:
        if name in draft.model_fields_set and getattr(draft, name) is None:
            raise ValueError(f"{name} may not be null")
    return draft


class DepartmentView(View):
    """A department."""

    id: UUID
    code: str
    name: str
    unit_id: UUID | None
    parent_id: UUID | None
    parent_name: str | None
    head_employee_id: UUID | None
    head_name: str | None
    employees: int
    is_archived: bool
    external_id: str | None
    version: int


class DepartmentDraft(Draft):
    """A new department."""

    code: Code
    name: Name
    unit_id: UUID | None = None
    parent_id: UUID | None = None
    head_employee_id: UUID | None = None
    external_id: str | None = None


class DepartmentChange(Draft):
    """What to change about a department; fields left out stay."""

    code: Code | None = None
    name: Name | None = None
    unit_id: UUID | None = None
    parent_id: UUID | None = None
    head_employee_id: UUID | None = None

    @model_validator(mode="after")
    def _keeps_what_is_needed(self) -> Self:
        return refuse_nulls(self, "code", "name")


class DepartmentImport(Draft):
    """A row of a file of departments; parents come first or are there already."""

    external_id: Annotated[str | None, Blank] = None
    code: Code
    name: Name
    parent: Annotated[str | None, Blank, Field(description="Code of the parent department.")] = None


class JobRoleView(View):
    """A job role."""

    id: UUID
    code: str
    name: str
    description: str | None
    is_archived: bool
    version: int


class JobRoleDraft(Draft):
    """A new job role."""

    code: Code
    name: Name
    description: str | None = None


class EmployeeView(View):
    """An employee as colleagues see one."""

    id: UUID
    code: str
    first_name: str
    last_name: str
    full_name: str
    email: str | None
    phone: str | None
    department_id: UUID | None
    department_name: str | None
    job_role_id: UUID | None
    job_role_name: str | None
    manager_id: UUID | None
    manager_name: str | None
    location: str | None
    unit_id: UUID | None
    photo_id: UUID | None
    status: str
    hired_on: date
    left_on: date | None
    external_id: str | None
    version: int


class PrivateView(View):
    """What only the employee and those who keep the records see."""

    birth_date: date | None
    street: str | None
    postal_code: str | None
    city: str | None
    region: str | None
    country: str | None
    notes: str | None
    left_reason: str | None


class EmployeeDetails(EmployeeView):
    """An employee with what belongs to the record page."""

    private: PrivateView | None = Field(
        description="Null unless the caller may see private particulars or asks about oneself."
    )
    manager_awaited: str | None
    reports: int
    changes_scheduled: int
    verbs: list[str]


class PositionDraft(Draft):
    """Where somebody works."""

    department_id: UUID | None = None
    job_role_id: UUID | None = None
    manager_id: UUID | None = None
    location: Annotated[str | None, Field(max_length=200)] = None
    unit_id: UUID | None = None


class PersonalDraft(Draft):
    """What describes a person, wherever they work."""

    email: Annotated[Email | None, Blank] = None
    phone: Annotated[str | None, Field(max_length=60)] = None
    photo_id: UUID | None = None
    birth_date: date | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    notes: str | None = None
    external_id: str | None = None


class EmployeeDraft(PersonalDraft, PositionDraft):
    """A new employee; without a code the next of the series EMP-001 is taken."""

    code: Code | None = None
    first_name: Name
    last_name: Name
    hired_on: date | None = None


class EmployeeChange(PersonalDraft, PositionDraft):
    """What to correct about an employee; fields left out stay, position fields count from today."""

    code: Code | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    hired_on: date | None = None

    @model_validator(mode="after")
    def _keeps_what_is_needed(self) -> Self:
        return refuse_nulls(self, "code", "first_name", "last_name", "hired_on")


class Leaving(Draft):
    """The end of an employment: the last day, today when left out."""

    left_on: date | None = None
    reason: Annotated[str | None, Field(max_length=2000)] = None


class Return(PositionDraft):
    """A former employee comes back, to a position given in full."""

    hired_on: date | None = None


class DatedChange(PositionDraft):
    """A change of position that counts from a day on; name only what changes."""

    effective_on: date
    note: Annotated[str | None, Field(max_length=2000)] = None


class EmployeeChangeView(View):
    """One dated step of an employee's record."""

    id: UUID
    employee_id: UUID
    employee_name: str
    kind: str
    effective_on: date
    status: str
    fields: dict[str, Any]
    note: str | None
    applied_at: Instant | None
    refusal_code: str | None
    created_at: Instant
    version: int


class PositionView(View):
    """Where an employee worked from one day until the day before another."""

    starts_on: date
    ends_before: date | None
    department_id: UUID | None
    department_name: str | None
    job_role_id: UUID | None
    job_role_name: str | None
    manager_id: UUID | None
    manager_name: str | None
    location: str | None
    unit_id: UUID | None


class OrgChartNode(View):
    """One person of the organisation chart with those who report to them."""

    id: UUID
    code: str
    full_name: str
    job_role_name: str | None
    department_id: UUID | None
    department_name: str | None
    photo_id: UUID | None
    manager_id: UUID | None
    depth: int
    reports_direct: int
    reports_total: int
    reports: "list[OrgChartNode]"


class OrgChart(View):
    """The organisation chart on a day."""

    on: date
    people: int
    roots: list[OrgChartNode]


class EmployeeImport(Draft):
    """A row of a file of employees; department, role and manager by code, name or external id."""

    external_id: Annotated[str | None, Blank] = None
    code: Annotated[Code | None, Blank] = None
    first_name: Name
    last_name: Name
    email: Annotated[Email | None, Blank] = None
    phone: Annotated[str | None, Blank] = None
    department: Annotated[str | None, Blank] = None
    job_role: Annotated[str | None, Blank] = None
    manager: Annotated[str | None, Blank] = None
    location: Annotated[str | None, Blank] = None
    hired_on: Annotated[date | None, Blank] = None
    birth_date: Annotated[date | None, Blank] = None
    street: Annotated[str | None, Blank] = None
    postal_code: Annotated[str | None, Blank] = None
    city: Annotated[str | None, Blank] = None
    region: Annotated[str | None, Blank] = None
    country: Annotated[str | None, Blank] = None
    notes: Annotated[str | None, Blank] = None


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
