"""INT-3: rows of a file become records, under the rules and rights of whoever sent it."""

from typing import Any

from orrery.kernel import testing
from orrery.kernel.types.ids import new_id
from tests.actions.kernel.conftest import BOXES, Desk, as_csv, counts


def many_boxes(count: int) -> list[list[Any]]:
    """A heading and so many boxes."""
    return [["code", "name"], *([f"B{number:05}", f"Box {number}"] for number in range(count))]


# ------------------------------------------------------------------------------------- upsert


async def test_the_same_file_twice_makes_no_doubles(desk: Desk) -> None:
    """INT-3 upsert: an equal row changes nothing, not even the version."""
    first = await desk.take_in("boxes", as_csv(BOXES))
    again = await desk.take_in("boxes", as_csv(BOXES))
    changed = await desk.take_in("boxes", as_csv(BOXES).replace("Käfig", "Cage"))
    assert [counts(b) for b in (first, again, changed)] == [
        (2, 2, 0, 0),
        (2, 0, 0, 0),
        (2, 0, 1, 0),
    ]
    assert [(b["name"], b["version"]) for b in await desk.all("boxes")] == [
        ("Cage", 2),
        ('Box; large, "oak"', 1),
    ]


async def test_a_record_is_known_by_external_id_first_and_by_code_otherwise(desk: Desk) -> None:
    """A code that belongs to another external id is a duplicate, not the record meant."""
    await desk.take_in("boxes", "external_id,code,name\nx1,A,One\n,B,Two")
    batch = await desk.take_in("boxes", "external_id,code,name\nx1,A2,Uno\nx2,B,Due\nx3,A2,Tre")
    assert counts(batch) == (3, 0, 2, 1)
    assert [(b["external_id"], b["code"], b["name"]) for b in await desk.all("boxes")] == [
        ("x1", "A2", "Uno"),
        ("x2", "B", "Due"),
    ]
    [refused] = await desk.errors("boxes", batch["id"])
    assert (refused["row"], refused["errors"][0]["code"]) == (4, "kernel.duplicate")
    assert (refused["errors"][0]["column"], refused["errors"][0]["value"]) == ("code", "A2")


async def test_columns_that_the_file_has_not_stay_and_empty_cells_clear(desk: Desk) -> None:
    """An empty cell clears what may be empty, and leaves alone what may not."""
    await desk.take_in("boxes", as_csv(BOXES))
    await desk.take_in("boxes", "code,name,built_on,is_fragile\n1001,Cage,,")
    [box, _] = await desk.all("boxes")
    assert (box["name"], box["built_on"], box["weight"], box["is_fragile"], box["tags"]) == (
        "Cage",
        None,
        "12.500",
        True,
        ["red", "old"],
    )


async def test_of_two_rows_for_one_record_the_last_one_wins(desk: Desk) -> None:
    """Within a chunk as between chunks: the file is taken in from top to bottom."""
    made = await desk.take_in("boxes", "code,name\nA,First\nB,Other\nA,Second\nA,Third")
    assert counts(made) == (4, 2, 2, 0)
    assert [(b["code"], b["name"]) for b in await desk.all("boxes")] == [
        ("A", "Third"),
        ("B", "Other"),
    ]
    changed = await desk.take_in("boxes", "code,name\nA,Fourth\nA,Fifth")
    assert counts(changed) == (2, 0, 2, 0)
    assert (await desk.all("boxes"))[0]["name"] == "Fifth"


