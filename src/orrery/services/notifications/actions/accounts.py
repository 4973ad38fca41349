"""Keeping the copies that say whom a message to a user or an employee reaches."""

from uuid import UUID

from orrery.contracts.identity import UserCreated, UserDisabled
from orrery.kernel.db import Tx
from orrery.services.notifications.models import Account, EmployeeAddress


async def keep_account(tx: Tx, event: UserCreated) -> None:
    """Remember an account; a language chosen already stays."""
    values = {
        "email": event.email.lower(),
        "full_name": event.full_name,
        "employee_id": event.employee_id,
        "is_disabled": False,
    }
    known = await tx.find(Account, id=event.user_id)
    if known is None:
        await tx.add(Account, id=event.user_id, language=None, **values)
    else:
        await tx.change(known, **values)


async def disable_account(tx: Tx, event: UserDisabled) -> None:
    """Stop writing to an account."""
    known = await tx.find(Account, id=event.user_id)
    if known is not None:
        await tx.change(known, is_disabled=True)


async def keep_address(tx: Tx, employee_id: UUID, email: str | None) -> None:
    """Remember the address by which an employee's account is found; None forgets it."""
    known = await tx.find(EmployeeAddress, id=employee_id)
    address = email.lower() if email else None
    if known is None:
        await tx.add(EmployeeAddress, id=employee_id, email=address)
    elif known.email != address:
        await tx.change(known, email=address)
