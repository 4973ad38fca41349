"""What invoicing does on a clock."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.invoicing.actions import dunning


async def mark_overdue(tx: Tx, caller: Caller) -> None:
    """Move unpaid invoices past their due date to overdue."""
    await dunning.mark_overdue(tx, caller)
