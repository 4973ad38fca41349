"""Keeping the copies that say whom a message to a user or an employee reaches."""

from uuid import UUID

from orrery.contracts.identity import UserChanged, UserCreated
from orrery.kernel.db import Tx
from orrery.services.notifications.models import Account, EmployeeAddress


async def keep_account(tx: Tx, event: UserCreated | UserChanged) -> None:
    """Remember an account; its language is known once it was chosen."""
    values = {
        "email": event.email.lower(),
        "full_name": event.full_name,
        "employee_id": event.employee_id,
    }
    if isinstance(event, UserChanged):
        values["language"] = event.language
    known = await tx.find(Account, id=event.user_id)
    if known is None:
        unknown = {"language": None, "is_disabled": False}
        await tx.add(Account, id=event.user_id, **(unknown | values))
    else:
        await tx.change(known, **values)


async def open_account(tx: Tx, user_id: UUID, *, is_disabled: bool) -> None:
    """Stop writing to an account, or begin again."""
    known = await tx.find(Account, id=user_id)
    if known is not None:
        await tx.change(known, is_disabled=is_disabled)


async def keep_address(tx: Tx, employee_id: UUID, email: str | None) -> None:
    """Remember the address by which an employee's account is found; None forgets it."""
    known = await tx.find(EmployeeAddress, id=employee_id)
    address = email.lower() if email else None
    if known is None:
        await tx.add(EmployeeAddress, id=employee_id, email=address)
    elif known.email != address:
        await tx.change(known, email=address)