async def test_bad_rows_in_every_chunk_leave_the_others_in_order(desk: Desk) -> None:
    """A set that fails is halved until the bad rows stand alone."""
    rows = many_boxes(1200)
    rows[0].append("weight")
    for number, row in enumerate(rows[1:]):
        row.append("-1" if number in (0, 499, 500, 777, 778, 1199) else "1")
    batch = await desk.take_in("boxes", as_csv(rows))
    assert counts(batch) == (1200, 1194, 0, 6)
    assert [e["row"] for e in await desk.errors("boxes", batch["id"])] == [
        2, 501, 502, 779, 780, 1201,
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ actions


async def test_an_action_takes_each_row_through_the_rules(desk: Desk) -> None:
    """Rows go through the service's own action; its refusals and its bugs refuse single rows."""
    await desk.take_in("boxes", "code,name\nA,One")
    batch = await desk.take_in(
        "items",
        "external_id,title,price,box\n"
        "i1,Lamp,12.50,A\ni2,Xylophone,1,\ni3,Lamp,2,\ni4,bug,1,\ni5,Table,99.99,",
    )
    assert (counts(batch), batch["events"]) == ((5, 2, 0, 3), 2)
    refused = await desk.errors("items", batch["id"])
    assert [(r["row"], r["errors"][0]["code"], r["errors"][0]["column"]) for r in refused] == [
        (3, "depot.not_ours", "title"),
        (4, "depot.title_taken", "title"),
        (5, "kernel.bug", ""),
    ]
    assert refused[0]["errors"][0]["value"] == "Xylophone"
    assert [(i["title"], i["price"]) for i in await desk.all("items")] == [
        ("Lamp", "12.50"),
        ("Table", "99.99"),
    ]
    assert await desk.value("select count(*) from label") == 2
    assert (
        await desk.value(
            "select count(*) from outbox where name = 'depot.item_taken.v1' and tenant = %(t)s"
            " and request_id = %(request)s",
            t=desk.tenant,
            request=f"import:{batch['id']}",
        )
        == 2
    )


async def test_an_action_may_take_rows_in_sets(desk: Desk) -> None:
    """STYLE rule 11: work in lists; a set that is refused is halved like any other."""
    rows = [["external_id", "title", "price"]]
    rows += [[f"c{n}", f"X{n}" if n in (3, 700) else f"Crate {n}", "1"] for n in range(800)]
    batch = await desk.take_in("crates", as_csv(rows))
    assert counts(batch) == (800, 798, 0, 2)
    assert [e["row"] for e in await desk.errors("crates", batch["id"])] == [5, 702]


async def test_what_an_import_did_says_who_sent_the_file(depot: testing.House) -> None:
    """AUD-1: the history names the person behind the file, and the import as the request."""
    person = new_id()
    desk = Desk(depot, await depot.new_tenant(), user_id=person)
    batch = await desk.take_in("items", "title,price\nLamp,1")
    assert batch["created_by"] == str(person)
    told = await desk.value(
        "select actor || ' ' || request_id from history where table_name = 'item'"
    )
    assert told == f"{person} import:{batch['id']}"
    assert await desk.value("select created_by from item") == person


# -------------------------------------------------------------------------------- permissions


async def test_who_may_not_write_may_not_import(depot: testing.House, desk: Desk) -> None:
    """Refused before the file is looked at: not a word about what is wrong with it."""
    batch = await desk.take_in("boxes", as_csv(BOXES))
    reader = Desk(depot, desk.tenant, grants={"depot.*.read": "all"})
    for method, rest in (
        ("POST", "/imports"),
        ("POST", "/imports/preview"),
        ("GET", "/imports"),
        ("GET", f"/imports/{batch['id']}"),
        ("GET", f"/imports/{batch['id']}/errors"),
        ("POST", f"/imports/{batch['id']}/cancel"),
        ("POST", f"/imports/{batch['id']}/undo"),
    ):
        answer = await reader.client.request(method, desk.url("boxes", rest), content=b"\x00")
        assert (answer.status_code, answer.json()["code"]) == (403, "kernel.forbidden"), rest
    assert len(await desk.all("boxes")) == 2


async def test_an_import_without_a_permission_is_denied_to_everybody(depot: testing.House) -> None:
    """Default deny, even to the administrator."""
    desk = Desk(depot, await depot.new_tenant(), grants={"*": "all"})
    answer = await desk.send("orphans", "title,price\nLamp,1")
    assert (answer.status_code, answer.json()["facts"]) == (
        403,
        {"permission": "kernel.import.denied"},
    )
    assert await desk.all("items") == []


async def test_a_narrow_scope_holds_for_what_is_found_and_for_what_is_made(
    depot: testing.House, desk: Desk
) -> None:
    """ID-7: who may write own records only can neither take over another's nor give one away."""
    mine, other = new_id(), new_id()
    await desk.take_in("items", f"external_id,title,price,owner_id\ni1,Theirs,1,{other}")
    own = Desk(
        depot,
        desk.tenant,
        grants={"depot.item.read": "all", "depot.item.write": "own"},
        employee_id=mine,
    )
    batch = await own.take_in(
        "items",
        "external_id,title,price,owner_id\n"
        f"i1,Stolen,2,{mine}\ni2,Gift,1,{other}\ni3,Mine,1,{mine}",
    )
    assert counts(batch) == (3, 1, 0, 2)
    assert [(r["row"], r["errors"][0]["code"]) for r in await own.errors("items", batch["id"])] == [
        (2, "kernel.not_found"),
        (3, "kernel.not_found"),
    ]
    assert sorted(i["title"] for i in await desk.all("items")) == ["Mine", "Theirs"]


async def test_another_tenant_sees_and_touches_no_import(depot: testing.House, desk: Desk) -> None:
    """Tenants are strangers: not in the list, not by id, no cancel, no undo."""
    batch = await desk.take_in("boxes", as_csv(BOXES))
    stranger = Desk(depot, await depot.new_tenant())
    listed = await stranger.client.get(desk.url("boxes", "/imports"))
    assert listed.json()["items"] == []
    for method, rest in (("GET", ""), ("GET", "/errors"), ("POST", "/cancel"), ("POST", "/undo")):
        answer = await stranger.client.request(
            method, desk.url("boxes", f"/imports/{batch['id']}{rest}")
        )
        assert answer.status_code == 404, rest
    other = await desk.client.get(desk.url("items", f"/imports/{batch['id']}"))
    assert other.status_code == 404  # nor does another resource of the same tenant
    assert len(await desk.all("boxes")) == 2
