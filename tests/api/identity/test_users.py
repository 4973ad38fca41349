"""Users, for administrators: created, changed, linked, disabled; nobody is raised by it."""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest

from orrery.kernel.testing import ADMIN_PASSWORD, House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import SCOPES, Scope
from orrery.services.identity import models as m
from tests.api.identity.visitors import (
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    Visitor,
    announced,
    bearer,
    client_of,
    knock,
    make_user,
    tokens,
)

USERS = f"{HOME}/users"


def fresh_email() -> str:
    return f"New{new_id().hex[-12:]}@Acme.Example"


async def custom_role(house: House, grants: dict[str, str], tenant: str = "acme") -> str:
    """A role of its own for one test."""
    code = f"r{new_id().hex[-12:]}"
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        body = {"code": code, "name": code, "grants": grants}
        answer = await admin.post(f"{HOME}/roles", json=body)
    assert answer.status_code == 201, answer.text
    return code


async def give(client: httpx2.AsyncClient, visitor: Visitor, *roles: str) -> httpx2.Response:
    """Let a user have these roles and no others."""
    body = {"roles": [{"role": code} for code in roles]}
    return await client.put(f"{USERS}/{visitor.id}/roles", json=body)


async def roles_of(house: House, visitor: Visitor) -> list[str]:
    async with house.client({"*": "all"}, tenant=visitor.tenant) as admin:
        found: list[str] = (await admin.get(f"{USERS}/{visitor.id}")).json()["roles"]
    return found


async def test_an_administrator_creates_a_user_who_signs_in(house: House) -> None:
    email = fresh_email()
    async with await client_of(house, await make_user(house, "admin")) as admin:
        draft = {
            "email": email,
            "full_name": "Nora Quist",
            "language": "de",
            "temporary_password": PASSWORD,
            "roles": [{"role": "accountant"}],
        }
        answer = await admin.post(USERS, json=draft)
    assert answer.status_code == 201
    user = answer.json()
    assert (user["email"], user["full_name"], user["language"]) == (
        email.lower(),
        "Nora Quist",
        "de",
    )
    assert (user["is_active"], user["roles"], user["version"]) == (True, ["accountant"], 1)
    visitor = Visitor(UUID(user["id"]), user["email"], "acme")
    assert (await tokens(house, visitor))["must_change_password"] is True
    created = await announced(house, "identity.user_created.v1", visitor.id)
    given = await announced(house, "identity.role_assigned.v1", visitor.id)
    assert [e["email"] for e in created] == [email.lower()]
    assert [e["roles"] for e in given] == [["accountant"]]


async def test_two_users_cannot_have_one_address(house: House) -> None:
    first, second = await make_user(house), await make_user(house)
    async with house.client({"*": "all"}) as admin:
        draft = {"email": first.email.upper(), "full_name": "Copy"}
        answer = await admin.post(USERS, json=draft)
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.email_taken")
        answer = await admin.patch(f"{USERS}/{second.id}", json={"email": first.email})
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.email_taken")
        found = (await admin.get(USERS, params={"email": first.email})).json()["items"]
    assert [u["id"] for u in found] == [str(first.id)]


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"email": "nobody"}, 422, "identity.bad_email"),
        ({"temporary_password": "short"}, 409, "identity.weak_password"),
        ({"roles": [{"role": "no_such_role"}]}, 404, "kernel.not_found"),
        ({"language": "klingon"}, 422, "kernel.malformed"),
        ({"is_active": False}, 422, "kernel.malformed"),
        (
            {
                "roles": [
                    {
                        "role": "employee",
                        "valid_from": "2031-01-02T00:00:00Z",
                        "valid_until": "2031-01-02T00:00:00Z",
                    }
                ]
            },
            409,
            "identity.empty_period",
        ),
    ],
)
async def test_a_user_who_cannot_be_is_not_made(
    house: House, more: dict[str, Any], status: int, code: str
) -> None:
    email = fresh_email().lower()
    async with house.client({"*": "all"}) as admin:
        answer = await admin.post(USERS, json={"email": email, "full_name": "Nora"} | more)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await admin.get(USERS, params={"email": email})).json()["items"] == []


