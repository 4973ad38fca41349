"""What invoicing does when others announce."""

from orrery.contracts.organization import UnitChanged, UnitCreated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.invoicing.actions import sellers


async def learn_unit(tx: Tx, caller: Caller, event: UnitCreated) -> None:
    """Copy how a new unit bills."""
    await sellers.copy_unit(tx, caller, event.unit_id)


async def refresh_unit(tx: Tx, caller: Caller, event: UnitChanged) -> None:
    """Copy how a unit bills now; documents issued before keep what they printed."""
    await sellers.copy_unit(tx, caller, event.unit_id)
