"""The first administrator of a tenant, and the five people of the demo company."""

from uuid import UUID

from orrery.contracts.identity import RoleAssigned
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.settings import demo_password
from orrery.kernel.types.ids import demo_id
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.identity import models as m
from orrery.services.identity.actions import passwords, roles, users
from orrery.services.identity.rules.roles import ADMIN
from orrery.services.identity.settings import Settings

DEMO = (
    ("admin", "Ada Lindqvist", "admin", "employee-1"),
    ("assets", "Amara Okafor", "asset_manager", "employee-7"),
    ("accountant", "Tomás Herrera", "accountant", "employee-5"),
    ("hr", "Ingrid Vogel", "hr_manager", "employee-3"),
    ("employee", "Elias Brandt", "employee", "employee-12"),
)
DEMO_IDS = {f"{word}@demo.example": demo_id("identity", word) for word, *_ in DEMO}


async def provision(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Give a new tenant its roles and its first administrator. Refuses: BadEmail, WeakPassword."""
    await roles.add_built_in_roles(tx)
    if order.admin_email is None:
        return
    user = await users.add_user(
        tx,
        caller,
        email=order.admin_email,
        full_name=order.admin_name,
        language=order.language,
        # The demo company's administrator has the id by which other demo records name him.
        id=DEMO_IDS.get(order.admin_email),
    )
    await _give_role(tx, user, ADMIN)
    if order.admin_email in DEMO_IDS and order.admin_password == demo_password():
        await _set_demo_password(tx, caller, user)
    elif order.admin_password is not None:
        await passwords.store_password(tx, caller, user, order.admin_password, is_temporary=False)


async def seed(tx: Tx, caller: Caller) -> None:
    """The demo logins, one for each role; running it again changes nothing."""
    for word, full_name, role, employee in DEMO:
        email = f"{word}@demo.example"
        if await tx.find(m.User, email=email) is not None:
            continue
        user = await users.add_user(
            tx,
            caller,
            email=email,
            full_name=full_name,
            language="en",
            id=demo_id("identity", word),
        )
        if user.employee_id is None:
            await tx.change(user, employee_id=demo_id("people", employee))
        await _set_demo_password(tx, caller, user)
        await _give_role(tx, user, role)


async def _set_demo_password(tx: Tx, caller: Caller, user: m.User) -> None:
    # The operator chose this password for a demo; the policy for people's own does not apply.
    password_hash = await passwords.hashed(tx.settings(Settings), demo_password())
    await passwords.write_hash(tx, caller, user.id, password_hash, is_temporary=False)


async def _give_role(tx: Tx, user: m.User, code: str) -> UUID:
    role = await tx.find(m.Role, code=code)
    if role is None:
        raise LookupError(f"the tenant was provisioned without the role {code}")
    await tx.add(
        m.RoleAssignment, user_id=user.id, role_id=role.id, valid_from=None, valid_until=None
    )
    tx.announce(RoleAssigned(user.id, [code]))
    return role.id
