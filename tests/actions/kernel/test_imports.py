"""INT-3: bulk import with dry run, row errors, upsert by external id, resume and undo."""

import asyncio
import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from orrery.kernel import batches, imports, testing
from orrery.kernel.types.ids import new_id
from tests.actions.kernel.conftest import Desk, as_csv, as_json, as_xlsx
from tests.actions.kernel.depot import service

BOXES: list[list[Any]] = [
    ["code", "name", "weight", "is_fragile", "tags", "built_on"],
    ["1001", "Käfig", 12.5, True, '["red", "old"]', date(2024, 1, 5)],
    ["1002", 'Box; large, "oak"', 3, False, "[]", date(2023, 12, 31)],
]
TAKEN_IN = [
    {
        "code": "1001",
        "name": "Käfig",
        "weight": "12.500",
        "is_fragile": True,
        "tags": ["red", "old"],
        "built_on": "2024-01-05",
    },
    {
        "code": "1002",
        "name": 'Box; large, "oak"',
        "weight": "3.000",
        "is_fragile": False,
        "tags": [],
        "built_on": "2023-12-31",
    },
]


def many_boxes(count: int) -> list[list[Any]]:
    """A heading and so many boxes."""
    return [["code", "name"], *([f"B{number:05}", f"Box {number}"] for number in range(count))]


def counts(batch: dict[str, Any]) -> tuple[int, int, int, int]:
    """Rows read, created, changed and refused."""
    read, created, changed, refused = (
        batch[f"rows_{name}"] for name in ("read", "created", "changed", "refused")
    )
    return read, created, changed, refused


# ----------------------------------------------------------------------------- files and rows


@pytest.mark.parametrize(
    "content, format",
    [
        (as_csv(BOXES).encode(), "csv"),
        (as_csv(BOXES, ";").encode("cp1252"), "csv"),
        (as_csv(BOXES, "\t").encode("utf-8-sig"), "csv"),
        (as_csv(BOXES).encode("utf-16"), "csv"),
        (as_xlsx(BOXES), "xlsx"),
        (as_json(BOXES), "json"),
        (as_json(BOXES)[1:-1].replace(b"},{", b"}\n{"), "json"),
    ],
    ids=["comma", "semicolon cp1252", "tab with mark", "utf-16", "xlsx", "array", "lines"],
)
async def test_every_kind_of_file_gives_the_same_records(
    desk: Desk, content: bytes, format: str
) -> None:
    """Kernel A.10: "any resource takes CSV/XLSX/JSON"; the content says which it is."""
    batch = await desk.take_in("boxes", content, file_name="boxes.pdf")
    assert (batch["format"], batch["state"], counts(batch)) == (format, "done", (2, 2, 0, 0))
    boxes = [{name: box[name] for name in TAKEN_IN[0]} for box in await desk.all("boxes")]
    assert boxes == TAKEN_IN


async def test_a_bad_row_refuses_only_itself_and_says_why(desk: Desk) -> None:
    """INT-3 row errors: row number, column, value, code, message."""
    batch = await desk.take_in(
        "boxes",
        as_csv(
            [
                ["code", "name", "weight"],
                ["A", "Good", "1"],
                ["B", "Bad number", "heavy"],
                ["C", "Bad rule", "-1"],
                [],
                ["D", "Good too", ""],
                ["E", "", "2"],
                ["F", "Too wide", "2", "surplus"],
            ]
        ),
    )
    assert (batch["state"], counts(batch)) == ("done", (6, 2, 0, 4))
    assert [box["code"] for box in await desk.all("boxes")] == ["A", "D"]
    refused = await desk.errors("boxes", batch["id"])
    assert [
        (row["row"], *(row["errors"][0][part] for part in ("column", "value", "code")))
        for row in refused
    ] == [
        (3, "weight", "heavy", "kernel.malformed"),
        (4, "", None, "kernel.rule_broken"),
        (7, "name", "", "kernel.malformed"),
        (8, "", None, "kernel.row_too_wide"),
    ]
    assert refused[0]["errors"][0]["message"] == ("Input should be a valid decimal")
    assert refused[1]["errors"][0]["message"] == "A rule that the database keeps would be broken."
    assert refused[1]["errors"][0]["facts"]["constraint"] == "ck_box_weight_positive"
    assert refused[2]["errors"][0]["message"] == "Field required"
    assert refused[1]["original"] == {"code": "C", "name": "Bad rule", "weight": "-1"}


