"""Roles: custom ones, the built-in ones, changes that bite at the next token, and explain."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.api.identity.test_users import custom_role, give, roles_of
from tests.api.identity.visitors import (
    HOME,
    announced,
    client_of,
    make_user,
    refresh,
    said,
    tokens,
)

ROLES = f"{HOME}/roles"
NOON = datetime(2031, 6, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE = ["accountant", "admin", "asset_manager", "employee", "hr_manager"]


async def role_id(house: House, code: str, tenant: str = "acme") -> str:
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        (role,) = (await admin.get(ROLES, params={"code": code})).json()["items"]
    return str(role["id"])


async def test_a_new_tenant_has_the_five_roles_of_the_matrix(house: House) -> None:
    """The five roles of TB ERP's matrix exactly as in the source document, and the dashboard,
    whose figures each ask for the permission of the service that they count."""
    board = {"analytics.*.read": "all"}
    tenant = await house.new_tenant()
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        items = (await admin.get(ROLES, params={"sort": "code"})).json()["items"]
    assert [(r["code"], r["is_built_in"]) for r in items] == [(code, True) for code in FIVE]
    assert {r["code"]: r["grants"] for r in items} == {
        "admin": {"*": "all"},
        "asset_manager": {"assets.*": "all", "people.*.read": "all"} | board,
        "accountant": {"assets.*.read": "all", "invoicing.*": "all", "people.*.read": "all"}
        | board,
        "hr_manager": {"assets.*.read": "all", "invoicing.*.read": "all", "people.*": "all"}
        | board,
        "employee": {
            "assets.*.read": "own",
            "invoicing.*.read": "own",
            "people.*.read": "own",
            "people.attendance.clock": "own",
        },
    }


@pytest.mark.parametrize("code", FIVE)
async def test_a_built_in_role_cannot_be_changed_or_archived(house: House, code: str) -> None:
    path = f"{ROLES}/{await role_id(house, code)}"
    async with house.client({"*": "all"}) as admin:
        before = (await admin.get(path)).json()
        refused = [
            await admin.patch(path, json={"name": "Mine"}),
            await admin.patch(path, json={"grants": {"*": "all"}}),
            await admin.post(f"{path}/archive"),
            await admin.post(f"{path}/restore"),
        ]
        assert (await admin.delete(path)).status_code == 405
        assert (await admin.get(path)).json() == before
    assert [r.json()["code"] for r in refused] == ["identity.built_in_role"] * 4


async def test_a_custom_role_bundles_patterns_with_scopes(house: House) -> None:
    code = await custom_role(house, {"identity.*.read": "unit", "identity.user.write": "own"})
    visitor = await make_user(house, code)
    grants = said((await tokens(house, visitor))["access_token"])["grants"]
    assert grants["identity.*.read"] == "unit"
    assert grants["identity.user.write"] == "own"
    events = await announced(house, "identity.role_changed.v1", await _id(house, code))
    assert [e["grants"] for e in events] == [
        {"identity.*.read": "unit", "identity.user.write": "own"}
    ]


async def _id(house: House, code: str) -> Any:
    return await role_id(house, code)


@pytest.mark.parametrize(
    ("grants", "status", "code"),
    [
        ({"nothing.*": "all"}, 409, "identity.unknown_permission"),
        ({"identity.user.fly": "all"}, 409, "identity.unknown_permission"),
        ({"identity.user": "all"}, 409, "identity.unknown_permission"),
        ({"identity.user.read": "everything"}, 422, "kernel.malformed"),
        ({"identity.user.read": None}, 422, "kernel.malformed"),
        ([], 422, "kernel.malformed"),
    ],
)
async def test_a_role_of_permissions_that_do_not_exist_is_not_made(
    house: House, grants: Any, status: int, code: str
) -> None:
    """The brief: "patterns in custom roles must match at least one known permission"."""
    name = f"r{new_id().hex[-12:]}"
    async with house.client({"*": "all"}) as admin:
        answer = await admin.post(ROLES, json={"code": name, "name": name, "grants": grants})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await admin.get(ROLES, params={"code": name})).json()["items"] == []


async def test_two_roles_cannot_have_one_code(house: House) -> None:
    body = {"code": "accountant", "name": "Mine", "grants": {"identity.user.read": "own"}}
    async with house.client({"*": "all"}) as admin:
        answer = await admin.post(ROLES, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity.role_code_taken")


async def test_nobody_makes_or_widens_a_role_beyond_what_he_holds(house: House) -> None:
    held = {"identity.role.*": "all", "identity.user.read": "unit"}
    maker = await make_user(house, await custom_role(house, held))
    name = f"r{new_id().hex[-12:]}"
    async with await client_of(house, maker) as client:
        for grants in ({"*": "own"}, {"identity.user.read": "all"}, {"identity.user.*": "own"}):
            body = {"code": name, "name": name, "grants": grants}
            answer = await client.post(ROLES, json=body)
            assert answer.json()["code"] == "identity.grants_more_than_held"
        body = {"code": name, "name": name, "grants": {"identity.user.read": "own"}}
        made = (await client.post(ROLES, json=body)).json()
        path = f"{ROLES}/{made['id']}"
        answer = await client.patch(path, json={"grants": {"identity.user.read": "all"}})
        assert answer.status_code == 403
        assert (await client.get(path)).json()["grants"] == {"identity.user.read": "own"}


async def test_a_changed_role_bites_at_the_next_token(house: House) -> None:
    """The brief: "changes bite at the next token"."""
    code = await custom_role(house, {"identity.user.read": "all"})
    visitor = await make_user(house, code)
    pair = await tokens(house, visitor)
    path = f"{ROLES}/{await role_id(house, code)}"
    async with house.client({"*": "all"}) as admin:
        etag = (await admin.get(path)).headers["etag"]
        body = {"grants": {"identity.role.read": "all"}}
        answer = await admin.patch(path, json=body, headers={"If-Match": etag})
        assert answer.json()["version"] == 2
        stale = await admin.patch(path, json={"name": "Late"}, headers={"If-Match": etag})
        assert stale.status_code == 412
        timeline = (await admin.get(f"{path}/timeline")).json()["items"]
    assert timeline[0]["changes"]["grants"] == [
        {"identity.user.read": "all"},
        {"identity.role.read": "all"},
    ]
    assert "identity.user.read" in said(pair["access_token"])["grants"]
    fresh = (await refresh(house, pair["refresh_token"])).json()
    grants = said(fresh["access_token"])["grants"]
    assert "identity.user.read" not in grants
    assert grants["identity.role.read"] == "all"


async def test_a_role_in_use_cannot_be_archived_and_an_archived_one_not_given(
    house: House,
) -> None:
    code = await custom_role(house, {"identity.user.read": "own"})
    visitor = await make_user(house, code)
    path = f"{ROLES}/{await role_id(house, code)}"
    async with house.client({"*": "all"}) as admin:
        answer = await admin.post(f"{path}/archive")
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.role_in_use")
        assert answer.json()["facts"] == {"role": code, "users": 1}
        assert (await give(admin, visitor)).status_code == 200
        assert (await admin.post(f"{path}/archive")).json()["is_archived"] is True
        answer = await give(admin, visitor, code)
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.role_archived")
        assert await roles_of(house, visitor) == []
        assert (await admin.post(f"{path}/restore")).json()["is_archived"] is False
        assert (await give(admin, visitor, code)).status_code == 200


async def test_an_archived_role_is_not_restored_by_who_holds_less(house: House) -> None:
    code = await custom_role(house, {"identity.user.write": "all"})
    path = f"{ROLES}/{await role_id(house, code)}"
    maker = await make_user(house, await custom_role(house, {"identity.role.*": "all"}))
    async with house.client({"*": "all"}) as admin:
        await admin.post(f"{path}/archive")
    async with await client_of(house, maker) as client:
        assert (await client.post(f"{path}/restore")).status_code == 403
        assert (await client.get(path)).json()["is_archived"] is True


async def test_an_assignment_counts_in_its_time_only(house: House) -> None:
    """ORG-1: "time-bounded grants"; the limits of the period, through real tokens."""
    begin, end = NOON + 10 * MINUTE, NOON + 20 * MINUTE
    visitor = await make_user(house, "asset_manager", valid_from=begin, valid_until=end)
    second = timedelta(seconds=1)
    for now, holds, lives in (
        (begin - second, False, 300),
        (begin, True, 300),
        (end - 5 * MINUTE, True, 300),
        (end - second, True, 1),
        (end, False, 300),
    ):
        clock.set(now)
        pair = await tokens(house, visitor)
        claims = said(pair["access_token"])
        assert ("assets.*" in claims["grants"]) is holds, now
        assert claims["exp"] - claims["iat"] == lives, now


async def test_assignments_say_whether_they_count(house: House) -> None:
    visitor = await make_user(house, "accountant")
    clock.set(NOON)
    wanted = [
        {"role": "accountant"},
        {"role": "employee", "valid_from": "2031-06-03T00:00:00Z"},
        {"role": "hr_manager", "valid_until": "2031-06-02T12:00:00Z"},
    ]
    async with house.client({"*": "all"}) as admin:
        path = f"{HOME}/users/{visitor.id}/roles"
        answer = await admin.put(path, json={"roles": wanted})
        assert answer.status_code == 200
        items = (await admin.get(path)).json()["items"]
    assert [(i["code"], i["counts"]) for i in items] == [
        ("accountant", True),
        ("employee", False),
        ("hr_manager", False),
    ]
    events = await announced(house, "identity.role_assigned.v1", visitor.id)
    assert [e["roles"] for e in events] == [["accountant", "employee", "hr_manager"]]


async def test_giving_the_same_roles_again_changes_nothing(house: House) -> None:
    visitor = await make_user(house, "employee")
    async with house.client({"*": "all"}) as admin:
        assert (await give(admin, visitor, "employee")).status_code == 200
    assert await announced(house, "identity.role_assigned.v1", visitor.id) == []


async def test_every_permission_of_every_service_is_listed(house: House) -> None:
    async with house.client({"identity.role.read": "all"}) as client:
        items = (await client.get(f"{HOME}/permissions")).json()["items"]
    owned = [(p.code, p.title) for s in house.runtime.services.values() for p in s.permissions]
    assert [(item["code"], item["title"]) for item in items] == sorted(owned)
    assert {item["service"] for item in items if item["code"].startswith("identity.")} == {
        "identity"
    }


async def test_explain_says_which_role_and_scope_allow(house: House) -> None:
    narrow = await custom_role(house, {"identity.user.read": "own"})
    wide = await custom_role(house, {"identity.user.*": "unit"})
    visitor = await make_user(house, narrow, wide)
    async with house.client({"identity.*": "all"}) as admin:
        params = {"user_id": str(visitor.id), "permission": "identity.user.read"}
        told = (await admin.get(f"{HOME}/explain", params=params)).json()
    assert (told["is_allowed"], told["scope"], told["missing"]) == (True, "unit", None)
    assert sorted((b["role"], b["pattern"], b["scope"], b["why"]) for b in told["because"]) == (
        sorted(
            [
                (narrow, "identity.user.read", "own", "counts"),
                (wide, "identity.user.*", "unit", "counts"),
            ]
        )
    )
    assert {"admin", narrow, wide} <= set(told["roles_that_would"])


async def test_explain_agrees_with_the_token_for_every_permission(house: House) -> None:
    """DESIGN 7: "explain answers why someone may or may not", so it must not answer otherwise."""
    codes = [await custom_role(house, {"identity.*.read": "department"}), "employee"]
    visitor = await make_user(house, *codes)
    async with await client_of(house, visitor) as client:
        me = (await client.get(f"{HOME}/me")).json()
        for service in house.runtime.services.values():
            for permission in service.permissions:
                params = {"permission": permission.code}
                told = (await client.get(f"{HOME}/explain", params=params)).json()
                held = [s for p, s in me["grants"].items() if permission.matches(p)]
                assert told["is_allowed"] is bool(held), permission.code
                assert told["scope"] in (held or [None]), permission.code


async def test_explain_speaks_of_others_only_to_who_may_see_them(house: House) -> None:
    visitor, other = await make_user(house), await make_user(house)
    params = {"permission": "identity.user.read"}
    async with await client_of(house, visitor) as client:
        assert (await client.get(f"{HOME}/explain", params=params)).json()["missing"] == "no_grant"
        params["user_id"] = str(other.id)
        assert (await client.get(f"{HOME}/explain", params=params)).status_code == 403
        params = {"permission": "identity.user.fly"}
        assert (await client.get(f"{HOME}/explain", params=params)).status_code == 404


async def test_explain_says_what_is_missing(house: House) -> None:
    late = await make_user(house, "accountant", valid_until=NOON)
    off, new = await make_user(house, "admin"), await make_user(house, "admin", is_temporary=True)
    clock.set(NOON)
    async with house.client({"*": "all"}) as admin:
        await admin.post(f"{HOME}/users/{off.id}/disable", json={"reason": "left"})
        answers = {
            name: (
                await admin.get(
                    f"{HOME}/explain",
                    params={"user_id": str(visitor.id), "permission": "identity.role.read"},
                )
            ).json()["missing"]
            for name, visitor in (("late", late), ("off", off), ("new", new))
        }
    assert answers == {"late": "no_grant", "off": "disabled", "new": "password_is_temporary"}
