"""JSON of maintenance: logs of what was done, plans of what is to come."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.assets.rules.upkeep import IntervalUnit
from orrery.services.assets.schemas.parts import Amount, Code, Currency, Day, Name, Note, Text

Every = Annotated[int, Field(ge=1, le=3_650)]
Lead = Annotated[int, Field(ge=0, le=365)]


class LogView(View):
    """Work that was done on an asset."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    asset_name: str
    plan_id: UUID | None
    kind: str
    description: str
    cost: Exact
    currency: str
    performer: str | None
    performed_on: date
    next_due_on: date | None
    is_void: bool
    void_reason: str | None
    external_id: str | None
    created_by: UUID | None
    created_at: Instant
    version: int


class LogDraft(Draft):
    """Work that was done: what, by whom, when, for how much, and when again."""

    asset_id: UUID
    kind: Code
    description: Note
    cost: Amount = Decimal(0)
    currency: Currency | None = None
    performer: Text | None = None
    performed_on: Day | None = None
    next_due_on: Day | None = None
    plan_id: UUID | None = None
    external_id: Text | None = None


class LogCorrection(Draft):
    """What was wrong about a log; fields left out stay, the history keeps what was there."""

    kind: Code = ""
    description: Note = ""
    cost: Amount = Decimal(0)
    performer: Text | None = None
    performed_on: Day = date.min
    next_due_on: Day | None = None


class VoidReason(Draft):
    """Why a log does not count."""

    reason: Annotated[str, Field(min_length=1, max_length=4_000)]


class MaintenancePlanView(View):
    """Maintenance to come."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    asset_name: str
    assigned_employee_id: UUID | None
    name: str
    kind: str
    every: int | None
    every_unit: str | None
    lead_days: int
    first_due_on: date
    last_done_on: date | None
    next_due_on: date
    state: str
    is_ended: bool
    external_id: str | None
    version: int

    @classmethod
    def about(cls, plan: Any, asset: Any) -> Self:
        """A plan with the names and the holder of its asset."""
        return cls.of(
            plan,
            asset_tag=asset.tag,
            asset_name=asset.name,
            assigned_employee_id=asset.assigned_employee_id,
        )


class MaintenancePlanDraft(Draft):
    """Maintenance every so many days or months, or once; remind some days before."""

    asset_id: UUID
    name: Name
    kind: Code = "preventive"
    every: Every | None = None
    every_unit: IntervalUnit | None = None
    lead_days: Lead = 14
    first_due_on: Day | None = None
    external_id: Text | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.every is None) != (self.every_unit is None):
            raise ValueError("every and every_unit go together")
        if self.every is None and self.first_due_on is None:
            raise ValueError("a plan needs an interval or a first date")
        return self


class MaintenancePlanChange(Draft):
    """What to change about a plan; fields left out stay."""

    name: Name = ""
    kind: Code = ""
    every: Every = 1
    every_unit: IntervalUnit = "month"
    lead_days: Lead = 14
    first_due_on: Day = date.min
