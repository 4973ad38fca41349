"""What identity does when people and organization announce something."""

from orrery.contracts.organization import MembershipChanged
from orrery.contracts.people import EmployeeChanged, EmployeeDeleted, EmployeeHired
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity.actions import employees


async def link_new_employee(tx: Tx, caller: Caller, event: EmployeeHired) -> None:
    """The user with the employee's e-mail address is that employee."""
    await employees.link_by_email(tx, caller, event.employee_id, event.email)


async def link_changed_employee(tx: Tx, caller: Caller, event: EmployeeChanged) -> None:
    """The employee may have another address now, and with it another user."""
    await employees.link_by_email(tx, caller, event.employee_id, event.email)


async def disable_leaver(tx: Tx, caller: Caller, event: EmployeeDeleted) -> None:
    """Whoever left may not sign in any more."""
    await employees.disable_leaver(tx, caller, event.employee_id)


async def copy_membership(tx: Tx, caller: Caller, event: MembershipChanged) -> None:
    """Tokens name the user's units and departments."""
    await employees.copy_membership(
        tx, caller, event.user_id, units=event.unit_ids, departments=event.department_ids
    )
