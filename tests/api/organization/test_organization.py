"""Organization over HTTP: each route, who may, and what a refusal leaves unchanged."""

from typing import Any
from uuid import uuid4

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope

ADMIN: dict[str, Scope] = {"organization.*": "all"}
UNITS = "/api/v1/organization/units"
DRAFT = {
    "name": "Vienna",
    "country": "AT",
    "currency": "EUR",
    "time_zone": "Europe/Vienna",
    "language": "de-AT",
}


def draft(**more: Any) -> dict[str, Any]:
    return DRAFT | {"code": f"V{uuid4().hex[:8].upper()}"} | more


async def test_a_unit_is_added_read_listed_changed_and_archived(house: House) -> None:
    async with house.client(ADMIN) as client:
        sent = draft(vat_number="ATU 40698107")
        made = await client.post(UNITS, json=sent)
        assert made.status_code == 201, made.text
        unit = made.json()
        assert (unit["vat_number"], unit["date_format"]) == ("ATU40698107", "dd.MM.yyyy")
        listed = await client.get(UNITS, params={"code": sent["code"]})
        assert [item["id"] for item in listed.json()["items"]] == [unit["id"]]
        changed = await client.patch(
            f"{UNITS}/{unit['id']}", json={"city": "Wien"}, headers={"If-Match": '"1"'}
        )
        assert (changed.status_code, changed.json()["city"]) == (200, "Wien")
        assert changed.headers["etag"] == '"2"'
        stale = await client.patch(
            f"{UNITS}/{unit['id']}", json={"city": "Graz"}, headers={"If-Match": '"1"'}
        )
        assert stale.status_code == 412
        archived = await client.post(f"{UNITS}/{unit['id']}/archive")
        assert archived.json()["is_archived"] is True
        timeline = (await client.get(f"{UNITS}/{unit['id']}/timeline")).json()["items"]
        assert [entry["verb"] for entry in timeline] == ["update", "update", "insert"]
        assert timeline[1]["changes"]["city"] == [None, "Wien"]


async def test_a_code_is_taken_once(house: House) -> None:
    async with house.client(ADMIN) as client:
        sent = draft()
        assert (await client.post(UNITS, json=sent)).status_code == 201
        again = await client.post(UNITS, json=sent)
        assert (again.status_code, again.json()["code"]) == (409, "organization.unit_code_taken")
        listed = await client.get(UNITS, params={"code": sent["code"]})
        assert len(listed.json()["items"]) == 1


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"currency": "eur"}, 422, "kernel.malformed"),
        ({"tax_rounding": "never"}, 422, "kernel.malformed"),
        ({"is_headquarters": True}, 422, "kernel.malformed"),
        ({"currency": "DEM"}, 409, "organization.unit_unsound"),
        ({"iban": "DE00"}, 409, "organization.unit_unsound"),
    ],
)
async def test_what_cannot_be_is_refused_and_not_kept(
    house: House, wrong: dict[str, Any], status: int, code: str
) -> None:
    async with house.client(ADMIN) as client:
        sent = draft(**wrong)
        refused = await client.post(UNITS, json=sent)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
        listed = await client.get(UNITS, params={"code": sent["code"]})
        assert listed.json()["items"] == []


async def test_a_needed_field_cannot_be_emptied(house: House) -> None:
    async with house.client(ADMIN) as client:
        unit = (await client.post(UNITS, json=draft(city="Wien"))).json()
        refused = await client.patch(f"{UNITS}/{unit['id']}", json={"name": None})
        assert refused.status_code == 422
        emptied = await client.patch(f"{UNITS}/{unit['id']}", json={"city": None})
        assert (emptied.json()["city"], emptied.json()["name"]) == (None, "Vienna")


async def test_the_headquarters_title_moves_over_the_api(house: House) -> None:
    tenant = await house.new_tenant()
    async with house.client(ADMIN, tenant=tenant) as client:
        first = (await client.get(UNITS)).json()["items"][0]
        unit = (await client.post(UNITS, json=draft())).json()
        moved = await client.post(f"{UNITS}/{unit['id']}/make-headquarters")
        assert moved.json()["is_headquarters"] is True
        items = (await client.get(UNITS, params={"is_headquarters": "true"})).json()["items"]
        assert [item["id"] for item in items] == [unit["id"]]
        assert (await client.post(f"{UNITS}/{unit['id']}/archive")).status_code == 409
        assert (await client.post(f"{UNITS}/{first['id']}/archive")).status_code == 200
        assert (await client.post(f"{UNITS}/{first['id']}/restore")).json()["is_archived"] is False


