"""Assets from a file: each row creates an asset, or changes the one it names."""

from typing import Any

import orjson

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Malformed, NotFound
from orrery.services.assets import models as m
from orrery.services.assets.actions import register
from orrery.services.assets.schemas.assets import AssetChange, AssetDraft, AssetImport


async def import_asset(
    tx: Tx, caller: Caller, row: AssetImport, existing: m.Asset | None
) -> m.Asset:
    """Create or change the asset of a row; empty cells leave alone what is there.

    An asset is known by its external id, else by its tag, else by its serial number. The cost of an
    asset that is in the register stays: it is corrected by its own verb.
    """
    existing = existing or await _known(tx, row)
    given = row.model_dump(exclude_none=True, exclude={"category", "specs"})
    if row.category is not None:
        category = await tx.find(m.AssetCategory, code=row.category)
        if category is None:
            raise NotFound(resource="asset_category", code=row.category)
        given["category_id"] = category.id
    if row.specs is not None:
        given["specs"] = read_specs(row.specs)
    if existing is None:
        return await register.create_asset(tx, caller, AssetDraft.model_validate(given))
    if "specs" in given:
        given["specs"] = existing.specs | given["specs"]
    for name in ("cost", "currency", "salvage_value"):
        given.pop(name, None)
    change = AssetChange.model_validate(given)
    return await register.change_asset(tx, caller, existing.id, change)


async def _known(tx: Tx, row: AssetImport) -> m.Asset | None:
    if row.tag is not None:
        return await tx.find(m.Asset, tag=row.tag)
    if row.serial is not None:
        return await tx.find(m.Asset, serial=row.serial)
    return None


def read_specs(cell: dict[str, Any] | str) -> dict[str, Any]:
    """Specifications from a cell: JSON, or ``key=value; key=value``. Refuses: Malformed."""
    if isinstance(cell, dict):
        return cell
    if cell.startswith("{"):
        try:
            parsed: dict[str, Any] = orjson.loads(cell)
        except orjson.JSONDecodeError as error:
            raise Malformed(field="specs", reason="not JSON") from error
        return {key: str(v) if isinstance(v, float) else v for key, v in parsed.items()}
    pairs = [part.partition("=") for part in cell.split(";") if part.strip()]
    if not all(separator and key.strip() for key, separator, _ in pairs):
        raise Malformed(field="specs", reason="expected key=value; key=value")
    return {key.strip(): value.strip() for key, _, value in pairs}
