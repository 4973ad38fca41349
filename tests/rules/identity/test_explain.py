"""Why somebody may or may not (DESIGN 7: "explain answers why someone may or may not")."""

from datetime import UTC, datetime, timedelta

import pytest

from orrery.kernel.types.permission import Permission
from orrery.services.identity.rules.explain import Given, verdict

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
READ = Permission("assets.asset.read", "See assets")
OWN_ACCOUNT = Permission("identity.account.use", "Change one's own password")


def answer(*given: Given, active: bool = True, temporary: bool = False, code: Permission = READ):  # type: ignore[no-untyped-def]
    return verdict(code, given, NOON, is_active=active, must_change_password=temporary)


def test_the_widest_grant_that_counts_decides() -> None:
    told = answer(
        Given("employee", "assets.*.read", "own"), Given("accountant", "assets.*.read", "all")
    )
    assert (told.scope, told.missing) == ("all", None)
    assert [(r.role, r.why) for r in told.because] == [
        ("employee", "counts"),
        ("accountant", "counts"),
    ]


def test_grants_that_do_not_name_the_permission_are_not_mentioned() -> None:
    told = answer(Given("accountant", "invoicing.*", "all"))
    assert (told.scope, told.because, told.missing) == (None, (), "no_grant")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Given("r", "assets.*", "all", valid_from=NOON + DAY), "not_yet"),
        (Given("r", "assets.*", "all", valid_until=NOON), "no_longer"),
        (Given("r", "assets.*", "all", is_archived=True), "role_archived"),
    ],
)
def test_a_grant_that_does_not_count_says_why(given: Given, why: str) -> None:
    told = answer(given)
    assert told.scope is None
    assert told.missing == "grant_not_valid"
    assert [r.why for r in told.because] == [why]


def test_a_disabled_user_misses_nothing_but_his_account() -> None:
    told = answer(Given("admin", "*", "all"), active=False)
    assert (told.scope, told.missing) == (None, "disabled")


def test_with_a_temporary_password_only_the_own_account_is_allowed() -> None:
    admin = Given("admin", "*", "all")
    assert answer(admin, temporary=True).missing == "password_is_temporary"
    told = answer(admin, temporary=True, code=OWN_ACCOUNT)
    assert (told.scope, told.missing) == ("own", None)


def test_everybody_may_use_his_own_account() -> None:
    told = answer(code=OWN_ACCOUNT)
    assert (told.scope, [r.role for r in told.because]) == ("own", [None])
