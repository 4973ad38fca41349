"""What organization does on a clock."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization.actions import memberships


async def retell_memberships(tx: Tx, caller: Caller) -> None:
    """Tell the others about memberships that began or ended with the day."""
    await memberships.retell_memberships(tx, caller)
