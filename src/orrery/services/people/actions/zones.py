"""The time zones of business units, kept from what organization announces."""

from uuid import UUID

from orrery.kernel.db import Tx


async def keep_zone(tx: Tx, *, unit_id: UUID, time_zone: str) -> None:
    """Remember a unit's time zone."""
    await tx.run(
        "insert into unit_zone (id, time_zone) values (%(unit)s, %(zone)s)"
        " on conflict (id) do update set time_zone = excluded.time_zone",
        unit=unit_id,
        zone=time_zone,
    )
