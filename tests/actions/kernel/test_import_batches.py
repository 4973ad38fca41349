"""INT-3: an import has a life: progress, dry run, cancel, kill and resume, undo."""

import asyncio
import signal
import sys
from typing import Any
from uuid import UUID

import pytest

from orrery.kernel import testing
from orrery.kernel.exchange import batches
from tests.actions.kernel.conftest import BOXES, Desk, as_csv, counts
from tests.actions.kernel.depot import service

# ------------------------------------------------------------------------ the life of a batch


async def test_the_same_key_sends_the_same_file_once(desk: Desk) -> None:
    """Idempotency-Key as elsewhere: the same answer again, another file under it is refused."""
    key = {"Idempotency-Key": "file-1"}
    first = await desk.send("boxes", as_csv(BOXES), headers=key)
    again = await desk.send("boxes", as_csv(BOXES), headers=key)
    other = await desk.send("boxes", as_csv(BOXES).replace("Käfig", "Cage"), headers=key)
    assert (first.status_code, again.json()) == (202, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "kernel.idempotency_key_reused")
    await desk.house.settle()
    assert await desk.value("select count(*) from import_batch") == 1


async def test_imports_are_listed_newest_first_by_cursor(desk: Desk) -> None:
    """Lists answer ``{"items", "next"}``; another resource's imports are not among them."""
    made = [(await desk.take_in("boxes", as_csv(BOXES)))["id"] for _ in range(3)]
    await desk.take_in("items", "title,price\nLamp,1")
    seen, cursor = list[str](), None
    for _ in range(2):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.client.get(desk.url("boxes", "/imports"), params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert (seen, cursor) == (made[::-1], None)


async def test_the_file_is_forgotten_when_it_is_taken_in(desk: Desk) -> None:
    """What a file held lives on in the records and in the refused rows only."""
    sent = await desk.send("boxes", as_csv(BOXES))
    assert (sent.json()["state"], sent.json()["progress"]) == ("queued", 0)
    assert await desk.value("select octet_length(file) from import_batch") == len(
        as_csv(BOXES).encode()
    )
    await desk.house.settle()
    batch = await desk.batch("boxes", sent.json()["id"])
    assert (batch["state"], batch["progress"]) == ("done", 100)
    assert batch["created_at"] <= batch["started_at"] <= batch["finished_at"]
    assert await desk.value("select file from import_batch") is None


async def test_a_dry_run_reports_what_would_happen_and_writes_nothing(desk: Desk) -> None:
    """INT-3 dry run: the same counts and errors, over chunks that build on each other."""
    await desk.take_in("boxes", "code,name\nA,One")
    rows = [["external_id", "title", "price", "box"]]
    rows += [[f"i{n}", f"X{n}" if n % 100 == 7 else f"Item {n}", "1", "A"] for n in range(1100)]
    rows += [["i3", "Item 3 again", "2", ""], ["i9999", "Item 4", "1", ""]]
    before = await desk.value("select count(*) from history")
    rehearsed = await desk.take_in("items", as_csv(rows), dry_run="true")
    assert (rehearsed["state"], rehearsed["dry_run"], rehearsed["progress"]) == ("done", True, 100)
    assert await desk.all("items") == []
    assert await desk.value("select count(*) from history") == before
    assert await desk.value("select count(*) from outbox where tenant = %(t)s", t=desk.tenant) == 0
    real = await desk.take_in("items", as_csv(rows))
    assert counts(rehearsed) == counts(real) == (1102, 1089, 1, 12)
    assert rehearsed["events"] == real["events"] == 1089
    assert await desk.errors("items", rehearsed["id"]) == await desk.errors("items", real["id"])


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> service.Gate:
    """The gate of the depot, closed."""
    closed = service.Gate()
    monkeypatch.setattr(service, "gate", closed)
    return closed


def items_with_gate(count: int, at: int) -> str:
    """A file whose row at a place waits for the gate."""
    rows = [["external_id", "title", "price"]]
    rows += [[f"i{n}", "gate" if n == at else f"Item {n}", "1"] for n in range(count)]
    return as_csv(rows)


async def test_progress_is_visible_and_a_cancel_stops_after_the_chunk_in_hand(
    desk: Desk, gate: service.Gate
) -> None:
    """CRM-5 progress, cancel: what was written stays, nothing more is."""
    sent = await desk.send("items", items_with_gate(1600, at=700))
    id = sent.json()["id"]
    work = asyncio.create_task(desk.run(id))
    await gate.reached()
    seen = await desk.batch("items", id)
    assert (seen["state"], counts(seen), seen["progress"]) == ("running", (500, 500, 0, 0), 31)
    cancel = asyncio.create_task(desk.client.post(desk.url("items", f"/imports/{id}/cancel")))
    await asyncio.sleep(0.2)
    assert not cancel.done()  # it waits for the chunk in hand
    gate.opened.set()
    answer = await cancel
    await work
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert counts(await desk.batch("items", id)) == (1000, 1000, 0, 0)
    assert len(await desk.all("items")) == 1000
    await desk.house.settle()  # the queued job finds nothing to do
    assert await desk.value("select count(*) from item") == 1000
    again = await desk.client.post(desk.url("items", f"/imports/{id}/cancel"))
    assert (again.status_code, again.json()["code"]) == (409, "kernel.wrong_state")
    undone = await desk.client.post(desk.url("items", f"/imports/{id}/undo"))
    assert undone.json()["state"] == "undone"
    assert await desk.all("items") == []


async def test_a_file_that_still_waits_can_be_cancelled(desk: Desk) -> None:
    """A queued file is never opened after its cancel."""
    sent = await desk.send("boxes", as_csv(BOXES))
    answer = await desk.client.post(desk.url("boxes", f"/imports/{sent.json()['id']}/cancel"))
    assert answer.json()["state"] == "cancelled"
    await desk.house.settle()
    assert await desk.all("boxes") == []
    assert await desk.value("select file from import_batch") is None


@pytest.mark.parametrize("dry_run", ["false", "true"])
async def test_a_killed_worker_is_taken_up_without_doubling(
    desk: Desk, gate: service.Gate, dry_run: str
) -> None:
    """INT-3 resume: the chunk in hand is undone by the database, the finished ones stay."""
    sent = await desk.send("items", items_with_gate(1600, at=1200), dry_run=dry_run)
    id = sent.json()["id"]
    work = asyncio.create_task(desk.run(id))
    await gate.reached()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    seen = await desk.batch("items", id)
    assert (seen["state"], counts(seen)) == ("running", (1000, 1000, 0, 0))
    gate.opened.set()
    await desk.run(id)
    assert counts(await desk.batch("items", id)) == (1600, 1600, 0, 0)
    assert (await desk.batch("items", id))["state"] == "done"
    kept = 0 if dry_run == "true" else 1600
    assert await desk.value("select count(*) from item") == kept
    assert await desk.value("select count(distinct record_id) from history") == 2 * kept


async def test_kill_9_of_the_worker_and_another_one_takes_the_file_up(
    depot: testing.House, desk: Desk, gate: service.Gate
) -> None:
    """The job of a worker that is really dead is queued again and loses and doubles nothing."""
    sent = await desk.send("items", items_with_gate(1600, at=1200))
    id = sent.json()["id"]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.actions.kernel.depot.background", depot.url
    )
    while (await desk.batch("items", id))["rows_read"] < 1000:
        assert worker.returncode is None
        await asyncio.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    async with depot.runtime.jobs.app.open_async():
        assert await depot.runtime.jobs.sweep(silent_seconds=60) == 0  # it may still live
        assert await depot.runtime.jobs.sweep(silent_seconds=0) == 1
    gate.opened.set()
    await depot.settle()
    batch = await desk.batch("items", id)
    assert (batch["state"], counts(batch)) == ("done", (1600, 1600, 0, 0))
    assert await desk.value("select count(*) from item") == 1600
    assert await desk.value("select count(*) from label") == 1600


