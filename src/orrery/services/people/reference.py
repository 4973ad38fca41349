"""Lists of people that need no code."""

from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.services.people import models as m
from orrery.services.people import permissions as p
from orrery.services.people.schemas import attendance as a_schemas
from orrery.services.people.schemas import structure as s_schemas

job_roles = reference_routes(
    ReferenceTable(
        name="job_role",
        path="/job-roles",
        table=m.JobRole,
        view=s_schemas.JobRoleView,
        draft=s_schemas.JobRoleDraft,
        may_read=p.JOB_ROLE_READ,
        may_write=p.JOB_ROLE_WRITE,
    )
)
work_schedules = reference_routes(
    ReferenceTable(
        name="work_schedule",
        path="/work-schedules",
        table=m.WorkSchedule,
        view=a_schemas.WorkScheduleView,
        draft=a_schemas.WorkScheduleDraft,
        may_read=p.SCHEDULE_READ,
        may_write=p.SCHEDULE_WRITE,
        filters=["department_id"],
    )
)
holidays = reference_routes(
    ReferenceTable(
        name="holiday",
        path="/holidays",
        table=m.Holiday,
        view=a_schemas.HolidayView,
        draft=a_schemas.HolidayDraft,
        may_read=p.SCHEDULE_READ,
        may_write=p.SCHEDULE_WRITE,
        filters=["day", "unit_id"],
        sorts=["code", "name", "day"],
    )
)
routes = [job_roles, work_schedules, holidays]
