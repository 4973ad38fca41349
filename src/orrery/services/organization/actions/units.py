"""Business units: add, change, archive, and name the headquarters."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orrery.contracts.organization import UnitChanged, UnitCreated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization import models as m
from orrery.services.organization import queries
from orrery.services.organization.rules import units as rules

# Their soundness is judged together, so a change of one brings the others along.
JUDGED_TOGETHER = ("country", "vat_number", "decimal_separator", "thousands_separator")


async def create_unit(tx: Tx, caller: Caller, particulars: Mapping[str, Any]) -> m.Unit:
    """Add a business unit. Refuses: UnitUnsound, UnitCodeTaken. Announces: UnitCreated."""
    kept = rules.sound(_with_formats(particulars))
    unit = await tx.add(m.Unit, is_archived=False, **{"is_headquarters": False, **kept})
    tx.announce(UnitCreated(**_told(unit)))
    return unit


async def change_unit(tx: Tx, caller: Caller, id: UUID, changes: Mapping[str, Any]) -> m.Unit:
    """Change a unit's particulars.

    Refuses: UnitArchived, UnitUnsound, CurrencyFixed. Announces: UnitChanged.
    """
    unit = await tx.lock(m.Unit, id)
    rules.refuse_archived(is_archived=unit.is_archived, code=unit.code)
    rules.refuse_other_currency(kept=unit.currency, wanted=changes.get("currency"))
    judged = {name: getattr(unit, name) for name in JUDGED_TOGETHER} | dict(changes)
    kept = rules.sound(judged)
    return await _change(tx, unit, {name: kept[name] for name in changes})


async def archive_unit(tx: Tx, caller: Caller, id: UUID) -> m.Unit:
    """Take a unit out of use.

    Refuses: UnitArchived, HeadquartersNeeded, UnitInUse. Announces: UnitChanged.
    """
    unit = await tx.lock(m.Unit, id)
    rules.refuse_archived(is_archived=unit.is_archived, code=unit.code)
    rules.refuse_losing_headquarters(is_headquarters=unit.is_headquarters, code=unit.code)
    rules.refuse_in_use(code=unit.code, members=await queries.default_members(tx, id))
    return await _change(tx, unit, {"is_archived": True})


async def restore_unit(tx: Tx, caller: Caller, id: UUID) -> m.Unit:
    """Bring an archived unit back. Announces: UnitChanged."""
    unit = await tx.lock(m.Unit, id)
    return await _change(tx, unit, {"is_archived": False}) if unit.is_archived else unit


async def make_headquarters(tx: Tx, caller: Caller, id: UUID) -> m.Unit:
    """Name a unit the headquarters instead of the present one.

    Refuses: UnitArchived. Announces: UnitChanged.
    """
    former = await tx.find(m.Unit, is_headquarters=True)
    # Both rows in the order of their ids, so that two such changes cannot wait for each other.
    others = [former.id] if former is not None and former.id != id else []
    locked = {unit.id: unit for unit in await tx.lock_many(m.Unit, [id, *others])}
    unit = await tx.lock(m.Unit, id)
    rules.refuse_archived(is_archived=unit.is_archived, code=unit.code)
    if unit.is_headquarters:
        return unit
    # The index that keeps the headquarters single looks at every statement: first down, then up.
    for other in others:
        await _change(tx, locked[other], {"is_headquarters": False})
    return await _change(tx, unit, {"is_headquarters": True})


async def _change(tx: Tx, unit: m.Unit, values: Mapping[str, Any]) -> m.Unit:
    changed = {name: value for name, value in values.items() if getattr(unit, name) != value}
    if not changed:
        return unit
    after = await tx.change(unit, **changed)
    tx.announce(UnitChanged(**_told(after)))
    return after


def _with_formats(particulars: Mapping[str, Any]) -> dict[str, Any]:
    """What was left out follows the name and the language."""
    full = dict(particulars)
    if full.get("legal_name") is None:
        full["legal_name"] = full["name"]
    usual = rules.formats_of(full["language"])
    for field, value in zip(
        ("date_format", "decimal_separator", "thousands_separator"), usual, strict=True
    ):
        if full.get(field) is None:
            full[field] = value
    return full


def _told(unit: m.Unit) -> dict[str, Any]:
    return {
        "unit_id": unit.id,
        "code": unit.code,
        "title": unit.name,
        "currency": unit.currency,
        "time_zone": unit.time_zone,
        "legal_name": unit.legal_name,
        "country": unit.country,
        "language": unit.language,
        "tax_rounding": unit.tax_rounding,
        "is_headquarters": unit.is_headquarters,
        "is_archived": unit.is_archived,
    }
