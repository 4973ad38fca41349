"""Who signed in: what the tokens of the house say about a person."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orrery.kernel.types.permission import Scope
from orrery.services.identity.rules import grants, roles

ISSUER = "orrery"


@dataclass(frozen=True)
class Held:
    """A grant that a role gives a user, from when until when."""

    pattern: str
    scope: Scope
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True)
class Principal:
    """A user as tokens describe him."""

    tenant: str
    user_id: UUID
    email: str
    full_name: str
    is_active: bool
    must_change_password: bool
    employee_id: UUID | None
    unit_ids: tuple[str, ...]
    department_ids: tuple[str, ...]
    held: tuple[Held, ...]

    def grants_at(self, now: datetime) -> dict[str, Scope]:
        """What he may do at an instant; with a temporary password only replace it."""
        if not self.is_active:
            return {}
        counting = [] if self.must_change_password else counting_at(self.held, now)
        return bundled(counting)

    def grants_possible(self) -> dict[str, Scope]:
        """What he may do when he is active and every role he has counts, now or some day."""
        return bundled(self.held)


def bundled(held: Collection[Held]) -> dict[str, Scope]:
    """What some grants come to, with what everybody may."""
    return grants.widest([*grants.EVERYONE.items(), *((h.pattern, h.scope) for h in held)])


def counting_at(held: Collection[Held], now: datetime) -> list[Held]:
    """The grants whose assignment counts at an instant."""
    return [
        h for h in held if roles.counts_at(now, valid_from=h.valid_from, valid_until=h.valid_until)
    ]


def token_end(principal: Principal, now: datetime, life: timedelta) -> datetime:
    """When an access token made now must end: soon, and before any of its grants does."""
    ends = [h.valid_until for h in counting_at(principal.held, now) if h.valid_until is not None]
    return min([now + life, *ends])


def claims(
    principal: Principal,
    now: datetime,
    *,
    expires_at: datetime,
    session_id: UUID | None,
    patterns: Collection[str] | None = None,
) -> dict[str, Any]:
    """What an access token says; ``patterns`` limits the token of a program."""
    return {
        "iss": ISSUER,
        "sub": str(principal.user_id),
        "tenant": principal.tenant,
        "email": principal.email,
        "name": principal.full_name,
        "employee_id": str(principal.employee_id) if principal.employee_id else None,
        "unit_ids": list(principal.unit_ids),
        "department_ids": list(principal.department_ids),
        "grants": grants.narrowed(principal.grants_at(now), patterns),
        "sid": str(session_id) if session_id else None,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
