"""What organization announces: business units, memberships and the tenant's look."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class UnitCreated(Event):
    """A business unit was added."""

    name: ClassVar[str] = "organization.unit_created.v1"
    unit_id: UUID
    code: str
    title: str
    currency: str
    time_zone: str
    legal_name: str | None = None
    country: str | None = None
    language: str | None = None
    tax_rounding: str | None = None
    is_headquarters: bool | None = None
    is_archived: bool | None = None


@dataclass(frozen=True)
class UnitChanged(Event):
    """A business unit's particulars are now as stated."""

    name: ClassVar[str] = "organization.unit_changed.v1"
    unit_id: UUID
    code: str
    title: str
    currency: str
    time_zone: str
    legal_name: str | None = None
    country: str | None = None
    language: str | None = None
    tax_rounding: str | None = None
    is_headquarters: bool | None = None
    is_archived: bool | None = None


@dataclass(frozen=True)
class MembershipChanged(Event):
    """The units and departments that a user belongs to are now as stated."""

    name: ClassVar[str] = "organization.membership_changed.v1"
    user_id: UUID
    unit_ids: list[UUID]
    department_ids: list[UUID]


@dataclass(frozen=True)
class ProfileChanged(Event):
    """The tenant's title and look are now as stated."""

    name: ClassVar[str] = "organization.profile_changed.v1"
    profile_id: UUID
    title: str
    logo_text: str
    accent_colour: str
    paper_size: str
