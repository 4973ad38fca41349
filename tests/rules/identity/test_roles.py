"""Roles: the matrix of the source document, periods of assignments, and the last administrator."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from orrery.kernel.types.permission import Permission
from orrery.services.identity.rules import grants, roles
from orrery.services.identity.rules.roles import (
    BUILT_IN,
    EmptyPeriod,
    Holding,
    LastAdministrator,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)

# RBAC matrix of sources.md 4.1, word for word: "admin full x3; asset_manager assets full / invoices
# none / employees read; accountant assets read / invoices full / employees read; hr_manager assets
# read / invoices read / employees full; employee own records only".
ASSETS, INVOICES, EMPLOYEES = "assets.asset", "invoicing.invoice", "people.employee"
TABLE = [
    ("admin", ASSETS, "full"),
    ("admin", INVOICES, "full"),
    ("admin", EMPLOYEES, "full"),
    ("asset_manager", ASSETS, "full"),
    ("asset_manager", INVOICES, "none"),
    ("asset_manager", EMPLOYEES, "read"),
    ("accountant", ASSETS, "read"),
    ("accountant", INVOICES, "full"),
    ("accountant", EMPLOYEES, "read"),
    ("hr_manager", ASSETS, "read"),
    ("hr_manager", INVOICES, "read"),
    ("hr_manager", EMPLOYEES, "full"),
    ("employee", ASSETS, "own"),
    ("employee", INVOICES, "own"),
    ("employee", EMPLOYEES, "own"),
]
MEANS = {  # the scopes in which one may (read, write)
    "full": ("all", "all"),
    "read": ("all", None),
    "none": (None, None),
    "own": ("own", None),
}


def grants_of(code: str) -> grants.Grants:
    return dict(next(role for role in BUILT_IN if role.code == code).grants)


@pytest.mark.parametrize(("role", "record", "right"), TABLE)
def test_the_role_matrix_is_that_of_the_source_document(role: str, record: str, right: str) -> None:
    """RBAC matrix [S] of sources.md 4.1, quoted above; every cell is a row of this table."""
    held = grants_of(role)
    told = tuple(
        grants.scope_of(held, Permission(f"{record}.{verb}", "")) for verb in ("read", "write")
    )
    assert told == MEANS[right]


def test_there_are_exactly_the_five_roles_of_the_matrix() -> None:
    """DESIGN 10: the role's name is ``accountant`` where the repository said invoice_manager."""
    named = list(dict.fromkeys(role for role, _, _ in TABLE))
    assert named == ["admin", "asset_manager", "accountant", "hr_manager", "employee"]
    assert [role.code for role in BUILT_IN] == named


@pytest.mark.parametrize(
    "code", ["identity.user.read", "organization.unit.write", "notifications.template.read"]
)
def test_only_the_administrator_holds_what_the_matrix_does_not_speak_of(code: str) -> None:
    permission = Permission(code, "")
    holders = [r.code for r in BUILT_IN if grants.scope_of(dict(r.grants), permission)]
    assert holders == ["admin"]


def test_an_employee_clocks_in_for_himself_only() -> None:
    clock = Permission("people.attendance.clock", "")
    correct = Permission("people.attendance.correct", "")
    assert grants.scope_of(grants_of("employee"), clock) == "own"
    assert grants.scope_of(grants_of("employee"), correct) is None


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "counts"),
    [
        (None, None, True),
        (NOON, None, True),
        (NOON + MOMENT, None, False),
        (None, NOON, False),
        (None, NOON + MOMENT, True),
        (NOON, NOON + MOMENT, True),
        (NOON - DAY, NOON, False),
    ],
)
def test_an_assignment_counts_from_its_first_instant_and_not_at_its_last(
    valid_from: datetime | None, valid_until: datetime | None, counts: bool
) -> None:
    """ORG-1: "time-bounded grants"."""
    assert roles.counts_at(NOON, valid_from=valid_from, valid_until=valid_until) is counts


@pytest.mark.parametrize("length", [timedelta(0), -MOMENT])
def test_an_assignment_that_ends_before_it_begins_is_refused(length: timedelta) -> None:
    with pytest.raises(EmptyPeriod):
        roles.check_period(valid_from=NOON, valid_until=NOON + length)


def test_an_assignment_of_one_moment_or_without_an_end_is_taken() -> None:
    roles.check_period(valid_from=NOON, valid_until=NOON + MOMENT)
    roles.check_period(valid_from=NOON, valid_until=None)
    roles.check_period(valid_from=None, valid_until=NOON)


ADA, BEN = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    "holdings",
    [
        [Holding(ADA, None, None)],
        [Holding(ADA, NOON, None)],
        [Holding(BEN, None, NOON + DAY), Holding(ADA, None, None)],
    ],
)
def test_an_administrator_for_good_is_enough(holdings: list[Holding]) -> None:
    roles.check_administrator_remains(holdings, NOON)


@pytest.mark.parametrize(
    "holdings",
    [
        [],
        [Holding(ADA, NOON + MOMENT, None)],
        [Holding(ADA, None, NOON + 1000 * DAY)],
        [Holding(ADA, NOON + DAY, None), Holding(BEN, None, NOON + 2 * DAY)],
    ],
)
def test_the_last_administrator_for_good_must_remain(holdings: list[Holding]) -> None:
    """The brief: "the last active administrator cannot be disabled or lose the role"."""
    with pytest.raises(LastAdministrator):
        roles.check_administrator_remains(holdings, NOON)
