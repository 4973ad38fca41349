"""Assets from a file: each row creates an asset, or changes the one it names."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from orrery.contracts.assets import AssetChanged, AssetWithdrawn
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.history import TakenBack
from orrery.kernel.types.refusal import Malformed, NotFound
from orrery.services.assets import models as m
from orrery.services.assets.actions import register
from orrery.services.assets.schemas.assets import AssetChange, AssetDraft, AssetImport

# What decides the books of an asset is corrected by its own verb, not by a file.
_FIXED = ("cost", "currency", "salvage_value")


async def import_assets(
    tx: Tx, caller: Caller, rows: Sequence[tuple[AssetImport, m.Asset | None]]
) -> list[m.Asset]:
    """Create or change the assets of some rows; empty cells leave alone what is there.

    Refuses what creating and changing assets refuses. Announces: AssetCreated, AssetChanged.
    """
    categories = await _categories(tx, {row.category for row, _ in rows if row.category})
    fresh = [_given(row, categories) for row, known in rows if known is None]
    created = iter(
        await register.create_assets(
            tx, caller, [AssetDraft.model_validate(values) for values in fresh]
        )
    )
    return [
        next(created)
        if known is None
        else await _change(tx, caller, known, _given(row, categories))
        for row, known in rows
    ]


async def take_back(tx: Tx, caller: Caller, undone: TakenBack) -> None:
    """Tell that an import of an asset was undone. Announces: AssetWithdrawn, AssetChanged."""
    if undone.before is None:
        tag = str((undone.after or {}).get("tag"))
        tx.announce(AssetWithdrawn(asset_id=undone.id, tag=tag))
        return
    asset = await tx.one(m.Asset, undone.id)
    category = await tx.find(m.AssetCategory, id=asset.category_id) if asset.category_id else None
    tx.announce(
        AssetChanged(
            asset_id=asset.id,
            tag=asset.tag,
            title=asset.name,
            category_id=asset.category_id,
            category_name=category.name if category else None,
        )
    )


async def _categories(tx: Tx, codes: set[str]) -> dict[str, UUID]:
    rows = await tx.rows(
        "select id, code from asset_category where code = any(%(codes)s)", codes=list(codes)
    )
    return {row.code: row.id for row in rows}


def _given(row: AssetImport, categories: dict[str, UUID]) -> dict[str, Any]:
    """The cells that say something. Refuses: NotFound, Malformed."""
    given = row.model_dump(exclude_none=True, exclude={"category", "specs"})
    if row.category is not None:
        if row.category not in categories:
            raise NotFound(resource="asset_category", code=row.category)
        given["category_id"] = categories[row.category]
    if row.specs is not None:
        given["specs"] = read_specs(row.specs)
    return given


async def _change(tx: Tx, caller: Caller, known: m.Asset, given: dict[str, Any]) -> m.Asset:
    if "specs" in given:
        given["specs"] = known.specs | given["specs"]
    differing = {
        name: value
        for name, value in given.items()
        if name not in _FIXED and getattr(known, name) != value
    }
    if not differing:
        return known
    change = AssetChange.model_validate(differing)
    return await register.change_asset(tx, caller, known.id, change)


def read_specs(cell: dict[str, Any] | str) -> dict[str, Any]:
    """Specifications from a cell: ``key=value; key=value``, or an object. Refuses: Malformed."""
    if isinstance(cell, dict):
        return cell
    pairs = [part.partition("=") for part in cell.split(";") if part.strip()]
    if not all(separator and key.strip() for key, separator, _ in pairs):
        raise Malformed(field="specs", reason="expected key=value; key=value")
    return {key.strip(): value.strip() for key, _, value in pairs}
