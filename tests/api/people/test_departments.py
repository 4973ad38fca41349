"""Departments over the API: made, changed, put away, read in a narrower scope."""

import httpx2

from orrery.kernel.testing import House
from tests.api.people.staff import PEOPLE, get, hire, post, refused


async def test_a_department_is_made_changed_put_away_and_brought_back(
    hr: httpx2.AsyncClient,
) -> None:
    made = await post(hr, "/departments", {"code": "LEG", "name": "Legal"})
    path = f"/departments/{made['id']}"
    changed = await hr.patch(f"{PEOPLE}{path}", json={"name": "Law"})
    assert (changed.json()["name"], changed.headers["ETag"]) == ("Law", '"2"')
    assert (await post(hr, f"{path}/archive", status=200))["is_archived"] is True
    listed = (await get(hr, "/departments?is_archived=false"))["items"]
    assert made["id"] not in {item["id"] for item in listed}
    assert (await post(hr, f"{path}/restore", status=200))["is_archived"] is False


async def test_the_list_counts_who_works_there(hr: httpx2.AsyncClient) -> None:
    made = await post(hr, "/departments", {"code": "LEG", "name": "Legal"})
    ann = await hire(hr, "Ann", department_id=made["id"])
    await hire(hr, "Ben", department_id=made["id"])
    await hr.delete(f"{PEOPLE}/employees/{ann['id']}")
    (listed,) = (await get(hr, "/departments?code=LEG"))["items"]
    assert listed["employees"] == 1
    assert listed == await get(hr, f"/departments/{made['id']}")


async def test_refusals_name_their_reason_and_change_nothing(hr: httpx2.AsyncClient) -> None:
    made = await post(hr, "/departments", {"code": "LEG", "name": "Legal"})
    path = f"/departments/{made['id']}"
    await hire(hr, "Ann", department_id=made["id"])
    for verb, where, body, expected in (
        (
            "POST",
            "/departments",
            {"code": "LEG", "name": "x"},
            (409, "people.department_code_taken"),
        ),
        ("PATCH", path, {"parent_id": made["id"]}, (409, "people.department_cycle")),
        ("POST", f"{path}/archive", None, (409, "people.department_in_use")),
        ("PATCH", path, {"code": None}, (422, "kernel.malformed")),
        ("PATCH", path, {"is_archived": True}, (422, "kernel.malformed")),
    ):
        assert await refused(hr, verb, where, body) == expected
    assert await get(hr, path) == made | {"employees": 1}


async def test_an_employee_sees_the_own_department(
    house: House, hr: httpx2.AsyncClient, tenant: str
) -> None:
    made = await post(hr, "/departments", {"code": "LEG", "name": "Legal"})
    ann = await hire(hr, "Ann", department_id=made["id"])
    async with house.client(
        {"people.*.read": "own"}, tenant=tenant, employee_id=ann["id"]
    ) as client:
        listed = (await get(client, "/departments"))["items"]
        assert [item["code"] for item in listed] == ["LEG"]
        others = (await get(hr, "/departments?code=IT"))["items"]
        await get(client, f"/departments/{others[0]['id']}", 404)
