"""History: who changed what, when, on whose behalf, before and after (AUD-1, DESIGN 7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Column, MetaData, Table, Text

from orrery.kernel import history
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from tests.toy.service import Base, Thing

ALL: dict[str, Scope] = {"*": "all"}
THINGS = "/api/v1/toy/things"
COLUMNS = "verb, actor, on_behalf_of, request_id, before, after"


async def _lines(house: House, tenant: str, id: UUID) -> list[Any]:
    """A record's history from the first line to the last, read as the owner."""
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            f'select {COLUMNS} from "{tenant}__toy".history where record_id = %s order by id', [id]
        )
        return await cursor.fetchall()


async def _make(house: House, tenant: str, **values: Any) -> Any:
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        return await tx.add(Thing, **({"tag": str(new_id()), "cost": 1, "specs": {}} | values))


async def test_verbs_leave_before_and_after_with_who_for_whom_and_the_request(
    toy_house: House,
) -> None:
    """ "Changes are kept automatically, before and after, who, when, on whose behalf"."""
    tenant, user = await toy_house.new_tenant(), new_id()
    who: Any = {"user_id": user, "on_behalf_of": "the auditor", "request_id": "r-1"}
    async with toy_house.tx("toy", tenant=tenant, commits=True, **who) as tx:
        made = await tx.add(Thing, tag="one", cost=Decimal("1.50"), specs={"a": 1})
    async with toy_house.tx("toy", tenant=tenant, commits=True, **who) as tx:
        changed = await tx.change(await tx.lock(Thing, made.id), tag="two")
        await tx.remove(changed)
    lines = await _lines(toy_house, tenant, made.id)
    told = (str(user), "the auditor", "r-1")
    assert [(line[0], line[1:4]) for line in lines] == [
        ("insert", told),
        ("update", told),
        ("delete", told),
    ]
    tags = [(before and before["tag"], after and after["tag"]) for *_, before, after in lines]
    assert tags == [(None, "one"), ("one", "two"), ("two", None)]
    assert lines[0][5]["specs"] == {"a": 1}
    assert (lines[1][4]["version"], lines[1][5]["version"]) == (1, 2)


async def test_raw_sql_of_a_tenant_is_kept_like_the_verbs(toy_house: House) -> None:
    """No way round: a statement of many rows leaves one line for each of them."""
    tenant, user = await toy_house.new_tenant(), new_id()
    rows = [await _make(toy_house, tenant, tag=f"t{n}", cost=n) for n in range(3)]
    async with toy_house.tx("toy", tenant=tenant, commits=True, user_id=user) as tx:
        assert await tx.run("update thing set cost = cost + 1 where cost >= 1") == 2
        assert await tx.run("delete from thing where tag = 't2'") == 1
    kept = [await _lines(toy_house, tenant, row.id) for row in rows]
    assert [[line[0] for line in lines] for lines in kept] == [
        ["insert"],
        ["insert", "update"],
        ["insert", "update", "delete"],
    ]
    assert (kept[1][1][4]["cost"], kept[1][1][5]["cost"], kept[1][1][1]) == (1.0, 2.0, str(user))


async def test_what_the_owner_does_by_hand_is_kept_without_an_actor(toy_house: House) -> None:
    """ "it would be logged with no actor" (docs/mechanisms/history.md)."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant)
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute(f"update \"{tenant}__toy\".thing set tag = 'by hand'")
    line = (await _lines(toy_house, tenant, thing.id))[-1]
    assert line[:4] == ("update", None, None, None)
    assert line[5]["tag"] == "by hand"


async def test_an_update_that_changes_nothing_writes_nothing(toy_house: House) -> None:
    """A save without a change is no event in a record's life."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant, tag="same", specs={"a": [1, 2]})
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        assert await tx.run("update thing set tag = 'same', cost = cost") == 1
        assert await tx.run("update thing set tag = 'other' where false") == 0
    assert [line[0] for line in await _lines(toy_house, tenant, thing.id)] == ["insert"]


async def test_a_record_that_is_given_another_id_leaves_its_trace_under_both(
    toy_house: House,
) -> None:
    """Raw SQL that moves a row to another id cannot make its past disappear."""
    tenant, moved = await toy_house.new_tenant(), new_id()
    thing = await _make(toy_house, tenant, tag="mover")
    async with toy_house.tx("toy", tenant=tenant, commits=True, user_id=moved) as tx:
        await tx.run("update thing set id = %(new)s, tag = 'moved'", new=moved)
    old = await _lines(toy_house, tenant, thing.id)
    new = await _lines(toy_house, tenant, moved)
    assert [(line[0], line[1]) for line in old[1:]] == [("delete", str(moved))]
    assert [(line[0], line[4], line[5]["tag"]) for line in new] == [("insert", None, "moved")]


