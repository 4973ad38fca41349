"""Roles: the five that every tenant has, when an assignment counts, and who must remain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orrery.kernel.types.permission import Scope
from orrery.kernel.types.refusal import Refusal


class BuiltInRole(Refusal):
    """The roles every tenant starts with cannot be changed or archived."""

    code = "identity.built_in_role"


class RoleInUse(Refusal):
    """A role that users still have cannot be archived."""

    code = "identity.role_in_use"


class RoleArchived(Refusal):
    """An archived role cannot be given to anybody."""

    code = "identity.role_archived"


class RoleCodeTaken(Refusal):
    """Another role has this code."""

    code = "identity.role_code_taken"


class EmptyPeriod(Refusal):
    """An assignment that ends before it begins never counts."""

    code = "identity.empty_period"


class LastAdministrator(Refusal):
    """Somebody active must keep the administrator's role without an end, or all are locked out."""

    code = "identity.last_administrator"


@dataclass(frozen=True)
class Role:
    """One of the roles that every tenant has from the start."""

    code: str
    name: str
    description: str
    grants: tuple[tuple[str, Scope], ...]


ADMIN = "admin"
# The dashboard is nobody's own service in the matrix; each of its figures also asks for the
# permission of the service that it counts, so a manager sees the figures of what he may read.
DASHBOARD: tuple[str, Scope] = ("analytics.*.read", "all")

BUILT_IN = (
    Role(ADMIN, "Administrator", "Everything, everywhere.", (("*", "all"),)),
    Role(
        "asset_manager",
        "Asset manager",
        "Keeps the assets; sees the people they are given to.",
        (("assets.*", "all"), ("people.*.read", "all"), DASHBOARD),
    ),
    Role(
        "accountant",
        "Accountant",
        "Keeps the invoices; sees assets and people.",
        (("assets.*.read", "all"), ("invoicing.*", "all"), ("people.*.read", "all"), DASHBOARD),
    ),
    Role(
        "hr_manager",
        "HR manager",
        "Keeps the people; sees assets and invoices.",
        (("assets.*.read", "all"), ("invoicing.*.read", "all"), ("people.*", "all"), DASHBOARD),
    ),
    Role(
        "employee",
        "Employee",
        "Sees own records only, and clocks in and out.",
        (
            ("assets.*.read", "own"),
            ("invoicing.*.read", "own"),
            ("people.*.read", "own"),
            ("people.attendance.clock", "own"),
        ),
    ),
)


@dataclass(frozen=True)
class Holding:
    """That an active user has a role, from when until when."""

    user_id: UUID
    valid_from: datetime | None
    valid_until: datetime | None


def check_period(*, valid_from: datetime | None, valid_until: datetime | None) -> None:
    """An assignment must end after it begins. Refuses: EmptyPeriod."""
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise EmptyPeriod(valid_from=valid_from, valid_until=valid_until)


def counts_at(now: datetime, *, valid_from: datetime | None, valid_until: datetime | None) -> bool:
    """Whether an assignment counts: from its first instant on, and no more at its last."""
    return (valid_from is None or valid_from <= now) and (valid_until is None or now < valid_until)


def check_administrator_remains(holdings: Iterable[Holding], now: datetime) -> None:
    """Somebody must administer now and for good. Refuses: LastAdministrator.

    An administrator whose role ends does not count: when the day comes nobody would be asked.
    """
    for holding in holdings:
        begun = counts_at(now, valid_from=holding.valid_from, valid_until=holding.valid_until)
        if begun and holding.valid_until is None:
            return
    raise LastAdministrator
