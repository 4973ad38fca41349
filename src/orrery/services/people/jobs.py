"""What people does on a clock; every hour, because midnight comes at another hour in every zone."""

from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.people.actions import attendance, changes
from orrery.services.people.queries import record


async def apply_due_changes(tx: Tx, caller: Caller) -> None:
    """Queue every scheduled change whose day has come; each runs alone and holds up no other."""
    for change_id in await record.due_changes(tx, on=caller.today):
        await tx.defer(apply_change, change_id=change_id)


async def apply_change(tx: Tx, caller: Caller, change_id: str) -> None:
    """Let one scheduled change take effect."""
    await changes.apply_due(tx, caller, UUID(change_id))


async def settle_attendance(tx: Tx, caller: Caller) -> None:
    """End forgotten clock-ins, then close the days that are over."""
    await attendance.end_forgotten_clocks(tx, caller)
    await attendance.close_days(tx, caller)
