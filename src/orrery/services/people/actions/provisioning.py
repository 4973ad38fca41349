"""The first minute of a tenant: its departments and its working hours."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.people import models as m
from orrery.services.people.actions import departments
from orrery.services.people.rules import defaults


async def provision(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Give a new tenant the usual departments and office hours. Announces: DepartmentChanged."""
    for code, name in defaults.DEPARTMENTS.items():
        await departments.create_department(
            tx,
            caller,
            {"code": code, "name": name},
            id=defaults.department_id(order.tenant, code),
        )
    await tx.add(m.WorkSchedule, **defaults.WORK_SCHEDULE)
