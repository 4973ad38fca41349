"""Reference tables: create, change, archive, restore from one declaration (DESIGN 4)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

import httpx2
import pytest
from pydantic import Field

from orrery.kernel import reference, testing
from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.kernel.schemas import Draft
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from tests.toy.service import SERVICE, THING_READ, THING_WRITE, Color, ColorView

ALL: dict[str, Scope] = {"*": "all"}
PAINTS = "/api/v1/toy/paints"


class PaintDraft(Draft):
    """A color with limits and a field that may be empty."""

    code: Annotated[str, Field(min_length=1, max_length=5, pattern=r"^[a-z0-9]+$")]
    name: str = Field(min_length=1)
    external_id: Annotated[str, Field(max_length=5)] | None = None


class PaintView(ColorView):
    """A color with its foreign key."""

    external_id: str | None


PAINTING = ReferenceTable(
    name="paint", path="/paints", table=Color, view=PaintView, draft=PaintDraft,
    may_read=THING_READ, may_write=THING_WRITE,
)  # fmt: skip


@pytest.fixture(scope="module")
async def shop(toy_house: House) -> AsyncIterator[House]:
    """The toy with a stricter list of colors."""
    toy = replace(SERVICE, routers=[*SERVICE.routers, reference_routes(PAINTING)])
    async with testing.house(toy_house.url, services={"toy": toy}, tenants=[]) as opened:
        yield opened


@pytest.fixture
async def client(shop: House) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who may do everything, in an empty tenant."""
    async with shop.client(ALL, tenant=await shop.new_tenant()) as opened:
        yield opened


async def _make(client: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post(PAINTS, json={"code": "red", "name": "Red"} | values)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_record_is_made_read_and_listed(client: httpx2.AsyncClient) -> None:
    """What was sent comes back, stripped, active and in its first version."""
    made = await _make(client, code=" red ", external_id="x1")
    assert {name: made[name] for name in made if name != "id"} == {
        "code": "red", "name": "Red", "is_archived": False, "version": 1, "external_id": "x1",
    }  # fmt: skip
    assert (await client.get(f"{PAINTS}/{made['id']}")).json() == made
    for query in ("code=red", "external_id=x1", "q=re", "is_archived=false"):
        assert (await client.get(f"{PAINTS}?{query}")).json()["items"] == [made], query
    assert (await client.get(f"{PAINTS}?is_archived=true")).json()["items"] == []


async def test_a_code_or_foreign_key_that_is_taken_is_refused(client: httpx2.AsyncClient) -> None:
    """Unique within the tenant, also by a change; nothing is written."""
    made = await _make(client, external_id="x1")
    other = await _make(client, code="blue")
    answers = [
        await client.post(PAINTS, json={"code": "red", "name": "Again"}),
        await client.post(PAINTS, json={"code": "new", "name": "New", "external_id": "x1"}),
        await client.patch(f"{PAINTS}/{other['id']}", json={"code": "red"}),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "kernel.duplicate")] * 3
    assert [a.json()["facts"]["field"] for a in answers] == ["code", "external_id", "code"]
    assert (await client.get(f"{PAINTS}?sort=code")).json()["items"] == [other, made]


async def test_a_change_touches_what_is_sent_and_nothing_else(client: httpx2.AsyncClient) -> None:
    """PATCH: one field, a null where that may be, an empty change that is none."""
    made = await _make(client, external_id="x1")
    url = f"{PAINTS}/{made['id']}"
    changed = await client.patch(url, json={"name": "Crimson"})
    assert changed.json() == made | {"name": "Crimson", "version": 2}
    assert changed.headers["ETag"] == '"2"'
    cleared = (await client.patch(url, json={"external_id": None})).json()
    assert cleared == made | {"name": "Crimson", "external_id": None, "version": 3}
    assert (await client.patch(url, json={})).json() == cleared
    assert (await client.get(url)).json() == cleared


