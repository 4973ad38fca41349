"""Memberships: a user belongs to units for a time, one of them by default, and to departments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from orrery.kernel.types.refusal import Refusal


class DefaultOutside(Refusal):
    """The default unit must be one of the units that the user belongs to today."""

    code = "organization.default_outside"


class UnknownUnit(Refusal):
    """A unit does not exist or is archived."""

    code = "organization.unknown_unit"


class UnknownDepartment(Refusal):
    """A department does not exist or is archived."""

    code = "organization.unknown_department"


class PeriodReversed(Refusal):
    """A membership would end before it begins."""

    code = "organization.period_reversed"


class NamedTwice(Refusal):
    """A unit or department is named twice for one user."""

    code = "organization.named_twice"


@dataclass(frozen=True)
class UnitGrant:
    """A user's membership of one unit; both days are included, None means without limit."""

    unit_id: UUID
    valid_from: date | None = None
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the membership holds on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


def units_on(grants: Iterable[UnitGrant], day: date) -> list[UUID]:
    """The units that a user belongs to on a day, in a stable order."""
    return sorted({grant.unit_id for grant in grants if grant.holds_on(day)})


def check(
    grants: Sequence[UnitGrant],
    *,
    default_unit: UUID | None,
    departments: Sequence[UUID],
    known_units: Iterable[UUID],
    known_departments: Iterable[UUID],
    today: date,
) -> UUID | None:
    """The default unit to keep. Refuses: all refusals of this file."""
    for grant in grants:
        if grant.valid_from and grant.valid_until and grant.valid_until < grant.valid_from:
            raise PeriodReversed(unit_id=grant.unit_id)
    _refuse_doubles([grant.unit_id for grant in grants])
    _refuse_doubles(departments)
    if unknown := sorted({grant.unit_id for grant in grants} - set(known_units)):
        raise UnknownUnit(unit_ids=unknown)
    if missing := sorted(set(departments) - set(known_departments)):
        raise UnknownDepartment(department_ids=missing)
    return _default(grants, wanted=default_unit, today=today)


def _default(grants: Sequence[UnitGrant], *, wanted: UUID | None, today: date) -> UUID | None:
    holding = units_on(grants, today)
    if wanted is None:
        # One unit leaves nothing to choose; several leave it to the user.
        return holding[0] if len(holding) == 1 else None
    if wanted not in holding:
        raise DefaultOutside(unit_id=wanted)
    return wanted


def _refuse_doubles(ids: Sequence[UUID]) -> None:
    doubles = sorted({one for one in ids if ids.count(one) > 1})
    if doubles:
        raise NamedTwice(ids=doubles)