async def test_a_tenants_files_are_taken_in_one_at_a_time(desk: Desk, gate: service.Gate) -> None:
    """A second file waits for its turn instead of holding a second place of the worker."""
    first = (await desk.send("items", items_with_gate(2, at=1))).json()["id"]
    second = (await desk.send("boxes", as_csv(BOXES))).json()["id"]
    work = asyncio.create_task(desk.run(first))
    await gate.reached()
    await desk.run(second)
    assert (await desk.batch("boxes", second))["state"] == "queued"
    gate.opened.set()
    await work
    await desk.run(second)
    assert (await desk.batch("boxes", second))["state"] == "done"


# --------------------------------------------------------------------------------------- undo


async def undo(desk: Desk, resource: str, id: str) -> Any:
    """Ask for an undo."""
    return await desk.client.post(desk.url(resource, f"/imports/{id}/undo"))


async def test_undo_brings_everything_back(desk: Desk) -> None:
    """INT-3 undo of a whole import: created records go, changed ones are as they were."""
    await desk.take_in("boxes", as_csv(BOXES))
    before = await desk.all("boxes")
    batch = await desk.take_in(
        "boxes", "code,name,weight,tags\n1001,Cage,,[]\nNEW,New,1,[]\n1001,Cage 2,7,"
    )
    assert counts(batch) == (3, 1, 2, 0)
    answer = await undo(desk, "boxes", batch["id"])
    assert (answer.status_code, answer.json()["state"]) == (200, "undone")
    after = await desk.all("boxes")
    assert [box | {"version": 0} for box in after] == [box | {"version": 0} for box in before]
    # A version is never used twice, or an If-Match from between would hold.
    assert [box["version"] for box in after] == [4, 1]
    again = await undo(desk, "boxes", batch["id"])
    assert (again.status_code, again.json()["code"]) == (409, "kernel.wrong_state")


