"""Rules of memberships (ORG-1: user in many business units, time-bounded grants)."""

from datetime import date
from uuid import UUID

import pytest

from orrery.kernel.types.refusal import Refusal
from orrery.services.organization.rules import memberships
from orrery.services.organization.rules.memberships import UnitGrant

A, B, C = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 7, 15)


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "holds"),
    [
        (None, None, True),
        (DAY, None, True),
        (date(2026, 7, 16), None, False),
        (None, DAY, True),
        (None, date(2026, 7, 14), False),
        (DAY, DAY, True),
    ],
)
def test_a_time_bounded_grant_holds_on_both_its_days(
    valid_from: date | None, valid_until: date | None, holds: bool
) -> None:
    """ORG-1: time-bounded grants."""
    assert UnitGrant(A, valid_from, valid_until).holds_on(DAY) is holds


def test_the_units_of_a_day_come_once_and_in_order() -> None:
    grants = [UnitGrant(C), UnitGrant(A), UnitGrant(B, valid_until=date(2026, 1, 1)), UnitGrant(A)]
    assert memberships.units_on(grants, DAY) == [A, C]


def check(
    grants: list[UnitGrant], default: UUID | None = None, departments: list[UUID] | None = None
) -> UUID | None:
    return memberships.check(
        grants,
        default_unit=default,
        departments=departments or [],
        known_units=[A, B],
        known_departments=[C],
        today=DAY,
    )


@pytest.mark.parametrize(
    ("grants", "wanted", "kept"),
    [
        ([], None, None),
        ([UnitGrant(A)], None, A),
        ([UnitGrant(A), UnitGrant(B)], None, None),
        ([UnitGrant(A), UnitGrant(B)], B, B),
        ([UnitGrant(A), UnitGrant(B, valid_from=date(2026, 8, 1))], None, A),
    ],
)
def test_the_only_unit_is_the_default_and_several_leave_it_open(
    grants: list[UnitGrant], wanted: UUID | None, kept: UUID | None
) -> None:
    assert check(grants, wanted) == kept


@pytest.mark.parametrize(
    ("grants", "default", "departments", "refusal"),
    [
        ([UnitGrant(A)], B, [], memberships.DefaultOutside),
        ([UnitGrant(A, valid_until=date(2026, 7, 14))], A, [], memberships.DefaultOutside),
        ([], A, [], memberships.DefaultOutside),
        ([UnitGrant(C)], None, [], memberships.UnknownUnit),
        ([UnitGrant(A)], None, [A], memberships.UnknownDepartment),
        ([UnitGrant(A), UnitGrant(A)], None, [], memberships.NamedTwice),
        ([UnitGrant(A)], None, [C, C], memberships.NamedTwice),
        (
            [UnitGrant(A, date(2026, 7, 2), date(2026, 7, 1))],
            None,
            [],
            memberships.PeriodReversed,
        ),
    ],
)
def test_what_cannot_be_is_refused(
    grants: list[UnitGrant],
    default: UUID | None,
    departments: list[UUID],
    refusal: type[Refusal],
) -> None:
    with pytest.raises(refusal):
        check(grants, default, departments)
