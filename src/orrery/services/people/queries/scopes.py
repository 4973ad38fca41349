"""Which employees a scope opens: one rule for lists, records, the chart and the summaries."""

from typing import Final

OWN: Final = "t.id = %(caller_employee)s"
# Those who left are out of sight for everybody but those who see all.
DEPARTMENT: Final = "t.department_id = any(%(caller_departments)s) and t.status = 'active'"
UNIT: Final = "t.unit_id = any(%(caller_units)s) and t.status = 'active'"

# The same rule for statements of our own, which know the scope as a value.
VISIBLE: Final = (
    "(%(scope)s = 'all' or (%(scope)s = 'own' and "
    + OWN
    + ") or (%(scope)s = 'department' and "
    + DEPARTMENT
    + ") or (%(scope)s = 'unit' and "
    + UNIT
    + "))"
)

# For records of employees, where ``e`` is the employee they are about.
THEIRS: Final = "t.employee_id = %(caller_employee)s"
THEIR_DEPARTMENT: Final = "e.department_id = any(%(caller_departments)s) and e.status = 'active'"
THEIR_UNIT: Final = "e.unit_id = any(%(caller_units)s) and e.status = 'active'"