async def test_without_the_triggers_nothing_is_kept(toy_house: House) -> None:
    """Proof that the triggers are the guard: taken out, the same statements leave no line."""
    tenant = await toy_house.new_tenant()
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute(f'alter table "{tenant}__toy".thing disable trigger user')
    thing = await _make(toy_house, tenant)
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.run("update thing set tag = 'unseen'")
    assert await _lines(toy_house, tenant, thing.id) == []


@pytest.mark.parametrize(
    "attempt",
    [
        "insert into history (table_name, record_id, verb) select 'thing', id, 'x' from thing",
        "update history set actor = 'somebody else'",
        "delete from history",
        "truncate history",
        "alter table history disable trigger all",
        "alter table thing disable trigger history_update",
        "drop trigger history_update on thing",
        "create or replace function record_history() returns trigger language sql as 'select 1'",
        "set local session_replication_role = replica",
    ],
)
async def test_a_tenants_role_cannot_write_the_history(toy_house: House, attempt: str) -> None:
    """ "a tenant's role can read the history and cannot write, change or delete it"."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant)
    async with toy_house.tx("toy", tenant=tenant) as tx:
        assert await tx.value("select count(*) from history") == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.run(attempt)
    assert [line[0] for line in await _lines(toy_house, tenant, thing.id)] == ["insert"]


async def test_a_record_is_shown_as_it_was_at_the_limits_of_each_change(toy_house: House) -> None:
    """as_of: 404 before the first instant, the new value from the exact instant on."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant, tag="first", cost=Decimal("1234567890123456.78"))
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.change(await tx.lock(Thing, thing.id), tag="second")
        made, renamed = (row.at for row in await tx.rows("select at from history order by id"))
    tick = timedelta(microseconds=1)
    async with toy_house.client(ALL, tenant=tenant) as client:

        async def at(instant: datetime) -> Any:
            answer = await client.get(f"{THINGS}/{thing.id}", params={"as_of": instant.isoformat()})
            return answer.json()["tag"] if answer.status_code == 200 else answer.status_code

        assert [await at(made - tick), await at(made)] == [404, "first"]
        assert [await at(renamed - tick), await at(renamed)] == ["first", "second"]
        assert await at(datetime.now(UTC) + timedelta(days=400)) == "second"
        shown = await client.get(f"{THINGS}/{thing.id}", params={"as_of": made.isoformat()})
        assert shown.json()["cost"] == "1234567890123456.78"
        bare = made.replace(tzinfo=None).isoformat()
        answer = await client.get(f"{THINGS}/{thing.id}", params={"as_of": bare})
        assert answer.status_code == 422


async def test_numbers_inside_a_document_stay_numbers_and_exact(toy_house: House) -> None:
    """A record's JSON as of an instant is what it was, not text that looks like it."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant)
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.run("""update thing set specs = '{"w": 0.10000000000000000001, "n": 3}'""")
    async with toy_house.client(ALL, tenant=tenant) as client:
        told = await client.get(
            f"{THINGS}/{thing.id}", params={"as_of": datetime.now(UTC).isoformat()}
        )
    assert history.exact(told.text)["specs"] == {"w": Decimal("0.10000000000000000001"), "n": 3}


async def test_a_record_from_before_a_migration_can_be_read(toy_house: House) -> None:
    """A column that is gone since then neither breaks the past nor shows up in it."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant)
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute(
            f'update "{tenant}__toy".history set after = after || \'{{"weight": 2.50}}\''
        )
    async with toy_house.client(ALL, tenant=tenant) as client:
        params = {"as_of": datetime.now(UTC).isoformat()}
        answer = await client.get(f"{THINGS}/{thing.id}", params=params)
    assert answer.status_code == 200
    assert answer.json()["tag"] == thing.tag
    assert "weight" not in answer.json()