async def test_undo_reaches_the_lines_and_tells_the_neighbours(desk: Desk) -> None:
    """What an action wrote besides the record goes too, and ``undone`` announces it."""
    batch = await desk.take_in("items", "external_id,title,price\ni1,Lamp,1\ni2,Table,2")
    assert await desk.value("select count(*) from label") == 2
    assert (await undo(desk, "items", batch["id"])).status_code == 200
    assert await desk.value("select count(*) from label") == 0
    assert await desk.value("select count(*) from item") == 0
    told = await desk.value(
        "select array_agg(data->>'title' order by seq) from outbox"
        " where name = 'depot.item_given_back.v1' and tenant = %(t)s",
        t=desk.tenant,
    )
    assert told == ["Lamp", "Table"]


async def test_undo_is_refused_when_a_record_was_changed_later(desk: Desk) -> None:
    """Refused whole, with the list: nothing of the import is taken back."""
    batch = await desk.take_in("boxes", as_csv(BOXES))
    first = (await desk.all("boxes"))[0]
    changed = await desk.client.patch(
        desk.url("boxes", f"/{first['id']}"),
        json={"name": "Mine now"},
        headers={"X-Request-ID": "later"},
    )
    assert changed.status_code == 200
    answer = await undo(desk, "boxes", batch["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "kernel.not_undoable")
    assert answer.json()["facts"] == {
        "reason": "changed_later",
        "records": [{"table": "box", "id": first["id"], "request_id": "later"}],
    }
    assert [box["name"] for box in await desk.all("boxes")] == ["Mine now", 'Box; large, "oak"']
    assert (await desk.batch("boxes", batch["id"]))["state"] == "done"


async def test_nobody_slips_a_change_into_an_import(desk: Desk) -> None:
    """The request id of an import is its own, so another request under it is a later change."""
    batch = await desk.take_in("boxes", as_csv(BOXES))
    first = (await desk.all("boxes"))[0]
    await desk.client.patch(
        desk.url("boxes", f"/{first['id']}"),
        json={"name": "Mine now"},
        headers={"X-Request-ID": f"import:{batch['id']}"},
    )
    answer = await undo(desk, "boxes", batch["id"])
    assert (answer.status_code, answer.json()["facts"]["reason"]) == (409, "changed_later")
    assert len(await desk.all("boxes")) == 2


async def test_undo_is_refused_when_a_record_is_referred_to(desk: Desk) -> None:
    """A box that an article lies in cannot be taken back, and the other box stays too."""
    boxes = await desk.take_in("boxes", as_csv(BOXES))
    await desk.take_in("items", "title,price,box\nLamp,1,1001")
    [item] = await desk.all("items")
    answer = await undo(desk, "boxes", boxes["id"])
    assert answer.status_code == 409
    assert answer.json()["facts"] == {
        "reason": "referenced",
        "records": [
            {"table": "box", "id": item["box_id"], "by_table": "item", "by_id": item["id"]}
        ],
    }
    assert len(await desk.all("boxes")) == 2


async def test_undo_is_refused_when_a_ledger_was_written(desk: Desk) -> None:
    """STYLE rule 24: posted is forever; a ledger takes reversals, no deletes."""
    batch = await desk.take_in("items", "title,price,is_moved\nLamp,1,true\nTable,2,false")
    answer = await undo(desk, "items", batch["id"])
    assert (answer.status_code, answer.json()["facts"]) == (
        409,
        {"reason": "ledger", "tables": ["movement"]},
    )
    assert len(await desk.all("items")) == 2


async def test_undo_gives_a_code_back_to_the_record_that_had_it(desk: Desk) -> None:
    """A became C and a new A took its place; inverted from the last change to the first, neither
    is in the other's way."""
    await desk.take_in("boxes", "external_id,code,name\nx,A,One\n,B,Two")
    ids = {box["code"]: box["id"] for box in await desk.all("boxes")}
    batch = await desk.take_in("boxes", "external_id,code,name\nx,C,One\ny,A,New A")
    assert counts(batch) == (2, 1, 1, 0)
    assert (await undo(desk, "boxes", batch["id"])).status_code == 200
    assert {b["code"]: b["id"] for b in await desk.all("boxes")} == ids


@pytest.mark.parametrize("told", ["true", "1", "yes"])
async def test_a_dry_run_of_an_undo_changes_nothing(desk: Desk, told: str) -> None:
    """``dry_run`` at the edge, as for every other write, in each spelling that is taken."""
    batch = await desk.take_in("boxes", as_csv(BOXES))
    answer = await desk.client.post(
        desk.url("boxes", f"/imports/{batch['id']}/undo"), params={"dry_run": told}
    )
    assert (answer.json()["dry_run"], answer.json()["result"]["state"]) == (True, "undone")
    assert len(await desk.all("boxes")) == 2


def test_the_states_of_an_import_are_a_sound_table() -> None:
    """STYLE rule 10: every state can be reached."""
    assert batches.STATES.unreachable() == set()
    assert set(batches.ENDED) | {"queued", "running"} == batches.STATES.states


def test_the_id_of_an_import_fits_into_a_request_id() -> None:
    """The edge takes request ids of at most 64 characters."""
    assert len(batches.REQUEST.format(UUID(int=0))) == 43
