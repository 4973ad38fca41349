"""The manifest of people."""

from orrery.contracts.organization import UnitChanged, UnitCreated
from orrery.kernel.service import Service
from orrery.services.people import jobs, models, permissions, reactions, reference, seed
from orrery.services.people.actions import provisioning
from orrery.services.people.api import attendance, departments, employees
from orrery.services.people.rules import attendance as attendance_rules
from orrery.services.people.rules import departments as department_rules
from orrery.services.people.rules import employment
from orrery.services.people.settings import Settings

SERVICE = Service(
    "people",
    title="People",
    routers=[
        employees.router,
        employees.records,
        employees.change_records,
        departments.router,
        departments.records,
        attendance.router,
        attendance.records,
        *reference.routes,
    ],
    reactions={UnitCreated: [reactions.keep_zone], UnitChanged: [reactions.keep_zone]},
    jobs={"2 * * * *": jobs.apply_due_changes, "17 * * * *": jobs.settle_attendance},
    deferred=[jobs.apply_change],
    permissions=permissions.ALL,
    settings=Settings,
    tables=models.Base.metadata,
    constraints={
        "uq_employee_code": employment.CodeTaken,
        "uq_employee_email": employment.EmailTaken,
        "uq_department_code": department_rules.DepartmentCodeTaken,
        "uq_attendance_clock_open": attendance_rules.AlreadyClockedIn,
        "uq_work_schedule_code": attendance_rules.ScheduleCodeTaken,
        "uq_work_schedule_scope": attendance_rules.ScheduleTaken,
        "uq_holiday_day": attendance_rules.HolidayTaken,
    },
    machines=[employment.EMPLOYEE, employment.CHANGE],
    seed=seed.seed,
    provision=provisioning.provision,
)