BAD: list[dict[str, Any]] = [
    {"code": None}, {"name": None}, {"code": ""}, {"code": "toolong"}, {"code": "Red"},
    {"name": "  "}, {"external_id": "toolong"}, {"is_archived": True}, {"version": 9},
    {"id": "01900000-0000-7000-8000-000000000000"}, {"code": 1}, {"colour": "x"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_what_may_not_be_created_may_not_be_changed_to(
    client: httpx2.AsyncClient, bad: dict[str, Any]
) -> None:
    """The draft's limits hold for POST and PATCH alike; nothing changes."""
    made = await _make(client)
    url = f"{PAINTS}/{made['id']}"
    answers = [
        await client.post(PAINTS, json={"code": "new", "name": "New"} | bad),
        await client.patch(url, json=bad),
    ]
    told = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert told == [(422, "kernel.malformed")] * 2
    assert (await client.get(PAINTS)).json()["items"] == [made]


async def test_a_change_without_the_limits_of_the_draft_lets_anything_in(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the test above bites: leave the limits out, and a bad code is taken."""
    monkeypatch.setattr(reference, "_limited", lambda info: info.annotation)
    toy = replace(SERVICE, routers=[reference_routes(PAINTING)])
    async with (
        testing.house(shop.url, services={"toy": toy}, tenants=[]) as loose,
        loose.client(ALL, tenant=await loose.new_tenant()) as client,
    ):
        made = await _make(client)
        answer = await client.patch(f"{PAINTS}/{made['id']}", json={"code": "Too Long"})
    assert (answer.status_code, answer.json()["code"]) == (200, "Too Long")


async def test_a_record_is_archived_and_restored_and_never_deleted(
    client: httpx2.AsyncClient,
) -> None:
    """Archiving hides from new documents; the record, its code and its history stay."""
    made = await _make(client)
    url = f"{PAINTS}/{made['id']}"
    assert (await client.post(f"{url}/archive")).json() == made | {
        "is_archived": True,
        "version": 2,
    }
    assert [
        i["code"] for i in (await client.get(f"{PAINTS}?is_archived=true")).json()["items"]
    ] == ["red"]
    assert (await client.post(PAINTS, json={"code": "red", "name": "x"})).status_code == 409
    assert (await client.post(f"{url}/restore")).json() == made | {"version": 3}
    assert (await client.delete(url)).status_code == 405
    lines = (await client.get(f"{url}/timeline")).json()["items"]
    assert [line["changes"].get("is_archived") for line in lines] == [
        [True, False],
        [False, True],
        [None, False],
    ]


@pytest.mark.parametrize("verb", ["patch", "archive", "restore"])
@pytest.mark.parametrize("header, status", [('"1"', 412), ('"2"', 200), ("x", 412), ("*", 200)])
async def test_a_stale_version_changes_nothing(
    client: httpx2.AsyncClient, verb: str, header: str, status: int
) -> None:
    """If-Match on every verb: the second writer of a version is told so."""
    made = await _make(client)
    url = f"{PAINTS}/{made['id']}"
    before = (await client.patch(url, json={"name": "Newer"})).json()
    headers = {"If-Match": header}
    if verb == "patch":
        answer = await client.patch(url, json={"name": "Newest"}, headers=headers)
    else:
        answer = await client.post(f"{url}/{verb}", headers=headers)
    assert answer.status_code == status
    now = (await client.get(url)).json()
    assert (now == before) is (status == 412)
    assert now["version"] == (2 if status == 412 else 3)


async def test_an_empty_change_still_looks_at_the_version(client: httpx2.AsyncClient) -> None:
    """Nothing to write is no reason to accept a stale version."""
    made = await _make(client)
    url = f"{PAINTS}/{made['id']}"
    told = [
        (await client.patch(url, json={}, headers={"If-Match": f'"{n}"'})).status_code
        for n in (1, 2)
    ]
    assert told == [200, 412]


async def test_who_may_only_read_writes_nothing(shop: House) -> None:
    """403 for every verb; an unknown record is 404 for those who may."""
    tenant = await shop.new_tenant()
    async with shop.client(ALL, tenant=tenant) as client:
        made = await _make(client)
        missing = f"{PAINTS}/{new_id()}"
        told = [
            (await client.patch(missing, json={"name": "x"})).status_code,
            (await client.post(f"{missing}/archive")).status_code,
            (await client.get(missing)).status_code,
        ]
        assert told == [404] * 3
    async with shop.client({"toy.*.read": "all"}, tenant=tenant) as client:
        url = f"{PAINTS}/{made['id']}"
        told = [
            (await client.post(PAINTS, json={"code": "x", "name": "x"})).status_code,
            (await client.patch(url, json={"name": "x"})).status_code,
            (await client.post(f"{url}/archive")).status_code,
            (await client.post(f"{url}/restore")).status_code,
        ]
        assert told == [403] * 4
        assert (await client.get(PAINTS)).json()["items"] == [made]
