"""The write edge: commit before reply, idempotency, dry run, versions, refusals (DESIGN 4)."""

import asyncio
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from starlette.responses import Response

from orrery.kernel import http
from orrery.kernel.db import NotCommitted, Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from tests.toy.service import Thing

ALL: dict[str, Scope] = {"*": "all"}


async def _count(house: House, tag: str) -> int:
    async with house.tx("toy") as tx:
        return len(await tx.all(Thing, tag=tag))


async def _seen_at_reply(house: House) -> int:
    """Make a thing; at the very first byte of the reply, count it on another connection."""
    tag, found = str(new_id()), -1
    body = f'{{"tag": "{tag}", "cost": "1"}}'.encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal found
        if message["type"] == "http.response.start":
            assert message["status"] == 201
            found = await _count(house, tag)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": "/api/v1/toy/things", "raw_path": b"", "query_string": b"", "scheme": "http",
        "server": ("house", 80), "client": ("127.0.0.1", 1), "root_path": "",
        "headers": [
            (b"authorization", f"Bearer {house.token({'*': 'all'})}".encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
    }  # fmt: skip
    await house(scope, receive, send)
    return found


async def test_the_write_is_committed_before_the_first_byte_of_the_reply(toy_house: House) -> None:
    """STYLE rule 17: another connection sees the row when the 201 starts to leave."""
    assert await _seen_at_reply(toy_house) == 1


async def test_an_edge_that_replies_first_is_caught(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the test above bites: commit after the reply and nothing is seen."""

    late: list[asyncio.Task[Any]] = []
    committed = http.Work.finish

    async def reply_first(self: http.Work, response: Response) -> Response:
        work, manager = self._transaction, self._manager

        async def later() -> None:
            await asyncio.sleep(0.2)
            self._transaction = work
            await committed(self, response)
            await manager.__aexit__(None, None, None)

        late.append(asyncio.create_task(later()))
        return response

    async def keep(self: http.Work) -> None:
        self._request.state.work = None

    monkeypatch.setattr(http.Work, "finish", reply_first)
    monkeypatch.setattr(http.Work, "close", keep)
    assert await _seen_at_reply(toy_house) == 0
    await asyncio.gather(*late)


async def test_a_commit_that_fails_is_no_success(toy_house: House) -> None:
    """A deferred constraint speaks at commit: the answer is its refusal, never a 201."""
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute(
            "create or replace function orrery.never() returns trigger language plpgsql as"
            " $$ begin raise exception 'unbalanced' using errcode = '23514',"
            " constraint = 'ck_thing_balanced'; end $$;"
            "create constraint trigger never after insert on acme__toy.thing"
            " deferrable initially deferred for each row when (new.tag = 'unbalanced')"
            " execute function orrery.never()"
        )
    async with toy_house.client(ALL) as client:
        answer = await client.post("/api/v1/toy/things", json={"tag": "unbalanced", "cost": "1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "kernel.rule_broken")
    assert await _count(toy_house, "unbalanced") == 0
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute("drop trigger never on acme__toy.thing")


async def test_the_same_key_and_input_gives_the_same_answer_once(toy_house: House) -> None:
    """Idempotency-Key: twenty at once make one record and get one answer."""
    tag, headers = str(new_id()), {"Idempotency-Key": str(new_id())}
    async with toy_house.client(ALL) as client:
        answers = await asyncio.gather(
            *(
                client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"}, headers=headers)
                for _ in range(20)
            )
        )
    assert {a.status_code for a in answers} == {201}
    assert len({a.text for a in answers}) == 1
    assert sum("Idempotent-Replayed" in a.headers for a in answers) == 19
    assert await _count(toy_house, tag) == 1


async def test_the_same_key_with_other_input_is_refused(toy_house: House) -> None:
    """ "same key with other input is 409" (DESIGN 4), and nothing is written."""
    headers, other = {"Idempotency-Key": str(new_id())}, str(new_id())
    async with toy_house.client(ALL) as client:
        first = {"tag": str(new_id()), "cost": "1"}
        assert (await client.post("/api/v1/toy/things", json=first, headers=headers)).is_success
        answer = await client.post(
            "/api/v1/toy/things", json={"tag": other, "cost": "1"}, headers=headers
        )
    assert (answer.status_code, answer.json()["code"]) == (409, "kernel.idempotency_key_reused")
    assert await _count(toy_house, other) == 0


async def test_a_key_belongs_to_one_user_of_one_tenant(toy_house: House) -> None:
    """Two users may use the same key; neither sees the other's answer."""
    headers = {"Idempotency-Key": str(new_id())}
    for tenant in ("acme", "acme", "globex"):
        async with toy_house.client(ALL, tenant=tenant) as client:
            tag = str(new_id())
            answer = await client.post(
                "/api/v1/toy/things", json={"tag": tag, "cost": "1"}, headers=headers
            )
            assert answer.json()["tag"] == tag


async def test_a_refused_request_does_not_use_up_its_key(toy_house: House) -> None:
    """A refusal rolls back, the key with it: the corrected request may use it again."""
    headers, tag = {"Idempotency-Key": str(new_id())}, str(new_id())
    async with toy_house.client(ALL) as client:
        bad = await client.post(
            "/api/v1/toy/things", json={"tag": tag, "cost": "-1"}, headers=headers
        )
        assert bad.status_code == 409
        good = await client.post(
            "/api/v1/toy/things", json={"tag": tag, "cost": "1"}, headers=headers
        )
        assert good.status_code == 201


async def test_a_dry_run_tells_what_would_follow_and_changes_nothing(toy_house: House) -> None:
    """dry_run=true runs the whole action, answers result and events, and rolls back."""
    tag = str(new_id())
    async with toy_house.client(ALL) as client:
        answer = await client.post(
            "/api/v1/toy/things?dry_run=true", json={"tag": tag, "cost": "12.50"}
        )
        told = answer.json()
        assert told["result"]["cost"] == "12.50"
        assert [e["type"] for e in told["events"]] == ["toy.thing_made.v1"]
        assert told["events"][0]["data"]["cost"] == "12.50"
    assert await _count(toy_house, tag) == 0
    async with toy_house.tx("toy") as tx:
        found = await tx.value("select count(*) from outbox where data->>'tag' = %(tag)s", tag=tag)
        assert found == 0


@pytest.mark.parametrize(
    "header, status", [('"1"', 200), ('"2"', 412), ("nonsense", 412), ('W/"1"', 200), ("*", 200)]
)
async def test_a_stale_write_is_412_and_nothing_changes(
    toy_house: House, header: str, status: int
) -> None:
    """If-Match against the version; "a stale write is 412 and nothing changes"."""
    tag = str(new_id())
    async with toy_house.client(ALL) as client:
        made = (await client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"})).json()
        url = f"/api/v1/toy/things/{made['id']}"
        answer = await client.post(f"{url}/rename?tag={tag}-new", headers={"If-Match": header})
        assert answer.status_code == status
        now = await client.get(url)
    assert now.json()["tag"] == (f"{tag}-new" if status == 200 else tag)
    assert now.headers["ETag"] == ('"2"' if status == 200 else '"1"')


async def test_of_two_writers_with_the_same_version_one_is_stale(toy_house: House) -> None:
    """Two people save the same version at the same moment: one succeeds, one is told."""
    async with toy_house.client(ALL) as client:
        tag = str(new_id())
        made = (await client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"})).json()
        answers = await asyncio.gather(
            *(
                client.post(
                    f"/api/v1/toy/things/{made['id']}/rename?tag={tag}-{i}",
                    headers={"If-Match": '"1"'},
                )
                for i in range(6)
            )
        )
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412, 412, 412]


@pytest.mark.parametrize(
    "body, status, code",
    [
        ({"tag": "x"}, 422, "kernel.malformed"),
        ({"tag": "x", "cost": "abc"}, 422, "kernel.malformed"),
        ({"tag": "x", "cost": "1", "unknown": 1}, 422, "kernel.malformed"),
        ({"tag": "x\u0000y", "cost": "1"}, 422, "kernel.malformed"),
        ({"tag": "x", "cost": "99999999999999999999"}, 422, "kernel.out_of_range"),
        ({"tag": "x", "cost": "-0.01"}, 409, "kernel.rule_broken"),
    ],
)
async def test_bad_input_gets_a_clear_error(
    toy_house: House, body: dict[str, Any], status: int, code: str
) -> None:
    """422 for malformed input, 409 for a broken rule, 500 for neither."""
    async with toy_house.client(ALL) as client:
        answer = await client.post("/api/v1/toy/things", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_constraint_speaks_with_its_own_refusal(toy_house: House) -> None:
    """ "A constraint's name maps to a refusal code"."""
    tag = str(new_id())
    async with toy_house.client(ALL) as client:
        await client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"})
        answer = await client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "toy.tag_taken")
    assert answer.json()["facts"]["value"] == tag


async def test_a_savepoint_undoes_only_what_happened_inside(toy_house: House) -> None:
    """Rows and announcements of the failed part are gone, the rest stays."""
    async with toy_house.tx("toy") as tx:
        await tx.add(Thing, tag="before", cost=1, specs={})
        with pytest.raises(ZeroDivisionError):
            await _fail_inside(tx)
        assert await tx.find(Thing, tag="before") is not None
        assert await tx.find(Thing, tag="inside") is None


async def test_an_action_that_swallows_a_database_error_is_no_success(toy_house: House) -> None:
    """PostgreSQL answers such a commit with ROLLBACK and no error; the house looks at it."""

    async def swallow() -> None:
        async with toy_house.tx("toy", commits=True) as tx:
            await tx.add(Thing, tag="swallowed", cost=1, specs={})
            with suppress(psycopg.errors.UndefinedTable):
                await tx.run("delete from nowhere")

    with pytest.raises(NotCommitted):
        await swallow()
    assert await _count(toy_house, "swallowed") == 0


async def _fail_inside(tx: Tx) -> None:
    async with tx.savepoint():
        await tx.add(Thing, tag="inside", cost=1, specs={})
        raise ZeroDivisionError


async def test_a_set_of_changes_is_one_statement_and_keeps_what_it_does_not_name(
    toy_house: House,
) -> None:
    """What differs is written and gets a version; all rows are answered in the order asked."""
    async with toy_house.tx("toy") as tx:
        drafts = [{"tag": str(new_id()), "cost": n, "specs": {"n": n}} for n in range(3)]
        one, two, three = await tx.add_many(Thing, drafts)
        unit = new_id()
        changed = await tx.change_many(
            [
                (three, {"cost": "7.25"}),
                (two, {"specs": {"a": [1]}, "unit_id": unit}),
                (one, {"cost": 0}),
            ]
        )
        assert [row.id for row in changed] == [three.id, two.id, one.id]
        assert [(str(row.cost), row.specs, row.unit_id, row.version) for row in changed] == [
            ("7.25", {"n": 2}, None, 2),
            ("1.00", {"a": [1]}, unit, 2),
            ("0.00", {"n": 0}, None, 1),
        ]
        assert await tx.many(Thing, [one.id, two.id, three.id]) == list(reversed(changed))
        assert await tx.change_many([]) == []


async def test_locks_are_taken_in_id_order_whatever_the_caller_asks(toy_house: House) -> None:
    """STYLE rule 20: crossing lock orders do not deadlock."""
    async with toy_house.tx("toy", commits=True) as tx:
        rows = await tx.add_many(
            Thing, [{"tag": str(new_id()), "cost": 1, "specs": {}} for _ in range(5)]
        )
    ids = [row.id for row in rows]

    async def grab(order: list[Any]) -> int:
        async with toy_house.tx("toy") as tx:
            locked = await tx.lock_many(Thing, order)
            await asyncio.sleep(0.01)
            return len(locked)

    orders = [ids, ids[::-1], ids[2:] + ids[:2]] * 4
    assert await asyncio.gather(*(grab(order) for order in orders)) == [5] * 12
