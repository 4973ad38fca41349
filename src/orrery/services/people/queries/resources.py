"""What of people is read through the API, from one declaration each."""

from orrery.kernel.resources import Resource
from orrery.services.people import models as m
from orrery.services.people import permissions as p
from orrery.services.people.queries import attendance, departments, employees
from orrery.services.people.queries.scopes import (
    DEPARTMENT,
    OWN,
    THEIR_DEPARTMENT,
    THEIR_UNIT,
    THEIRS,
    UNIT,
)
from orrery.services.people.schemas import attendance as a_schemas
from orrery.services.people.schemas import employees as e_schemas
from orrery.services.people.schemas import structure as s_schemas

EMPLOYEES = Resource(
    name="employee",
    path="/employees",
    table=m.Employee,
    view=e_schemas.EmployeeView,
    may_read=p.EMPLOYEE_READ,
    columns={
        "full_name": "t.first_name || ' ' || t.last_name",
        "department_name": "d.name",
        "job_role_name": "r.name",
        "manager_name": "b.first_name || ' ' || b.last_name",
    },
    joins=(
        "left join department d on d.id = t.department_id"
        " left join job_role r on r.id = t.job_role_id"
        " left join employee b on b.id = t.manager_id"
    ),
    filters=[
        "status",
        "department_id",
        "job_role_id",
        "manager_id",
        "location",
        "unit_id",
        "code",
        "email",
        "external_id",
        "hired_on",
        "left_on",
    ],
    # Who left is out of the list unless asked for, by status or by id.
    defaults={"status": "active"},
    sorts=["code", "last_name", "first_name", "hired_on"],
    search=["first_name", "last_name", "email", "code"],
    own=OWN,
    department=DEPARTMENT,
    unit=UNIT,
    details=employees.employee_details,
)

DEPARTMENTS = Resource(
    name="department",
    path="/departments",
    table=m.Department,
    view=s_schemas.DepartmentView,
    may_read=p.DEPARTMENT_READ,
    columns={
        "parent_name": "u.name",
        "head_name": "h.first_name || ' ' || h.last_name",
        "employees": (
            "(select count(*) from employee e where e.department_id = t.id and e.status = 'active')"
        ),
    },
    joins=(
        "left join department u on u.id = t.parent_id"
        " left join employee h on h.id = t.head_employee_id"
    ),
    filters=["code", "is_archived", "parent_id", "head_employee_id", "unit_id", "external_id"],
    sorts=["code", "name"],
    search=["code", "name"],
    own="t.id = (select e.department_id from employee e where e.id = %(caller_employee)s)",
    department="t.id = any(%(caller_departments)s)",
    unit="t.unit_id = any(%(caller_units)s)",
    details=departments.department_details,
)

CHANGES = Resource(
    name="employee_change",
    path="/changes",
    table=m.EmployeeChange,
    view=e_schemas.EmployeeChangeView,
    may_read=p.EMPLOYEE_READ,
    columns={"employee_name": "e.first_name || ' ' || e.last_name"},
    joins="join employee e on e.id = t.employee_id",
    filters=["employee_id", "status", "effective_on"],
    sorts=["effective_on"],
    search=["employee_name", "note"],
    own=THEIRS,
    department=THEIR_DEPARTMENT,
    unit=THEIR_UNIT,
)

DAYS = Resource(
    name="attendance_day",
    path="/attendance/days",
    table=m.AttendanceDay,
    view=a_schemas.AttendanceDayView,
    may_read=p.ATTENDANCE_READ,
    columns={
        "employee_name": "e.first_name || ' ' || e.last_name",
        "department_id": "e.department_id",
        "month": "to_char(t.day, 'YYYY-MM')",
    },
    joins="join employee e on e.id = t.employee_id",
    filters=[
        "employee_id",
        "department_id",
        "day",
        "month",
        "status",
        "is_closed",
        "is_corrected",
        "is_clock_forgotten",
    ],
    sorts=["day", "minutes_late", "minutes_worked"],
    search=["employee_name"],
    own=THEIRS,
    department=THEIR_DEPARTMENT,
    unit=THEIR_UNIT,
    details=attendance.day_details,
)