async def test_the_errors_file_is_safe_for_spreadsheets_and_can_be_mended_and_sent_again(
    desk: Desk,
) -> None:
    """A cell that a spreadsheet would run as a formula (OWASP CSV injection) is quoted, and the
    quote is taken away again when the file comes back."""
    rows = [["code", "name", "weight"], ["=1+1", "@cmd|' /C calc'!A0", "-no"]]
    batch = await desk.take_in("boxes", as_csv(rows))
    answer = await desk.client.get(desk.url("boxes", f"/imports/{batch['id']}/errors"))
    assert answer.headers["content-disposition"] == 'attachment; filename="box-errors.csv"'
    heading, line = csv.reader(io.StringIO(answer.text))
    assert heading[:3] == ["code", "name", "weight"]
    assert line == [
        "'=1+1",
        "'@cmd|' /C calc'!A0",
        "'-no",
        "2",
        "weight",
        "'-no",
        "kernel.malformed",
        "Input should be a valid decimal",
    ]
    mended = await desk.take_in("boxes", answer.text.replace("'-no,2", "7,2"))
    assert counts(mended) == (1, 1, 0, 0)
    [box] = await desk.all("boxes")
    assert (box["code"], box["name"], box["weight"]) == ("=1+1", "@cmd|' /C calc'!A0", "7.000")


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "empty"),
        (b"code,name\n", "no_rows"),
        (b"code,name\nA,\x81\x8d", "encoding"),
        (b"code,name\x00\nA,B", "neither a workbook nor text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64), "neither a workbook nor text"),
        (b"code,code\nA,B", "column_twice"),
        (b'code,name\n"A,B', "unexpected end of data"),
        (b'[{"code": "A"}', "json: Expecting ',' delimiter: line 1 column 15 (char 14)"),
        (b'["A"]', "not an object"),
        (b"PK\x03\x04 no workbook", "workbook: File is not a zip file"),
    ],
)
async def test_a_file_that_is_no_table_is_refused_at_once(
    desk: Desk, content: bytes, reason: str
) -> None:
    """Nothing is kept of a file that cannot be read."""
    answer = await desk.send("boxes", content)
    assert (answer.status_code, answer.json()["code"]) == (422, "kernel.file_unreadable")
    assert answer.json()["facts"]["reason"] == reason
    assert await desk.value("select count(*) from import_batch") == 0


async def test_a_format_that_the_content_denies_is_refused(desk: Desk) -> None:
    """ "Type sniffed from content, not trusted by name"."""
    answer = await desk.send("boxes", as_csv(BOXES), format="xlsx")
    assert (answer.status_code, answer.json()["facts"]["found"]) == (422, "csv")


# ------------------------------------------------------------------------------------- limits


async def test_more_than_a_hundred_megabytes_are_refused(desk: Desk) -> None:
    """STYLE rule 12: everything has a limit; the limit itself is allowed by the same test."""

    async def body() -> AsyncIterator[bytes]:
        part = b"x" * (1 << 20)
        for _ in range(imports.FILE_MAX >> 20):
            yield part
        yield b"x"

    answer = await desk.client.post(desk.url("boxes", "/imports"), content=body())
    assert (answer.status_code, answer.json()["code"]) == (413, "kernel.too_large")
    assert answer.json()["facts"] == {"limit_bytes": 104_857_600}


async def test_more_than_a_million_rows_are_refused(desk: Desk) -> None:
    """The millionth row is still read, the one after it is not."""
    full = await desk.send("boxes", b"code\n" + b"A\n" * 1_000_000, rest="/imports/preview")
    assert (full.status_code, full.json()["rows_total"]) == (200, 1_000_000)
    answer = await desk.send("boxes", b"code\n" + b"A\n" * 1_000_001)
    assert (answer.status_code, answer.json()["facts"]) == (413, {"limit_rows": 1_000_000})


def _workbook_with(sheet: bytes) -> bytes:
    """A workbook whose sheet says what we want."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(as_xlsx(BOXES))) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = re.sub(b"<sheetData>.*</sheetData>", sheet, content)
            target.writestr(name, content)
    return packed.getvalue()


async def test_a_workbook_that_asks_for_all_memory_harms_nobody(desk: Desk) -> None:
    """One cell in the last corner: 5 KB that would need 500 GB, and would abort the process."""
    bomb = _workbook_with(
        b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )
    assert len(bomb) < 10_000
    answer = await desk.send("boxes", bomb)
    assert (answer.status_code, answer.json()["code"]) == (413, "kernel.too_large")
    assert counts(await desk.take_in("boxes", as_csv(BOXES))) == (2, 2, 0, 0)


async def test_a_workbook_that_unpacks_to_more_than_a_gigabyte_is_refused(desk: Desk) -> None:
    """A zip bomb, refused by what it says of itself; one that lies meets the child's limits."""
    packed = io.BytesIO(as_xlsx(BOXES))
    with zipfile.ZipFile(packed, "a") as book:
        book.writestr("xl/media/bomb", b"")
        book.infolist()[-1].file_size = (1 << 30) + 1
    answer = await desk.send("boxes", packed.getvalue())
    assert (answer.status_code, answer.json()["facts"]["limit"]) == (413, 1 << 30)


