"""What people announces: employees come, change and leave; departments; hours at work."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class EmployeeHired(Event):
    """An employee was hired, for the first time or again after having left."""

    name: ClassVar[str] = "people.employee_hired.v1"
    employee_id: UUID
    code: str
    full_name: str
    email: str | None
    department_id: UUID | None
    hired_on: date
    is_rehire: bool = False


@dataclass(frozen=True)
class EmployeeChanged(Event):
    """An employee's name, address, department or manager is now as stated here."""

    name: ClassVar[str] = "people.employee_changed.v1"
    employee_id: UUID
    code: str
    full_name: str
    email: str | None
    department_id: UUID | None
    manager_id: UUID | None = None
    job_role_id: UUID | None = None
    location: str | None = None
    unit_id: UUID | None = None


@dataclass(frozen=True)
class EmployeeChangeScheduled(Event):
    """A change, or a leaving, will take effect on a later day."""

    name: ClassVar[str] = "people.employee_change_scheduled.v1"
    employee_id: UUID
    change_id: UUID
    full_name: str
    kind: str
    effective_on: date


@dataclass(frozen=True)
class EmployeeChangeCancelled(Event):
    """A scheduled change will not take effect; the reason is a refusal's code when it could not."""

    name: ClassVar[str] = "people.employee_change_cancelled.v1"
    employee_id: UUID
    change_id: UUID
    full_name: str
    kind: str
    effective_on: date
    reason: str | None


@dataclass(frozen=True)
class EmployeeDeleted(Event):
    """An employee left and the record was soft-deleted."""

    name: ClassVar[str] = "people.employee_deleted.v1"
    employee_id: UUID
    code: str
    full_name: str
    email: str | None
    left_on: date


@dataclass(frozen=True)
class DepartmentChanged(Event):
    """A department was created or is now as stated."""

    name: ClassVar[str] = "people.department_changed.v1"
    department_id: UUID
    code: str
    title: str
    unit_id: UUID | None
    head_employee_id: UUID | None
    is_archived: bool


@dataclass(frozen=True)
class AttendanceClocked(Event):
    """An employee clocked in or out."""

    name: ClassVar[str] = "people.attendance_clocked.v1"
    employee_id: UUID
    attendance_id: UUID
    direction: str
    at: datetime


@dataclass(frozen=True)
class AttendanceCorrected(Event):
    """Somebody corrected what an employee's day says."""

    name: ClassVar[str] = "people.attendance_corrected.v1"
    employee_id: UUID
    attendance_id: UUID
    day: date
    status: str | None
    note: str
