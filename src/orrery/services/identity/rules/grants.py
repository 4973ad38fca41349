"""Grants: which permission patterns someone holds in which scope, and what he may hand out."""

import re
from collections.abc import Collection, Iterable, Mapping

from orrery.kernel.types.permission import SCOPES, Permission, Scope
from orrery.kernel.types.refusal import Forbidden, Refusal

Grants = Mapping[str, Scope]

# What every signed-in user holds for himself, whatever his roles: his account, nothing else.
EVERYONE: Grants = {"identity.account.read": "own", "identity.account.use": "own"}

PATTERN = re.compile(r"(\*|[a-z][a-z0-9_]*)(\.(\*|[a-z][a-z0-9_]*)){0,2}")


class UnknownPermission(Refusal):
    """The pattern names no permission that any service has."""

    code = "identity.unknown_permission"


class GrantsMoreThanHeld(Forbidden):
    """Nobody may grant what he does not hold himself, at least as widely."""

    code = "identity.grants_more_than_held"


class StrongerAccount(Forbidden):
    """The account holds more than the caller, so taking it over would raise him."""

    code = "identity.stronger_account"


def segments(pattern: str) -> list[str]:
    """The three parts of a pattern, with a closing ``*`` standing for all that follow."""
    parts = pattern.split(".")
    if parts[-1] == "*":
        parts += ["*"] * (3 - len(parts))
    return parts


def covers(held: str, wanted: str) -> bool:
    """Whether everything ``wanted`` names, now or in a later release, is named by ``held``."""
    mine, theirs = segments(held), segments(wanted)
    return len(mine) == len(theirs) and all(
        m in ("*", t) for m, t in zip(mine, theirs, strict=True)
    )


def overlap(left: str, right: str) -> str | None:
    """The pattern that names what both patterns name; None when they share nothing."""
    common = []
    for a, b in zip(segments(left), segments(right), strict=True):
        if a != b and "*" not in (a, b):
            return None
        common.append(b if a == "*" else a)
    while common[-2:] == ["*", "*"]:
        common.pop()
    return ".".join(common)


def widest(grants: Iterable[tuple[str, Scope]]) -> dict[str, Scope]:
    """Bundle the grants of several roles; a pattern granted twice counts in its wider scope."""
    bundle: dict[str, Scope] = {}
    for pattern, scope in grants:
        known = bundle.get(pattern)
        if known is None or SCOPES.index(scope) > SCOPES.index(known):
            bundle[pattern] = scope
    return bundle


def narrowed(grants: Grants, patterns: Collection[str] | None) -> dict[str, Scope]:
    """What is left of grants for a token limited to some patterns; None limits nothing."""
    if patterns is None:
        return dict(grants)
    return widest(
        (common, scope)
        for held, scope in grants.items()
        for pattern in patterns
        if (common := overlap(held, pattern)) is not None
    )


def scope_of(grants: Grants, permission: Permission) -> Scope | None:
    """The widest scope in which a permission is held; None when it is not held."""
    held = [scope for pattern, scope in grants.items() if permission.matches(pattern)]
    return max(held, key=SCOPES.index) if held else None


def exceeding(*, held: Grants, wanted: Grants) -> list[str]:
    """The wanted patterns that no single held pattern covers in at least the same scope.

    Patterns are compared, not the permissions of today: else somebody who holds each of today's
    permissions of a service could grant the whole service, and with it those of tomorrow.
    """
    return sorted(
        pattern
        for pattern, scope in wanted.items()
        if not any(
            covers(mine, pattern) and SCOPES.index(mine_scope) >= SCOPES.index(scope)
            for mine, mine_scope in held.items()
        )
    )


def check_may_grant(*, held: Grants, wanted: Grants) -> None:
    """Let nobody grant what he does not hold. Refuses: GrantsMoreThanHeld."""
    beyond = exceeding(held=held, wanted=wanted)
    if beyond:
        raise GrantsMoreThanHeld(patterns=beyond)


def check_not_stronger(*, held: Grants, theirs: Grants) -> None:
    """Let nobody take over an account that may more than he. Refuses: StrongerAccount."""
    beyond = exceeding(held=held, wanted=theirs)
    if beyond:
        raise StrongerAccount(patterns=beyond)


def check_known(patterns: Iterable[str], known: Collection[Permission]) -> None:
    """Let patterns name permissions that exist. Refuses: UnknownPermission."""
    unknown = sorted(
        pattern
        for pattern in patterns
        if not PATTERN.fullmatch(pattern) or not any(code.matches(pattern) for code in known)
    )
    if unknown:
        raise UnknownPermission(patterns=unknown)
