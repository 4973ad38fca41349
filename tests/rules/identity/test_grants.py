"""Grants (ID-7; the brief: "patterns in custom roles must match at least one known permission;
nobody may grant what he does not hold himself")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.kernel.types.permission import SCOPES, Permission, Scope
from orrery.services.identity.rules import grants
from orrery.services.identity.rules.grants import (
    GrantsMoreThanHeld,
    StrongerAccount,
    UnknownPermission,
)

KNOWN = [
    Permission(code, code)
    for code in (
        "assets.asset.read",
        "assets.asset.write",
        "assets.category.read",
        "people.employee.read",
        "people.employee.write",
    )
]
part = st.sampled_from(["*", "assets", "people", "asset", "employee", "read", "write"])
patterns = st.one_of(
    st.just("*"),
    part.filter(lambda p: p != "*").map(lambda p: f"{p}.*"),
    st.tuples(part, part, part).map(".".join),
)
bundles = st.dictionaries(patterns, st.sampled_from(SCOPES), max_size=4)


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        ("*", "assets.asset.read", True),
        ("*", "*", True),
        ("assets.*", "assets.asset.write", True),
        ("assets.*", "assets.*", True),
        ("assets.*", "assets.*.read", True),
        ("assets.*.*", "assets.*", True),
        ("assets.*.read", "assets.*", False),
        ("assets.*.read", "assets.asset.read", True),
        ("*.*.read", "people.*.read", True),
        ("people.*.read", "*.*.read", False),
        ("assets.asset.read", "assets.asset.*", False),
        ("assets.*", "*", False),
        ("assets", "assets.asset.read", False),
    ],
)
def test_a_pattern_covers_what_it_names_now_and_later(
    held: str, wanted: str, covered: bool
) -> None:
    assert grants.covers(held, wanted) is covered


@pytest.mark.parametrize(
    ("left", "right", "common"),
    [
        ("*", "assets.*", "assets.*"),
        ("assets.*", "*.*.read", "assets.*.read"),
        ("assets.*.read", "people.*", None),
        ("*", "*", "*"),
        ("assets.asset.read", "assets.*", "assets.asset.read"),
    ],
)
def test_two_patterns_overlap_in_what_both_name(left: str, right: str, common: str | None) -> None:
    assert grants.overlap(left, right) == common
    assert grants.overlap(right, left) == common


def test_a_pattern_granted_twice_counts_in_its_wider_scope() -> None:
    told: list[tuple[str, Scope]] = [
        ("a.*", "own"),
        ("a.*", "unit"),
        ("b.*", "all"),
        ("b.*", "own"),
    ]
    assert grants.widest(told) == {"a.*": "unit", "b.*": "all"}


@pytest.mark.parametrize(
    ("wanted", "beyond"),
    [
        ({"assets.asset.read": "all"}, []),
        ({"assets.*": "all"}, []),
        ({"people.*.read": "unit"}, []),
        ({"people.*.read": "own"}, []),
        ({"people.*.read": "all"}, ["people.*.read"]),
        ({"people.employee.write": "own"}, ["people.employee.write"]),
        ({"*": "own", "assets.*": "all"}, ["*"]),
        ({"invoicing.*": "own", "people.*": "own"}, ["invoicing.*", "people.*"]),
        ({}, []),
    ],
)
def test_nobody_grants_what_he_does_not_hold_himself_or_more_widely(
    wanted: dict[str, Scope], beyond: list[str]
) -> None:
    held: dict[str, Scope] = {"assets.*": "all", "people.*.read": "unit"}
    assert grants.exceeding(held=held, wanted=wanted) == beyond
    if beyond:
        with pytest.raises(GrantsMoreThanHeld) as refused:
            grants.check_may_grant(held=held, wanted=wanted)
        assert refused.value.facts == {"patterns": beyond}
        assert refused.value.status == 403
        with pytest.raises(StrongerAccount):
            grants.check_not_stronger(held=held, theirs=wanted)
    else:
        grants.check_may_grant(held=held, wanted=wanted)
        grants.check_not_stronger(held=held, theirs=wanted)


def test_holding_each_permission_of_today_is_not_holding_the_service() -> None:
    held: dict[str, Scope] = {p.code: "all" for p in KNOWN}
    assert grants.exceeding(held=held, wanted={"assets.*": "all"}) == ["assets.*"]


@given(held=bundles, wanted=bundles)
def test_what_may_be_granted_raises_nobody_above_the_giver(
    held: dict[str, Scope], wanted: dict[str, Scope]
) -> None:
    if grants.exceeding(held=held, wanted=wanted):
        return
    for permission in KNOWN:
        given_scope = grants.scope_of(wanted, permission)
        own_scope = grants.scope_of(held, permission)
        assert given_scope is None or (
            own_scope is not None and SCOPES.index(own_scope) >= SCOPES.index(given_scope)
        )


@given(held=bundles, limits=st.lists(patterns, max_size=3))
def test_a_limited_token_holds_exactly_what_both_its_owner_and_its_patterns_name(
    held: dict[str, Scope], limits: list[str]
) -> None:
    left = grants.narrowed(held, limits)
    for permission in KNOWN:
        is_named = any(permission.matches(pattern) for pattern in limits)
        wanted = grants.scope_of(held, permission) if is_named else None
        assert grants.scope_of(left, permission) == wanted


def test_a_token_without_patterns_is_not_limited() -> None:
    assert grants.narrowed({"assets.*": "all"}, None) == {"assets.*": "all"}


@pytest.mark.parametrize(
    "pattern",
    ["*", "assets.*", "assets.*.read", "*.*.read", "assets.asset.read", "people.employee.*"],
)
def test_a_pattern_that_names_a_known_permission_is_taken(pattern: str) -> None:
    grants.check_known([pattern], KNOWN)


@pytest.mark.parametrize(
    "pattern",
    ["payroll.*", "assets.asset.fly", "assets", "assets.asset", "*.read", "assets.*.*.*", "", ".",
     "Assets.*", "assets.as*.read", "assets.asset.read ", "assets..read"],
)  # fmt: skip
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(UnknownPermission) as refused:
        grants.check_known(["assets.*", pattern], KNOWN)
    assert refused.value.facts == {"patterns": [pattern]}
