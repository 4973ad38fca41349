"""Why somebody may or may not: every grant that names the permission, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from orrery.kernel.types.permission import SCOPES, Permission, Scope
from orrery.services.identity.rules import grants

Why = Literal["counts", "not_yet", "no_longer", "role_archived"]
Missing = Literal["disabled", "password_is_temporary", "no_grant", "grant_not_valid"]


@dataclass(frozen=True)
class Given:
    """A grant that one of the user's roles holds; no role means that everybody has it."""

    role: str | None
    pattern: str
    scope: Scope
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    is_archived: bool = False


@dataclass(frozen=True)
class Reason:
    """A grant that names the permission asked for, and whether it counts."""

    role: str | None
    pattern: str
    scope: Scope
    valid_from: datetime | None
    valid_until: datetime | None
    why: Why

    @property
    def counts(self) -> bool:
        """Whether this grant allows the permission at present."""
        return self.why == "counts"


@dataclass(frozen=True)
class Verdict:
    """Whether the permission is held and in which scope, and if not, what is missing."""

    scope: Scope | None
    because: tuple[Reason, ...]
    missing: Missing | None


EVERYONE = tuple(Given(None, pattern, scope) for pattern, scope in grants.EVERYONE.items())


def verdict(
    permission: Permission,
    given: Sequence[Given],
    now: datetime,
    *,
    is_active: bool,
    must_change_password: bool,
) -> Verdict:
    """Answer for one permission, as the user's next token would."""
    because = tuple(
        Reason(g.role, g.pattern, g.scope, g.valid_from, g.valid_until, _why(g, now))
        for g in [*EVERYONE, *given]
        if permission.matches(g.pattern)
    )
    counting = [r for r in because if r.counts]
    if not is_active:
        return Verdict(None, because, "disabled")
    if must_change_password and (counting := [r for r in counting if r.role is None]) == []:
        return Verdict(None, because, "password_is_temporary")
    if not counting:
        return Verdict(None, because, "grant_not_valid" if because else "no_grant")
    return Verdict(max((r.scope for r in counting), key=SCOPES.index), because, None)


def _why(given: Given, now: datetime) -> Why:
    if given.is_archived:
        return "role_archived"
    if given.valid_from is not None and now < given.valid_from:
        return "not_yet"
    if given.valid_until is not None and now >= given.valid_until:
        return "no_longer"
    return "counts"
