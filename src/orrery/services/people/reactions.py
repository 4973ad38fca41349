"""What people does when others announce."""

from orrery.contracts.organization import UnitChanged, UnitCreated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.people.actions import zones


async def keep_zone(tx: Tx, _caller: Caller, event: UnitCreated | UnitChanged) -> None:
    """Remember where a business unit's midnight is."""
    await zones.keep_zone(tx, unit_id=event.unit_id, time_zone=event.time_zone)
