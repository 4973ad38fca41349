"""What assets does when others announce something."""

from orrery.contracts.people import EmployeeDeleted
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.assets.actions import custody


async def release_assets(tx: Tx, caller: Caller, event: EmployeeDeleted) -> None:
    """Whoever left holds nothing any more; the assignment says why it ended."""
    notes = f"{event.code} {event.full_name} left on {event.left_on.isoformat()}."
    await custody.release_assets(tx, caller, event.employee_id, notes=notes)