async def test_giving_roles_needs_the_permission_for_it_also_at_creation(house: House) -> None:
    email = fresh_email().lower()
    async with house.client({"identity.user.write": "all", "people.*": "all"}) as helper:
        draft = {"email": email, "full_name": "Nora", "roles": [{"role": "employee"}]}
        assert (await helper.post(USERS, json=draft)).status_code == 403
    async with house.client({"*": "all"}) as admin:
        assert (await admin.get(USERS, params={"email": email})).json()["items"] == []


async def test_a_users_particulars_are_changed_with_his_version(house: House) -> None:
    visitor = await make_user(house)
    path = f"{USERS}/{visitor.id}"
    async with house.client({"*": "all"}) as admin:
        etag = (await admin.get(path)).headers["etag"]
        headers = {"If-Match": etag}
        answer = await admin.patch(path, json={"full_name": "Una Maria"}, headers=headers)
        assert (answer.status_code, answer.json()["full_name"]) == (200, "Una Maria")
        answer = await admin.patch(path, json={"full_name": "Stale"}, headers=headers)
        assert answer.status_code == 412
        assert (await admin.get(path)).json()["full_name"] == "Una Maria"
        timeline = (await admin.get(f"{path}/timeline")).json()["items"]
    assert timeline[0]["changes"]["full_name"] == ["Una Visitor", "Una Maria"]


async def test_signing_in_is_no_change_of_the_record(house: House) -> None:
    visitor = await make_user(house)
    async with house.client({"*": "all"}) as admin:
        before = (await admin.get(f"{USERS}/{visitor.id}")).json()
        await tokens(house, visitor)
        after = (await admin.get(f"{USERS}/{visitor.id}")).json()
    assert before["last_signed_in_at"] is None
    assert after["last_signed_in_at"] is not None
    assert after["version"] == before["version"]


