"""What a role may allow in people."""

from orrery.kernel.types.permission import Permission

EMPLOYEE_READ = Permission("people.employee.read", "See employees and the organisation chart")
EMPLOYEE_CREATE = Permission("people.employee.create", "Hire employees")
EMPLOYEE_CHANGE = Permission(
    "people.employee.change", "Change employees, now or from a later day on"
)
EMPLOYEE_LEAVE = Permission("people.employee.leave", "Record that an employee leaves")
EMPLOYEE_REHIRE = Permission("people.employee.rehire", "Hire a former employee again")
# Not a ".read": roles that may look up colleagues (people.*.read) must not see their homes.
EMPLOYEE_SEE_PRIVATE = Permission(
    "people.employee.see_private", "See birth dates, home addresses and notes of employees"
)
DEPARTMENT_READ = Permission("people.department.read", "See departments")
DEPARTMENT_WRITE = Permission("people.department.write", "Create, change and archive departments")
JOB_ROLE_READ = Permission("people.job_role.read", "See job roles")
JOB_ROLE_WRITE = Permission("people.job_role.write", "Create, change and archive job roles")
SCHEDULE_READ = Permission("people.schedule.read", "See work schedules and holidays")
SCHEDULE_WRITE = Permission("people.schedule.write", "Change work schedules and holidays")
ATTENDANCE_READ = Permission("people.attendance.read", "See attendance")
ATTENDANCE_CLOCK = Permission("people.attendance.clock", "Clock in and out for oneself")
ATTENDANCE_CORRECT = Permission("people.attendance.correct", "Correct the attendance of employees")

ALL = [
    EMPLOYEE_READ,
    EMPLOYEE_CREATE,
    EMPLOYEE_CHANGE,
    EMPLOYEE_LEAVE,
    EMPLOYEE_REHIRE,
    EMPLOYEE_SEE_PRIVATE,
    DEPARTMENT_READ,
    DEPARTMENT_WRITE,
    JOB_ROLE_READ,
    JOB_ROLE_WRITE,
    SCHEDULE_READ,
    SCHEDULE_WRITE,
    ATTENDANCE_READ,
    ATTENDANCE_CLOCK,
    ATTENDANCE_CORRECT,
]
