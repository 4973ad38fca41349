"""What other services know about our users: which employee, which units and departments."""

from collections.abc import Sequence
from uuid import UUID

from orrery.contracts.identity import UserChanged
from orrery.kernel import log
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity import models as m
from orrery.services.identity.actions import users
from orrery.services.identity.rules import links
from orrery.services.identity.rules.roles import LastAdministrator

logger = log.logger("identity.employees")


async def link_by_email(tx: Tx, caller: Caller, employee_id: UUID, email: str | None) -> None:
    """Remember an employee's address and link the user who has it. Announces: UserChanged."""
    address = email.strip().lower() if email else None
    # Hired and changed may be told twice, or at the same time by two workers.
    await tx.run(
        "insert into employee (id, email) values (%(id)s, %(email)s)"
        " on conflict (id) do update set email = excluded.email",
        id=employee_id,
        email=address,
    )
    rows = await tx.rows(
        "select id, email, employee_id from user_account"
        " where email = %(email)s or employee_id = %(employee)s order by id for update",
        email=address,
        employee=employee_id,
    )
    accounts = [links.Account(row.id, row.email, row.employee_id) for row in rows]
    # Who loses the link comes first: two users cannot have it at the same time.
    changes = links.link_changes(employee_id, address, accounts)
    for user_id, linked in sorted(changes.items(), key=lambda change: change[1] is not None):
        user = await tx.change(await tx.one(m.User, user_id), employee_id=linked)
        tx.announce(
            UserChanged(user.id, user.email, user.full_name, user.language, user.employee_id)
        )


async def disable_leaver(tx: Tx, caller: Caller, employee_id: UUID) -> None:
    """Disable the account of an employee who left. Announces: UserDisabled, SessionsRevoked.

    The last administrator keeps his account, or nobody could ever get in again; he is only no
    longer that employee.
    """
    await tx.run("delete from employee where id = %(id)s", id=employee_id)
    user = await tx.find(m.User, employee_id=employee_id)
    if user is None:
        return
    try:
        async with tx.savepoint():
            await users.disable_user(tx, caller, user.id, reason="employee_left")
    except LastAdministrator:
        logger.warning("the last administrator left and keeps his account", user=str(user.id))
        user = await tx.change(await tx.lock(m.User, user.id), employee_id=None)
        tx.announce(
            UserChanged(user.id, user.email, user.full_name, user.language, user.employee_id)
        )


async def copy_membership(
    tx: Tx,
    caller: Caller,
    user_id: UUID,
    *,
    units: Sequence[UUID],
    departments: Sequence[UUID],
) -> None:
    """Keep the units and departments that a user's tokens name."""
    user = await tx.find(m.User, id=user_id)
    if user is not None:
        await tx.change(user, unit_ids=list(units), department_ids=list(departments))
