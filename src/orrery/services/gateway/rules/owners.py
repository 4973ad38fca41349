"""Composition: assets with their owners, merged as TB ERP describes it (seed 4, section 7)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HOLDER = "assigned_employee_id"
OWNER_FIELDS = (
    "id",
    "code",
    "full_name",
    "email",
    "department_id",
    "department_name",
)


def unique_ids(assets: Iterable[Mapping[str, Any]]) -> list[str]:
    """Step 3: the unique employee ids, in a stable order."""
    return sorted({asset[HOLDER] for asset in assets if asset.get(HOLDER)})


def merge(
    assets: Sequence[Mapping[str, Any]], employees: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Steps 5 and 6: look up each asset's holder; one whom people does not know stays null."""
    owners = {employee["id"]: owner_of(employee) for employee in employees}
    return [{**asset, "owner": owners.get(asset.get(HOLDER, ""))} for asset in assets]


def owner_of(employee: Mapping[str, Any]) -> dict[str, Any]:
    """What an asset's reader learns about its holder."""
    return {name: employee.get(name) for name in OWNER_FIELDS}