async def test_a_tenth_file_may_wait_and_an_eleventh_may_not(desk: Desk) -> None:
    """Waiting files lie in the database, so their number has a limit."""
    states = [(await desk.send("boxes", as_csv(BOXES))).status_code for _ in range(11)]
    assert states == [202] * 10 + [409]
    await desk.house.settle()
    assert await desk.value("select count(*) from import_batch where state = 'done'") == 10
    assert len(await desk.all("boxes")) == 2


# ------------------------------------------------------------------------- mapping and preview


async def test_the_preview_suggests_where_columns_go_and_keeps_nothing(desk: Desk) -> None:
    """Suggested by field name, by the field's title, by the noun's id, by nearly the same word."""
    rows = [
        ["BOX ID", "Box-Number", "Name", "Wieght", "Remarks"],
        ["x-1", "A", "First", "1.5", "none"],
        ["x-2", "B", "Second", "light", "none"],
    ]
    answer = await desk.send("boxes", as_csv(rows, ";"), rest="/imports/preview")
    assert answer.status_code == 200
    told = answer.json()
    assert told["mapping"] == {
        "BOX ID": "external_id",
        "Box-Number": "code",
        "Name": "name",
        "Wieght": "weight",
    }
    assert told["facts"] == {"encoding": "utf-8-sig", "delimiter": ";"}
    assert (told["columns"], told["rows_total"], told["missing"]) == (rows[0], 2, [])
    assert told["sample"][0]["Remarks"] == "none"
    assert told["fields"][0] == {"name": "code", "title": "Box number", "required": True}
    assert [(e["number"], e["errors"][0]["column"]) for e in told["errors"]] == [(3, "Wieght")]
    assert await desk.value("select count(*) from import_batch") == 0


async def test_a_mapping_decides_which_column_fills_which_field(desk: Desk) -> None:
    """Columns that the mapping does not name are left alone, even when their names fit."""
    batch = await desk.take_in(
        "boxes",
        as_csv([["Nr", "Text", "weight"], ["A", "First", "1"]]),
        mapping='{"Nr": "code", "Text": "name"}',
    )
    assert batch["mapping"] == {"Nr": "code", "Text": "name"}
    [box] = await desk.all("boxes")
    assert (box["code"], box["name"], box["weight"]) == ("A", "First", None)


@pytest.mark.parametrize(
    "mapping, facts",
    [
        ("nonsense", {"reason": "not a JSON object"}),
        ('{"Nummer": "code", "Text": "name"}', {"unknown": ["Nummer"]}),
        ('{"Nr": "codes", "Text": "name"}', {"unknown": ["codes"]}),
        ('{"Nr": "code", "Text": "code"}', {"unknown": []}),
        ('{"Nr": "code"}', {"missing": ["name"]}),
    ],
)
async def test_a_mapping_that_cannot_work_is_refused(
    desk: Desk, mapping: str, facts: dict[str, Any]
) -> None:
    """Unknown columns and fields, a field filled twice, a required field that nothing fills."""
    answer = await desk.send("boxes", "Nr,Text\nA,First", mapping=mapping)
    assert (answer.status_code, answer.json()["code"]) == (422, "kernel.malformed")
    assert answer.json()["facts"].items() >= facts.items()
    assert await desk.value("select count(*) from import_batch") == 0


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
    batch = await desk.take_in("boxes", "code,name\nA,First\nB,Other\nA,Second\nA,Third")
    assert counts(batch) == (4, 2, 2, 0)
    assert [(b["code"], b["name"]) for b in await desk.all("boxes")] == [
        ("A", "Third"),
        ("B", "Other"),
    ]


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
    await gate.reached.wait()
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
    await gate.reached.wait()
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


async def test_a_tenants_files_are_taken_in_one_at_a_time(desk: Desk, gate: service.Gate) -> None:
    """A second file waits for its turn instead of holding a second place of the worker."""
    first = (await desk.send("items", items_with_gate(2, at=1))).json()["id"]
    second = (await desk.send("boxes", as_csv(BOXES))).json()["id"]
    work = asyncio.create_task(desk.run(first))
    await gate.reached.wait()
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
