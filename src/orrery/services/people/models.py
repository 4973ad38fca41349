"""Tables of people: departments and job roles, employees with their dated record, attendance."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Time, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Record, Reference, tables


class Base(DeclarativeBase):
    """Tables of a tenant."""

    metadata = tables()
    type_annotation_map = TYPES


class Department(Reference, Base):
    """A part of the company; departments hang below each other."""

    __tablename__ = "department"

    unit_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("department.id"))
    # Not a foreign key: employees point at departments already, and a circle of tables could not be
    # filled or restored in any order. Employees are never deleted, and a head cannot leave.
    head_employee_id: Mapped[UUID | None]

    __table_args__ = (
        Index(None, "parent_id"),
        Index(None, "head_employee_id"),
        Index(None, "unit_id"),
        CheckConstraint("parent_id <> id", name="own_parent"),
    )


class JobRole(Reference, Base):
    """What somebody is employed as."""

    __tablename__ = "job_role"

    description: Mapped[str | None]


class Employee(Document, Base):
    """A person who works here, or did; position fields repeat what the dated record says today."""

    __tablename__ = "employee"

    code: Mapped[str] = mapped_column(unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    # Kept in small letters, so that one address is one value.
    email: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str | None]
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("department.id"))
    job_role_id: Mapped[UUID | None] = mapped_column(ForeignKey("job_role.id"))
    manager_id: Mapped[UUID | None] = mapped_column(ForeignKey("employee.id"))
    # An import may name a manager who comes in a later row; until then the name waits here.
    manager_awaited: Mapped[str | None]
    location: Mapped[str | None]
    unit_id: Mapped[UUID | None]
    photo_id: Mapped[UUID | None]
    hired_on: Mapped[date]
    left_on: Mapped[date | None]
    left_reason: Mapped[str | None]
    birth_date: Mapped[date | None]
    street: Mapped[str | None]
    postal_code: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str | None]
    country: Mapped[str | None]
    notes: Mapped[str | None]
    status: Mapped[str]

    __table_args__ = (
        Index(None, "department_id", "id"),
        Index(None, "job_role_id", "id"),
        Index(None, "manager_id", "id"),
        Index(None, "unit_id", "id"),
        Index(None, "location", "id"),
        Index(None, "status", "id"),
        Index(None, "last_name", "id"),
        Index(None, "hired_on", "id"),
        Index(None, "left_on", "id"),
        Index(
            "ix_employee_manager_awaited",
            text("lower(manager_awaited)"),
            postgresql_where=text("manager_awaited is not null"),
        ),
        CheckConstraint("status in ('active', 'left')", name="status_known"),
        CheckConstraint("(status = 'left') = (left_on is not null)", name="left_has_day"),
        CheckConstraint("left_on >= hired_on", name="left_after_hired"),
        CheckConstraint("manager_id <> id", name="own_manager"),
        CheckConstraint("email = lower(email)", name="email_small"),
    )


class EmployeeChange(Document, Base):
    """One dated step of an employee's record; a future one waits until its day."""

    __tablename__ = "employee_change"

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employee.id"))
    kind: Mapped[str]
    effective_on: Mapped[date]
    status: Mapped[str]
    fields: Mapped[dict[str, Any]]
    note: Mapped[str | None]
    applied_at: Mapped[datetime | None]
    # Steps of one day count in the order in which they took effect, not in which they were planned.
    sequence: Mapped[int | None]
    refusal_code: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("employee_id", "sequence"),
        Index(None, "employee_id", "effective_on"),
        Index(None, "status", "effective_on"),
        Index(None, "effective_on", "id"),
        CheckConstraint("kind in ('hire', 'change', 'leave', 'rehire')", name="kind_known"),
        CheckConstraint(
            "status in ('scheduled', 'applied', 'cancelled', 'refused')", name="status_known"
        ),
        CheckConstraint(
            "(status = 'applied') = (applied_at is not null and sequence is not null)",
            name="applied_has_place",
        ),
    )