async def test_a_user_is_linked_with_an_employee_and_only_one_user_is(house: House) -> None:
    one, two, employee = await make_user(house), await make_user(house), new_id()
    async with house.client({"*": "all"}) as admin:
        body = {"employee_id": str(employee)}
        answer = await admin.put(f"{USERS}/{one.id}/employee", json=body)
        assert answer.json()["employee_id"] == str(employee)
        answer = await admin.put(f"{USERS}/{two.id}/employee", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.employee_taken")
        answer = await admin.put(f"{USERS}/{one.id}/employee", json={"employee_id": None})
        assert answer.json()["employee_id"] is None


async def test_a_disabled_user_is_out_and_may_come_back(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    async with house.client({"*": "all"}) as admin:
        path = f"{USERS}/{visitor.id}"
        answer = await admin.post(f"{path}/disable", json={"reason": "on leave"})
        assert answer.json()["is_active"] is False
        assert (await admin.post(f"{path}/disable", json={"reason": "again"})).status_code == 200
        assert (await knock(house, visitor.card())).status_code == 401
        answer = await admin.post(f"{path}/enable")
        assert answer.json()["is_active"] is True
    assert (await knock(house, visitor.card())).status_code == 201
    async with house.client() as client:
        body = {"refresh_token": pair["refresh_token"]}
        assert (await client.post(f"{HOME}/tokens/refresh", json=body)).status_code == 401
    disabled = await announced(house, "identity.user_disabled.v1", visitor.id)
    enabled = await announced(house, "identity.user_enabled.v1", visitor.id)
    assert [e["reason"] for e in disabled] == ["on leave"]
    assert len(enabled) == 1


async def test_an_administrator_sets_a_password_to_be_replaced(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    for _ in range(5):
        await knock(house, visitor.card(OTHER_PASSWORD))
    async with house.client({"*": "all"}) as admin:
        path = f"{USERS}/{visitor.id}/password"
        weak = await admin.post(path, json={"password": "password123"})
        assert weak.json()["code"] == "identity.weak_password"
        assert (await admin.post(path, json={"password": OTHER_PASSWORD})).status_code == 200
    # The lock of the forgotten password is lifted with it.
    assert (await tokens(house, visitor, OTHER_PASSWORD))["must_change_password"] is True
    async with house.client() as client:
        body = {"refresh_token": pair["refresh_token"]}
        assert (await client.post(f"{HOME}/tokens/refresh", json=body)).status_code == 401


# ----------------------------------------------------------------------- nobody is raised
HELPER = {
    "identity.user.read": "all",
    "identity.user.write": "all",
    "identity.user.assign": "all",
    "identity.session.end": "all",
}


async def test_a_lesser_administrator_cannot_take_a_greater_account_over(house: House) -> None:
    """The brief: "no privilege escalation". A password or address is as good as a role."""
    boss = await make_user(house, "admin")
    helper = await make_user(house, await custom_role(house, HELPER | {"identity.*.read": "all"}))
    path = f"{USERS}/{boss.id}"
    async with await client_of(house, helper) as client:
        refused = [
            await client.post(f"{path}/password", json={"password": OTHER_PASSWORD}),
            await client.patch(path, json={"email": fresh_email()}),
            await client.put(f"{path}/employee", json={"employee_id": str(new_id())}),
            await client.post(f"{path}/disable", json={"reason": "revolt"}),
            await client.post(f"{path}/enable"),
            await client.delete(f"{path}/sessions"),
        ]
        taken = await give(client, boss)
    assert [(r.status_code, r.json()["code"]) for r in refused] == [
        (403, "identity.stronger_account")
    ] * 6
    assert (taken.status_code, taken.json()["code"]) == (403, "identity.grants_more_than_held")
    assert await roles_of(house, boss) == ["admin"]
    assert (await knock(house, boss.card())).status_code == 201


async def test_a_disabled_greater_account_stays_out_of_reach(house: House) -> None:
    boss = await make_user(house, "admin")
    helper = await make_user(house, await custom_role(house, HELPER))
    async with house.client({"*": "all"}) as admin:
        await admin.post(f"{USERS}/{boss.id}/disable", json={"reason": "left"})
    async with await client_of(house, helper) as client:
        body = {"password": OTHER_PASSWORD}
        assert (await client.post(f"{USERS}/{boss.id}/password", json=body)).status_code == 403
        assert (await client.post(f"{USERS}/{boss.id}/enable")).status_code == 403


async def test_a_lesser_administrator_cares_for_lesser_accounts(house: House) -> None:
    helper = await make_user(house, await custom_role(house, HELPER))
    visitor = await make_user(house, await custom_role(house, {"identity.user.read": "own"}))
    async with await client_of(house, helper) as client:
        body = {"password": OTHER_PASSWORD}
        answer = await client.post(f"{USERS}/{visitor.id}/password", json=body)
        assert answer.status_code == 200
    assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 201


async def test_nobody_gives_a_role_that_grants_more_than_he_holds(house: House) -> None:
    helper = await make_user(house, await custom_role(house, HELPER))
    visitor = await make_user(house)
    async with await client_of(house, helper) as client:
        for role in ("admin", "hr_manager", "accountant"):
            answer = await give(client, visitor, role)
            assert answer.json()["code"] == "identity.grants_more_than_held"
        assert (await give(client, helper, "admin")).status_code == 403
        own = await custom_role(house, {"identity.user.read": "own", "identity.user.write": "own"})
        assert (await give(client, visitor, own)).status_code == 200
    assert await roles_of(house, visitor) == [own]


async def test_a_token_of_before_the_demotion_gives_nothing_back(house: House) -> None:
    """A token lives for five minutes; whoever lost a role must not use them to regain it."""
    boss, fallen = await make_user(house, "admin"), await make_user(house, "admin")
    stale = (await tokens(house, fallen))["access_token"]
    async with await client_of(house, boss) as client:
        assert (await give(client, fallen, "employee")).status_code == 200
    async with bearer(house, stale) as client:
        answer = await give(client, fallen, "admin")
        assert answer.json()["code"] == "identity.grants_more_than_held"
        body = {"code": f"r{new_id().hex[-12:]}", "name": "Way in", "grants": {"*": "all"}}
        assert (await client.post(f"{HOME}/roles", json=body)).status_code == 403
    assert await roles_of(house, fallen) == ["employee"]


# ------------------------------------------------------------------ the last administrator
async def first_administrator(house: House, tenant: str) -> Visitor:
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        (user,) = (await admin.get(USERS)).json()["items"]
    return Visitor(UUID(user["id"]), user["email"], tenant)


async def test_the_last_administrator_cannot_be_disabled_or_lose_the_role(house: House) -> None:
    tenant = await house.new_tenant()
    last = await first_administrator(house, tenant)
    disabled = await make_user(house, "admin", tenant=tenant)
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        path = f"{USERS}/{disabled.id}"
        assert (await admin.post(f"{path}/disable", json={"reason": "x"})).status_code == 200
        refused = [
            await admin.post(f"{USERS}/{last.id}/disable", json={"reason": "x"}),
            await give(admin, last, "employee"),
            await give(admin, last),
            await admin.put(
                f"{USERS}/{last.id}/roles",
                json={"roles": [{"role": "admin", "valid_until": "2099-01-01T00:00:00Z"}]},
            ),
        ]
    assert [r.json()["code"] for r in refused] == ["identity.last_administrator"] * 4
    assert await roles_of(house, last) == ["admin"]
    assert (await knock(house, last.card(ADMIN_PASSWORD))).status_code == 201


async def test_with_a_second_administrator_the_first_may_go(house: House) -> None:
    tenant = await house.new_tenant()
    first = await first_administrator(house, tenant)
    await make_user(house, "admin", tenant=tenant)
    async with house.client({"*": "all"}, tenant=tenant) as admin:
        assert (await give(admin, first, "employee")).status_code == 200
    assert await roles_of(house, first) == ["employee"]


async def test_two_administrators_cannot_remove_each_other_at_once(house: House) -> None:
    tenant = await house.new_tenant()
    first = await first_administrator(house, tenant)
    second = await make_user(house, "admin", tenant=tenant)
    async with (
        house.client({"*": "all"}, tenant=tenant) as one,
        house.client({"*": "all"}, tenant=tenant) as two,
    ):
        answers = await asyncio.gather(
            give(one, second, "employee"),
            two.post(f"{USERS}/{first.id}/disable", json={"reason": "revolt"}),
        )
    assert sorted(a.status_code for a in answers) == [200, 409]
    async with house.tx("identity", tenant=tenant) as tx:
        remaining = await tx.value(
            "select count(*) from role_assignment x join role r on r.id = x.role_id"
            " join user_account a on a.id = x.user_id where r.code = 'admin' and a.is_active"
        )
    assert remaining == 1


# -------------------------------------------------------------------------- list and record
@pytest.mark.parametrize("scope", SCOPES)
async def test_the_list_and_the_record_agree_for_every_user(house: House, scope: Scope) -> None:
    """ID-7: "the list filter and the single-document check agree for every record"."""
    unit, department, tenant = new_id(), new_id(), await house.new_tenant()
    me = await make_user(house, tenant=tenant)
    mate = await make_user(house, tenant=tenant, units=[unit, new_id()])
    colleague = await make_user(house, tenant=tenant)
    async with house.tx("identity", tenant=tenant, commits=True) as tx:
        row = await tx.one(m.User, colleague.id)
        await tx.change(row, department_ids=[department])
        await tx.change(await tx.one(m.User, me.id), unit_ids=[unit])
        everybody = {str(row.id) for row in await tx.all(m.User)}
    expected = {
        "all": everybody,
        "unit": {str(me.id), str(mate.id)},
        "department": {str(colleague.id)},
        "own": {str(me.id)},
    }[scope]
    grants: dict[str, Scope] = {"identity.user.read": scope, "identity.user.write": scope}
    claims = {"user_id": me.id, "unit_ids": [unit], "department_ids": [department]}
    async with house.client(grants, tenant=tenant, **claims) as client:
        listed = {u["id"] for u in (await client.get(USERS)).json()["items"]}
        read = {u for u in everybody if (await client.get(f"{USERS}/{u}")).status_code == 200}
        inner = {
            u for u in everybody if (await client.get(f"{USERS}/{u}/sessions")).status_code == 200
        }
        written = {
            u
            for u in everybody
            if (await client.patch(f"{USERS}/{u}", json={"language": "fr"})).status_code != 404
        }
    assert listed == read == inner == written == expected


async def test_a_tenants_users_are_nobody_elses(house: House) -> None:
    visitor = await make_user(house, tenant="acme")
    async with house.client({"*": "all"}, tenant="globex") as stranger:
        assert (await stranger.get(f"{USERS}/{visitor.id}")).status_code == 404
        body = {"password": OTHER_PASSWORD}
        answer = await stranger.post(f"{USERS}/{visitor.id}/password", json=body)
        assert answer.status_code == 404
    assert (await knock(house, visitor.card())).status_code == 201