async def test_a_field_kept_from_readers_is_kept_from_their_history(toy_house: House) -> None:
    """HR-7, field-level privacy: as_of and timeline show what the view shows and no more."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant)
    async with toy_house.client(ALL, tenant=tenant) as client:
        now = (await client.get(f"{THINGS}/{thing.id}")).json()
        params = {"as_of": datetime.now(UTC).isoformat()}
        then = (await client.get(f"{THINGS}/{thing.id}", params=params)).json()
        entries = (await client.get(f"{THINGS}/{thing.id}/timeline")).json()["items"]
    assert "created_by" not in now
    assert set(then) <= set(now)
    assert set(entries[0]["changes"]) <= set(now)


async def test_a_deleted_record_is_there_before_and_gone_from_its_deletion_on(
    toy_house: House,
) -> None:
    """as_of and all_as_of around a deletion; the live record is 404 whatever is asked."""
    tenant = await toy_house.new_tenant()
    stays = await _make(toy_house, tenant, tag="stays", cost=Decimal("0.10"))
    goes = await _make(toy_house, tenant, tag="goes")
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.remove(await tx.lock(Thing, goes.id))
    async with toy_house.tx("toy", tenant=tenant) as tx:
        times = [row.at for row in await tx.rows("select at from history order by id")]
        tick = timedelta(microseconds=1)
        before = await history.as_of(tx, "thing", goes.id, times[2] - tick)
        assert before is not None
        assert before["tag"] == "goes"
        assert await history.as_of(tx, "thing", goes.id, times[2]) is None
        assert await history.as_of(tx, "color", goes.id, times[1]) is None
        told = [
            [(row["tag"], row["cost"]) for row in await history.all_as_of(tx, "thing", instant)]
            for instant in (times[0] - tick, times[0], times[1], times[2])
        ]
    first, second = ("stays", Decimal("0.10")), ("goes", Decimal("1.00"))
    assert told == [[], [first], sorted([first, second], key=lambda t: t[0] == "goes"), [first]]
    async with toy_house.client(ALL, tenant=tenant) as client:
        gone = await client.get(
            f"{THINGS}/{goes.id}", params={"as_of": (times[2] - tick).isoformat()}
        )
        assert gone.status_code == 404
        assert (await client.get(f"{THINGS}/{stays.id}")).status_code == 200


async def test_a_timeline_is_paged_from_the_newest_without_gap_or_double(toy_house: House) -> None:
    """Seven lines in pages of three; what happens meanwhile does not move the later pages."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant, tag="v0")
    await _rename(toy_house, tenant, thing.id, range(1, 7))
    async with toy_house.client(ALL, tenant=tenant) as client:
        url, cursor, pages = f"{THINGS}/{thing.id}/timeline?limit=3", "", []
        while True:
            page = (await client.get(f"{url}{cursor}")).json()
            pages.append([line["changes"]["tag"] for line in page["items"]])
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
            await _rename(toy_house, tenant, thing.id, [len(pages) + 6])
        bad = [
            (await client.get(f"{url[:-1]}{text}")).status_code
            for text in ("0", "201", "3&cursor=0", "3&cursor=9223372036854775808", "3&cursor=x")
        ]
    assert pages == [
        [["v5", "v6"], ["v4", "v5"], ["v3", "v4"]],
        [["v2", "v3"], ["v1", "v2"], ["v0", "v1"]],
        [[None, "v0"]],
    ]
    assert bad == [422] * 5


async def _rename(house: House, tenant: str, id: UUID, numbers: Any) -> None:
    for number in numbers:
        async with house.tx("toy", tenant=tenant, commits=True) as tx:
            await tx.change(await tx.lock(Thing, id), tag=f"v{number}")


async def test_a_timeline_names_what_changed_and_keeps_decimals_exact(toy_house: House) -> None:
    """Only the fields that changed, old beside new; the version is no news."""
    tenant = await toy_house.new_tenant()
    thing = await _make(toy_house, tenant, cost=Decimal("9999999999999999.99"))
    async with toy_house.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.change(await tx.lock(Thing, thing.id), cost=Decimal("0.10"))
    async with toy_house.tx("toy", tenant=tenant) as tx:
        newest = (await history.timeline(tx, thing.id, limit=1, below=None))[0]
    assert newest.changes == {"cost": [Decimal("9999999999999999.99"), Decimal("0.10")]}
    async with toy_house.client(ALL, tenant=tenant) as client:
        page = (await client.get(f"{THINGS}/{thing.id}/timeline?limit=1")).json()
    assert page["items"][0]["changes"] == {"cost": ["9999999999999999.99", "0.10"]}


def test_a_table_may_say_that_no_history_is_kept_of_it() -> None:
    """Password hashes must be forgotten, "last seen" is only a clock."""
    metadata = MetaData()
    Table("kept", metadata, Column("id", Text))
    Table("forgotten", metadata, Column("id", Text), info={"history": False})
    assert history.kept(metadata) == ["kept"]
    assert set(history.kept(Base.metadata)) == set(Base.metadata.tables)
