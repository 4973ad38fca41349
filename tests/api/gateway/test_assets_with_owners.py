"""The composed view on the real services: assets, people and identity as they are."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope

VIEW = "/api/v1/views/assets-with-owners"
ALL: dict[str, Scope] = {"assets.*": "all", "people.*": "all"}


@pytest.fixture
def whole(house: House) -> House:
    """A house with every service that the view is composed of."""
    missing = {"assets", "people", "gateway"} - set(house.runtime.apps)
    if missing:
        pytest.skip(f"runs with {', '.join(sorted(missing))}")
    return house


def client(house: House, grants: dict[str, Scope], **claims: Any) -> httpx2.AsyncClient:
    """A client of the gateway, which calls the other services in this process."""
    token = house.token(grants, **claims)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=house.runtime.apps["gateway"]),
        base_url="http://gateway",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


async def given_asset(through: httpx2.AsyncClient, employee_id: str | None) -> str:
    made = await through.post("/api/v1/assets/assets", json={"name": f"Laptop {uuid4()}"})
    assert made.status_code == 201, made.text
    id: str = made.json()["id"]
    if employee_id is not None:
        path = f"/api/v1/assets/assets/{id}/assign"
        given = await through.post(path, json={"employee_id": employee_id})
        assert given.status_code == 200, given.text
    return id


async def hired(through: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    draft = {"first_name": name, "last_name": "Test", "email": f"{uuid4()}@acme.example"}
    made = await through.post("/api/v1/people/employees", json=draft)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


async def test_assets_come_with_their_owners(whole: House) -> None:
    """Seed 4, section 7, on the real services."""
    async with client(whole, ALL) as through:
        ada, grace = await hired(through, "Ada"), await hired(through, "Grace")
        ids = [
            await given_asset(through, holder)
            for holder in (ada["id"], None, grace["id"], ada["id"])
        ]
        answer = await through.get(VIEW, params={"ids": ",".join(ids), "sort": "id"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["missing"] == []
    by_id = {item["id"]: item for item in told["items"]}
    names = [by_id[id]["owner"] and by_id[id]["owner"]["full_name"] for id in ids]
    assert names == ["Ada Test", None, "Grace Test", "Ada Test"]
    owner = by_id[ids[0]]["owner"]
    assert (owner["id"], owner["code"], owner["email"]) == (ada["id"], ada["code"], ada["email"])
    assert sorted(owner) == [
        "code",
        "department_id",
        "department_name",
        "email",
        "full_name",
        "id",
    ]


async def test_filters_and_pages_of_assets_are_those_of_the_view(whole: House) -> None:
    async with client(whole, ALL) as through:
        ada = await hired(through, "Ada")
        ids = sorted([await given_asset(through, ada["id"]) for _ in range(3)])
        query = {"assigned_employee_id": ada["id"], "limit": "2", "sort": "id", "total": "true"}
        first = (await through.get(VIEW, params=query)).json()
        assert (len(first["items"]), first["total"]) == (2, 3)
        second = (await through.get(VIEW, params=query | {"cursor": first["next"]})).json()
        assert [item["id"] for item in first["items"] + second["items"]] == ids
        assert second["next"] is None
        wrong = await through.get(VIEW, params={"nonsense": "1"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "kernel.malformed")


async def test_own_records_only_means_own_assets_with_oneself_as_owner(whole: House) -> None:
    """Seed 4, section 6: the employee reads own records, in the composed view too."""
    own: dict[str, Scope] = {"assets.*.read": "own", "people.*.read": "own"}
    async with client(whole, ALL) as through:
        ada, grace = await hired(through, "Ada"), await hired(through, "Grace")
        mine, _ = await given_asset(through, ada["id"]), await given_asset(through, grace["id"])
    async with client(whole, own, employee_id=ada["id"]) as through:
        told = (await through.get(VIEW)).json()
    assert [(item["id"], item["owner"]["id"]) for item in told["items"]] == [(mine, ada["id"])]
    assert told["missing"] == []


async def test_who_may_not_see_employees_gets_assets_without_owners(whole: House) -> None:
    async with client(whole, ALL) as through:
        ada = await hired(through, "Ada")
        id = await given_asset(through, ada["id"])
    async with client(whole, {"assets.*": "all"}) as through:
        told = (await through.get(VIEW, params={"ids": id})).json()
    assert told["missing"] == ["people"]
    assert (told["items"][0]["assigned_employee_id"], told["items"][0]["owner"]) == (
        ada["id"],
        None,
    )