class EmployeePosition(Record, Base):
    """Where an employee works in a span of days: the applied steps, added up."""

    __tablename__ = "employee_position"

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employee.id"))
    starts_on: Mapped[date]
    ends_before: Mapped[date | None]
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("department.id"))
    job_role_id: Mapped[UUID | None] = mapped_column(ForeignKey("job_role.id"))
    manager_id: Mapped[UUID | None] = mapped_column(ForeignKey("employee.id"))
    location: Mapped[str | None]
    unit_id: Mapped[UUID | None]

    __table_args__ = (
        UniqueConstraint("employee_id", "starts_on"),
        Index(
            "uq_employee_position_present",
            "employee_id",
            unique=True,
            postgresql_where=text("ends_before is null"),
        ),
        Index(None, "department_id", "starts_on"),
        Index(None, "manager_id", "starts_on"),
        Index(None, "job_role_id"),
        CheckConstraint("ends_before > starts_on", name="ends_after_start"),
    )


class WorkSchedule(Reference, Base):
    """The working hours of a department, or of everybody who has no schedule of their own."""

    __tablename__ = "work_schedule"

    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("department.id"))
    starts_at: Mapped[time] = mapped_column(Time())
    ends_at: Mapped[time] = mapped_column(Time())
    grace_minutes: Mapped[int]
    minimum_minutes: Mapped[int]
    weekdays: Mapped[list[int]] = mapped_column(JSONB())

    __table_args__ = (
        Index(
            "uq_work_schedule_scope",
            "department_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("not is_archived"),
        ),
        CheckConstraint("grace_minutes between 0 and 480", name="grace_in_day"),
        CheckConstraint("minimum_minutes between 0 and 1440", name="minimum_in_day"),
    )


class Holiday(Reference, Base):
    """A day on which nobody is expected, in the whole company or in one unit."""

    __tablename__ = "holiday"

    day: Mapped[date]
    unit_id: Mapped[UUID | None]

    __table_args__ = (
        Index(
            "uq_holiday_day",
            "day",
            "unit_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("not is_archived"),
        ),
    )


class AttendanceDay(Document, Base):
    """What one business day of one employee came to."""

    __tablename__ = "attendance_day"

    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employee.id"))
    day: Mapped[date]
    status: Mapped[str | None]
    first_in_at: Mapped[datetime | None]
    last_out_at: Mapped[datetime | None]
    minutes_worked: Mapped[int]
    minutes_late: Mapped[int]
    minutes_early: Mapped[int]
    is_closed: Mapped[bool]
    # A status that a person set stays, whatever the clocks say.
    is_corrected: Mapped[bool]
    is_clock_forgotten: Mapped[bool]
    note: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("employee_id", "day"),
        Index(None, "day", "status"),
        Index(None, "status", "id"),
        CheckConstraint(
            "status in ('present', 'late', 'absent', 'leave', 'half_day', 'holiday')",
            name="status_known",
        ),
        CheckConstraint(
            "minutes_worked >= 0 and minutes_late >= 0 and minutes_early >= 0",
            name="minutes_not_negative",
        ),
    )


class AttendanceClock(Document, Base):
    """One stay at work: a clock-in and its clock-out."""

    __tablename__ = "attendance_clock"

    day_id: Mapped[UUID] = mapped_column(ForeignKey("attendance_day.id"))
    employee_id: Mapped[UUID] = mapped_column(ForeignKey("employee.id"))
    clocked_in_at: Mapped[datetime]
    clocked_out_at: Mapped[datetime | None]
    is_void: Mapped[bool]

    __table_args__ = (
        Index(None, "day_id"),
        Index(
            "uq_attendance_clock_open",
            "employee_id",
            unique=True,
            postgresql_where=text("clocked_out_at is null and not is_void"),
        ),
        CheckConstraint("clocked_out_at >= clocked_in_at", name="out_after_in"),
    )


class UnitZone(Record, Base):
    """The time zone of a business unit, as organization announced it; the id is the unit's."""

    __tablename__ = "unit_zone"

    time_zone: Mapped[str]
