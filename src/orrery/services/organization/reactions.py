"""What organization does when others announce."""

from orrery.contracts.identity import UserCreated
from orrery.contracts.people import DepartmentChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization.actions import departments, memberships


async def keep_department(tx: Tx, caller: Caller, event: DepartmentChanged) -> None:
    """Keep the copy of people's departments."""
    await departments.copy_department(
        tx,
        caller,
        event.department_id,
        code=event.code,
        title=event.title,
        unit_id=event.unit_id,
        head_employee_id=event.head_employee_id,
        is_archived=event.is_archived,
    )


async def welcome_user(tx: Tx, caller: Caller, event: UserCreated) -> None:
    """Give a new user a place in the organisation."""
    await memberships.welcome_user(
        tx, caller, event.user_id, email=event.email, full_name=event.full_name
    )
