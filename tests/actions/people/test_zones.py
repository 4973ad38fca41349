"""Where a unit's midnight is: kept from what organization announces."""

from uuid import uuid4

from orrery.contracts.organization import UnitChanged
from orrery.kernel.testing import House
from orrery.services.people import models as m
from orrery.services.people import reactions


async def test_the_time_zone_of_each_new_unit_is_known(house: House) -> None:
    """DESIGN 9: business days are dates in the unit's time zone."""
    tenant = await house.new_tenant(time_zone="America/New_York")
    await house.settle()
    async with house.tx("people", tenant=tenant) as tx:
        assert [row.time_zone for row in await tx.all(m.UnitZone)] == ["America/New_York"]


async def test_a_unit_that_moves_takes_its_midnight_along(house: House) -> None:
    unit = uuid4()
    async with house.tx("people") as tx:
        for zone in ("Europe/Berlin", "Asia/Bangkok"):
            event = UnitChanged(unit, "U", "Unit", "EUR", zone)
            await reactions.keep_zone(tx, tx.caller, event)
        assert (await tx.one(m.UnitZone, unit)).time_zone == "Asia/Bangkok"
