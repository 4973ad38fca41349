"""JSON of employees, their positions and their changes."""

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, Instant, View
from orrery.services.people.schemas.words import Blank, Code, Email, Name, refuse_nulls


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
