"""The feed over the API: filters, scope, paging, export (AUD-1 as far as the feed goes)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest

from orrery.contracts.identity import UserCreated
from orrery.contracts.people import EmployeeHired
from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope

PATH = "/api/v1/activity/entries"


@dataclass
class Feed:
    """Two users; Ann hired three people on three days, Ben one."""

    tenant: str
    ann: UUID
    ben: UUID
    subjects: list[UUID]
    admin: httpx2.AsyncClient


@pytest.fixture(scope="module")
async def feed(house: House) -> AsyncIterator[Feed]:
    tenant = await house.new_tenant()
    ann, ben, subjects = new_id(), new_id(), [new_id() for _ in range(4)]
    async with house.tx("identity", tenant=tenant, commits=True) as tx:
        tx.announce(UserCreated(ann, "ann@x.example", "Ann Lee", None))
    for number, subject in enumerate(subjects):
        day = f"2026-11-0{number + 1}"
        clock.set(clock.now().fromisoformat(f"{day}T12:00:00+00:00"))
        who = ben if number == 3 else ann
        async with house.tx("people", tenant=tenant, commits=True, user_id=who) as tx:
            name = ("Adele", "Boris", "Carla", "Dmitri")[number]
            tx.announce(EmployeeHired(subject, f"E-{number}", name, None, None, tx.caller.today))
    clock.set(None)
    await house.settle()
    async with house.client({"activity.*": "all"}, tenant=tenant) as admin:
        yield Feed(tenant, ann, ben, subjects, admin)


async def found(client: httpx2.AsyncClient, query: str) -> list[str]:
    response = await client.get(f"{PATH}?name=people.employee_hired.v1&{query}")
    assert response.status_code == 200, response.text
    return [item["data"]["code"] for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", ["E-3", "E-2", "E-1", "E-0"]),
        ("sort=at", ["E-0", "E-1", "E-2", "E-3"]),
        ("service=people", ["E-3", "E-2", "E-1", "E-0"]),
        ("service=assets", []),
        ("at_from=2026-11-02T12:00:00%2B00:00", ["E-3", "E-2", "E-1"]),
        ("at_to=2026-11-02T12:00:00%2B00:00", ["E-1", "E-0"]),
        ("q=carla", ["E-2"]),
        ("q=lee", ["E-2", "E-1", "E-0"]),
    ],
)
async def test_entries_are_filtered_by_kind_time_and_words_newest_first(
    feed: Feed, query: str, codes: list[str]
) -> None:
    assert await found(feed.admin, f"sort=-at&{query}" if "sort" not in query else query) == codes


async def test_entries_are_filtered_by_record_and_by_user(feed: Feed) -> None:
    assert await found(feed.admin, f"subject={feed.subjects[2]}") == ["E-2"]
    assert await found(feed.admin, f"user_id={feed.ben}") == ["E-3"]


async def test_pages_follow_each_other_newest_first(feed: Feed) -> None:
    codes: list[str] = []
    cursor: str | None = ""
    for _ in range(4):
        query = f"name=people.employee_hired.v1&sort=-at&limit=1&cursor={cursor}"
        page = (await feed.admin.get(f"{PATH}?{query.removesuffix('&cursor=')}")).json()
        codes += [item["data"]["code"] for item in page["items"]]
        cursor = page["next"]
    assert (codes, cursor) == (["E-3", "E-2", "E-1", "E-0"], None)


async def test_an_entry_tells_who_did_it_by_name(feed: Feed) -> None:
    page = (await feed.admin.get(f"{PATH}?subject={feed.subjects[0]}")).json()
    entry = page["items"][0]
    assert (entry["user_id"], entry["user_name"]) == (str(feed.ann), "Ann Lee")
    assert entry["summary"] == "Adele (E-0) was hired for 2026-11-01"
    one = await feed.admin.get(f"{PATH}/{entry['id']}")
    assert one.json()["at"] == "2026-11-01T12:00:00+00:00"


async def test_with_own_scope_the_feed_is_what_one_did_oneself(house: House, feed: Feed) -> None:
    """Permission activity.entry.read, own = actor is me; others' entries are not there (404)."""
    own: dict[str, Scope] = {"activity.entry.read": "own"}
    async with house.client(own, tenant=feed.tenant, user_id=feed.ben) as ben:
        page = (await ben.get(PATH)).json()
        assert [item["data"]["code"] for item in page["items"]] == ["E-3"]
        others = (await feed.admin.get(f"{PATH}?subject={feed.subjects[0]}")).json()["items"][0]
        assert (await ben.get(f"{PATH}/{others['id']}")).status_code == 404


async def test_without_the_permission_there_is_no_feed(house: House, feed: Feed) -> None:
    async with house.client({"people.*": "all"}, tenant=feed.tenant) as client:
        refused = await client.get(PATH)
    assert (refused.status_code, refused.json()["code"]) == (403, "kernel.forbidden")
    async with house.client(tenant=feed.tenant) as stranger:
        assert (await stranger.get(PATH)).status_code == 401


async def test_another_tenant_sees_nothing_of_it(house: House, feed: Feed) -> None:
    async with house.client({"*": "all"}, tenant="globex") as client:
        assert await found(client, f"subject={feed.subjects[0]}") == []


async def test_the_feed_is_exported_with_the_same_filters(feed: Feed) -> None:
    response = await feed.admin.get(f"{PATH}/export?format=csv&user_id={feed.ben}")
    lines = response.text.splitlines()
    assert (response.status_code, len(lines)) == (200, 2)
    assert "Dmitri (E-3) was hired for 2026-11-04" in lines[1]


async def test_the_feed_takes_no_writes(feed: Feed) -> None:
    entry = (await feed.admin.get(PATH)).json()["items"][0]["id"]
    for verb in ("POST", "PATCH", "PUT", "DELETE"):
        for path in (PATH, f"{PATH}/{entry}"):
            assert (await feed.admin.request(verb, path, json={})).status_code == 405
