"""What assets announces: the life of an asset from purchase to disposal."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class AssetCreated(Event):
    """An asset was entered in the register; cost in the unit's currency."""

    name: ClassVar[str] = "assets.asset_created.v1"
    asset_id: UUID
    tag: str
    title: str
    category_id: UUID | None
    category_name: str | None
    status: str
    cost: Decimal
    currency: str
    purchased_on: date | None


@dataclass(frozen=True)
class AssetWithdrawn(Event):
    """The entry of an asset was taken back with its whole import, as if it had never been made."""

    name: ClassVar[str] = "assets.asset_withdrawn.v1"
    asset_id: UUID
    tag: str


@dataclass(frozen=True)
class AssetChanged(Event):
    """What the register says about an asset is now as stated; cost and status have own events."""

    name: ClassVar[str] = "assets.asset_changed.v1"
    asset_id: UUID
    tag: str
    title: str
    category_id: UUID | None
    category_name: str | None


@dataclass(frozen=True)
class AssetCostChanged(Event):
    """The acquisition cost of an asset was corrected."""

    name: ClassVar[str] = "assets.asset_cost_changed.v1"
    asset_id: UUID
    cost_before: Decimal
    cost_after: Decimal
    currency: str


@dataclass(frozen=True)
class AssetAssigned(Event):
    """An asset was handed to an employee."""

    name: ClassVar[str] = "assets.asset_assigned.v1"
    asset_id: UUID
    tag: str
    employee_id: UUID
    assigned_on: date


@dataclass(frozen=True)
class AssetReturned(Event):
    """An asset came back from its holder."""

    name: ClassVar[str] = "assets.asset_returned.v1"
    asset_id: UUID
    tag: str
    employee_id: UUID
    returned_on: date
    reason: str | None


@dataclass(frozen=True)
class AssetStatusChanged(Event):
    """An asset moved from one status to another."""

    name: ClassVar[str] = "assets.asset_status_changed.v1"
    asset_id: UUID
    tag: str
    status_before: str
    status_after: str


@dataclass(frozen=True)
class AssetDepreciated(Event):
    """A period's depreciation of one asset in one book was posted; a reversal is negative."""

    name: ClassVar[str] = "assets.asset_depreciated.v1"
    asset_id: UUID
    book: str
    period_end: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class AssetDisposed(Event):
    """An asset left the company; gain is negative for a loss."""

    name: ClassVar[str] = "assets.asset_disposed.v1"
    asset_id: UUID
    tag: str
    disposed_on: date
    cost: Decimal
    book_value: Decimal
    proceeds: Decimal
    gain: Decimal
    currency: str


@dataclass(frozen=True)
class MaintenanceLogged(Event):
    """Work on an asset was logged."""

    name: ClassVar[str] = "assets.maintenance_logged.v1"
    asset_id: UUID
    tag: str
    log_id: UUID
    kind: str
    performed_on: date
    cost: Decimal
    currency: str
    next_due_on: date | None


@dataclass(frozen=True)
class MaintenanceFellDue(Event):
    """Planned maintenance of an asset became due, or overdue."""

    name: ClassVar[str] = "assets.maintenance_fell_due.v1"
    asset_id: UUID
    tag: str
    plan_id: UUID
    title: str
    due_on: date
    state: str
    assigned_employee_id: UUID | None
