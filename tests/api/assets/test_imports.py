"""A register from a file: created, changed, refused row by row, and taken back whole."""

import time
from typing import Any

import httpx2
import pytest

from orrery.kernel.testing import House
from tests.actions.assets.factories import hire
from tests.api.assets.factories import ASSET_MANAGER, ASSETS, got, sent

FILE = """external_id,tag,name,category,serial,cost,currency,purchased_on,specs,location
E-1,IMP-1,ThinkPad,laptop,S-1,1200.00,EUR,2024-01-10,ram_gb=16; os=Linux,Room 1
E-2,IMP-2,MacBook,laptop,S-2,2400.00,EUR,2024-02-10,"{""ram_gb"": 32}",Room 2
E-3,IMP-3,Robot,robot,S-3,10.00,EUR,2024-02-10,,Room 3
E-4,IMP-4,Broken,laptop,S-4,10.00,EUR,2024-02-10,ram_gb=much,Room 4
E-5,,Desk,furniture,,,,,,
"""


async def imported(house: House, client: httpx2.AsyncClient, text: str) -> Any:
    """Send a file and wait until it is taken in."""
    answer = await client.post(
        f"{ASSETS}/assets/imports", content=text.encode(), headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 202, answer.text
    await house.settle()
    return await got(client, f"/assets/imports/{answer.json()['id']}")


async def test_a_file_becomes_a_register(house: House) -> None:
    """TB ERP 4.4: bulk import; INT-3: row errors, upsert by external id."""
    tenant = await house.new_tenant()
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        batch = await imported(house, client, FILE)
        counts = {name: batch[f"rows_{name}"] for name in ("created", "changed", "refused")}
        assert counts == {"created": 3, "changed": 0, "refused": 2}
        errors = (await client.get(f"{ASSETS}/assets/imports/{batch['id']}/errors")).text
        assert "kernel.not_found" in errors
        assert "assets.specs_invalid" in errors
        items = {a["external_id"]: a for a in (await got(client, "/assets"))["items"]}
        assert sorted(items) == ["E-1", "E-2", "E-5"]
        assert items["E-1"]["specs"] == {"ram_gb": 16, "os": "Linux"}
        assert items["E-2"]["specs"] == {"ram_gb": 32}
        assert (items["E-5"]["tag"], items["E-5"]["cost"]) == ("AST-00001", "0.00")
        books = await got(client, "/depreciation-books", asset_id=items["E-1"]["id"])
        assert [(b["code"], b["life_months"]) for b in books["items"]] == [("book", 36)]


async def test_a_second_file_changes_what_the_first_made(house: House) -> None:
    """INT-3: upsert by external id; empty cells stay, cost has its own verb."""
    tenant = await house.new_tenant()
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        await imported(house, client, FILE)
        second = (
            "external_id,tag,name,cost,location,specs\n"
            "E-1,,ThinkPad X1,99.00,,os=Windows\n"
            ",IMP-2,MacBook,,Room 9,\n"
        )
        batch = await imported(house, client, second)
        assert (batch["rows_created"], batch["rows_changed"]) == (0, 2)
        items = {a["external_id"]: a for a in (await got(client, "/assets"))["items"]}
        first = items["E-1"]
        assert (first["name"], first["location"], first["cost"]) == (
            "ThinkPad X1",
            "Room 1",
            "1200.00",
        )
        assert first["specs"] == {"ram_gb": 16, "os": "Windows"}
        assert items["E-2"]["location"] == "Room 9"


async def test_an_import_is_taken_back_whole(house: House) -> None:
    """INT-3: undo; what nobody has touched since goes, and its neighbours are told."""
    tenant = await house.new_tenant()
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        batch = await imported(house, client, FILE)
        undo = f"/assets/imports/{batch['id']}/undo"
        preview = await client.post(f"{ASSETS}{undo}?dry_run=true", json={})
        told = [event["type"] for event in preview.json()["events"]]
        assert told == ["assets.asset_withdrawn.v1"] * 3
        assert (await sent(client, undo, {}, 200))["state"] == "undone"
        assert (await got(client, "/assets"))["items"] == []
        assert (await got(client, "/depreciation-books"))["items"] == []


async def test_an_import_that_is_in_use_stays(house: House) -> None:
    """What happened since cannot be undone with the import, and nothing of it is."""
    anna = await hire(house)
    async with house.client({"*": "all"}) as client:
        batch = await imported(
            house, client, "external_id,name,cost\nUSED-1,Pad,100\nUSED-2,Pad,100\n"
        )
        first = (await got(client, "/assets", external_id="USED-1"))["items"][0]
        await sent(client, f"/assets/{first['id']}/assign", {"employee_id": str(anna)}, 200)
        answer = await client.post(f"{ASSETS}/assets/imports/{batch['id']}/undo", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "kernel.not_undoable")
        page = await got(client, "/assets", external_id=["USED-1", "USED-2"])
        assert len(page["items"]) == 2


@pytest.mark.slow
async def test_a_large_register_is_taken_in_quickly(house: House) -> None:
    """PERF budget: 100,000 rows in under a minute; a tenth of it here, with books and events."""
    tenant = await house.new_tenant()
    rows = [f"R-{n},T-{n:06},Laptop,laptop,{n}.00,2024-01-01,ram_gb=16" for n in range(10_000)]
    text = "external_id,tag,name,category,cost,purchased_on,specs\n" + "\n".join(rows)
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        answer = await client.post(f"{ASSETS}/assets/imports", content=text.encode())
        assert answer.status_code == 202, answer.text
        started = time.monotonic()
        await house.runtime.jobs.drain()
        taken = time.monotonic() - started
        batch = await got(client, f"/assets/imports/{answer.json()['id']}")
    assert (batch["rows_created"], batch["rows_refused"]) == (10_000, 0)
    assert taken < 20
