"""Who sees and does what: the role matrix of the source, and scopes that fit lists and records."""

from typing import Any
from uuid import UUID

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from tests.actions.assets.factories import make_asset, make_held
from tests.api.assets.factories import (
    ACCOUNTANT,
    ASSET_MANAGER,
    ASSETS,
    EMPLOYEE,
    Grants,
    got,
    ids_of,
    new_asset,
    refused,
    sent,
)


async def _held_and_not(house: House, employee_id: UUID) -> tuple[UUID, UUID]:
    async with house.tx("assets", commits=True) as tx:
        mine = await make_held(tx, employee_id)
        other = await make_held(tx, new_id())
    return mine.id, other.id


async def test_an_employee_sees_only_what_the_employee_holds(house: House) -> None:
    """Issue 2 D: *own* means a list of own records only and 404 for the others."""
    anna = new_id()
    mine, other = await _held_and_not(house, anna)
    async with house.client(EMPLOYEE, employee_id=anna) as client:
        page = await got(client, "/assets", total="true")
        assert ids_of(page) == {mine}
        assert page["total"] == 1
        assert page["items"][0]["assigned_employee_id"] == str(anna)
        assert (await got(client, f"/assets/{mine}"))["id"] == str(mine)
        for path in ("", "/timeline", "/book-value", "/schedule"):
            answer = await client.get(f"{ASSETS}/assets/{other}{path}")
            assert refused(answer) == (404, "kernel.not_found"), path
        answer = await client.get(f"{ASSETS}/assets/labels?ids={mine},{other}")
        assert refused(answer) == (404, "kernel.not_found")
        assert (await client.get(f"{ASSETS}/assets/labels?ids={mine}")).status_code == 200
        figures = await got(client, "/assets/figures")
        assert (figures["total"], figures["assigned"]) == (1, 1)
        assert [each["employee_id"] for each in figures["per_employee"]] == [str(anna)]
        assert len((await got(client, "/assignments"))["items"]) == 1
        assert (await got(client, "/categories"))["items"] != []


async def test_an_accountant_reads_and_changes_nothing(house: House) -> None:
    """TB ERP's matrix: accountant assets read."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
    async with house.client(ACCOUNTANT) as client:
        assert (await got(client, f"/assets/{asset['id']}"))["tag"] == asset["tag"]
        for path, body in (
            ("/assets", {"name": "Laptop"}),
            (f"/assets/{asset['id']}/assign", {"employee_id": str(new_id())}),
            (f"/assets/{asset['id']}/dispose", {"kind": "scrap"}),
            ("/depreciation/post", {}),
            ("/maintenance-logs", {"asset_id": asset["id"], "kind": "x", "description": "y"}),
        ):
            answer = await client.post(f"{ASSETS}{path}", json=body)
            assert refused(answer) == (403, "kernel.forbidden"), path
        deleted = await client.delete(f"{ASSETS}/assets/{asset['id']}")
        assert refused(deleted) == (403, "kernel.forbidden")
        assert (await got(client, f"/assets/{asset['id']}"))["status"] == "active"


@pytest.mark.parametrize("scope", ["unit", "department", "own", "all"])
async def test_figures_and_list_agree_in_every_scope(house: House, scope: Scope) -> None:
    """ID-7: one rule behind every read; the figures count what the list shows."""
    unit, department, anna = new_id(), new_id(), new_id()
    async with house.tx("assets", commits=True) as tx:
        await make_asset(tx, unit_id=unit)
        await make_asset(tx, unit_id=unit, department_id=department)
        await make_held(tx, anna, department_id=department)
    claims: dict[str, Any] = {
        "unit_ids": [unit],
        "department_ids": [department],
        "employee_id": anna,
    }
    async with house.client({"assets.*.read": scope}, **claims) as client:
        page = await got(client, "/assets", total="true")
        gone = await got(client, "/assets", total="true", status="disposed")
        figures = await got(client, "/assets/figures")
        assert figures["total"] == page["total"] - gone["total"]
        assert sum(figures["by_status"].values()) == page["total"]
        assert sum(each["assets"] for each in figures["by_category"]) == figures["total"]
        expected = {"unit": 2, "department": 2, "own": 1}
        if scope != "all":
            assert page["total"] == expected[scope]


async def test_a_verb_reaches_no_further_than_its_scope(house: House) -> None:
    """404 before 403: a record outside the scope is not there, and nothing happens to it."""
    unit = new_id()
    async with house.tx("assets", commits=True) as tx:
        inside, outside = await make_asset(tx, unit_id=unit), await make_asset(tx)
    grants: Grants = {"assets.*.read": "all", "assets.*": "unit"}
    async with house.client(grants, unit_ids=[unit]) as client:
        retired = await sent(client, f"/assets/{inside.id}/retire", {}, 200)
        assert retired["status"] == "retired"
        for path, body in (
            (f"/assets/{outside.id}/retire", {}),
            (f"/assets/{outside.id}/scan", {"found_at": "X", "condition": "good"}),
            (f"/assets/{outside.id}/books", {"life_months": 12}),
            ("/assets", {"name": "Laptop"}),
            ("/depreciation/post", {"asset_ids": [str(outside.id)]}),
        ):
            answer = await client.post(f"{ASSETS}{path}", json=body)
            assert refused(answer) == (404, "kernel.not_found"), path
        answer = await client.post(f"{ASSETS}/depreciation/post", json={})
        assert refused(answer) == (403, "kernel.forbidden")
        assert (await got(client, f"/assets/{outside.id}"))["status"] == "active"
        mine = await sent(client, "/assets", {"name": "Laptop", "unit_id": str(unit)})
        assert mine["unit_id"] == str(unit)


async def test_another_tenant_sees_nothing(house: House) -> None:
    """DESIGN 3: a tenant's records are not there for others, by list or by id."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
    async with house.client({"*": "all"}, tenant="globex") as client:
        answer = await client.get(f"{ASSETS}/assets/{asset['id']}")
        assert refused(answer) == (404, "kernel.not_found")
        assert (await got(client, "/assets", ids=asset["id"]))["items"] == []