async def test_a_scope_of_units_shows_and_changes_those_only(house: House) -> None:
    async with house.client(ADMIN) as client:
        mine = (await client.post(UNITS, json=draft())).json()
        other = (await client.post(UNITS, json=draft())).json()
    grants: dict[str, Scope] = {"organization.unit.*": "unit"}
    async with house.client(grants, unit_ids=[mine["id"]]) as client:
        listed = (await client.get(UNITS)).json()["items"]
        assert [item["id"] for item in listed] == [mine["id"]]
        assert (await client.get(f"{UNITS}/{other['id']}")).status_code == 404
        change = {"city": "Linz"}
        assert (await client.patch(f"{UNITS}/{mine['id']}", json=change)).status_code == 200
        assert (await client.patch(f"{UNITS}/{other['id']}", json=change)).status_code == 404


async def test_everybody_signed_in_sees_their_own_units_and_the_look(house: House) -> None:
    async with house.client(ADMIN) as client:
        unit = (await client.post(UNITS, json=draft())).json()
    async with house.client({}, unit_ids=[unit["id"]]) as client:
        choices = (await client.get("/api/v1/organization/unit-choices")).json()["items"]
        assert [(c["id"], c["is_default"]) for c in choices] == [(unit["id"], False)]
        look = await client.get("/api/v1/organization/profile")
        assert (look.status_code, look.json()["title"]) == (200, "Acme")
        assert (await client.get(UNITS)).status_code == 403
        refused = await client.patch("/api/v1/organization/profile", json={"title": "Mine"})
        assert refused.status_code == 403
    async with house.client(None) as client:
        assert (await client.get("/api/v1/organization/unit-choices")).status_code == 401


async def test_the_look_is_changed_by_who_may(house: House) -> None:
    tenant = await house.new_tenant()
    async with house.client(ADMIN, tenant=tenant) as client:
        path = "/api/v1/organization/profile"
        changed = await client.patch(path, json={"logo_text": "M", "accent_colour": "#ABCDEF"})
        assert (changed.json()["logo_text"], changed.json()["accent_colour"]) == ("M", "#abcdef")
        assert (await client.patch(path, json={"accent_colour": "red"})).status_code == 422
        assert (await client.patch(path, json={"title": None})).status_code == 422
        assert (await client.get(path)).json()["accent_colour"] == "#abcdef"


async def test_a_membership_is_assigned_and_read_over_the_api(house: House) -> None:
    user = str(uuid4())
    path = f"/api/v1/organization/users/{user}/membership"
    async with house.client(ADMIN) as client:
        assert (await client.get(path)).status_code == 404
        unit = (await client.post(UNITS, json=draft())).json()
        put = await client.put(path, json={"units": [{"unit_id": unit["id"]}]})
        assert put.status_code == 200, put.text
        assert put.json()["default_unit_id"] == unit["id"]
        again = (await client.get(path)).json()
        assert [u["unit_code"] for u in again["units"]] == [unit["code"]]
        listed = await client.get("/api/v1/organization/memberships", params={"user_id": user})
        assert [m["id"] for m in listed.json()["items"]] == [again["id"]]
        wrong = await client.put(path, json={"units": [{"unit_id": str(uuid4())}]})
        assert wrong.json()["code"] == "organization.unknown_unit"
        assert (await client.get(path)).json()["units"] == again["units"]
    async with house.client({"organization.membership.read": "own"}, user_id=user) as client:
        assert (await client.get(path)).status_code == 200
    async with house.client({"organization.membership.read": "own"}) as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.put(path, json={"units": []})).status_code == 403


async def test_one_tenant_sees_nothing_of_another(house: House) -> None:
    async with house.client(ADMIN) as client:
        unit = (await client.post(UNITS, json=draft())).json()
    async with house.client(ADMIN, tenant="globex") as client:
        assert (await client.get(f"{UNITS}/{unit['id']}")).status_code == 404
        titles = [item["name"] for item in (await client.get(UNITS)).json()["items"]]
        assert "Vienna" not in titles


async def test_departments_are_only_read(house: House) -> None:
    async with house.client(ADMIN) as client:
        assert (await client.get("/api/v1/organization/departments")).status_code == 200
        refused = await client.post("/api/v1/organization/departments", json={"code": "X"})
        assert refused.status_code == 405
