"""INT-3: which files are taken, what a column may fill, what is said of a bad row."""

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orrery.kernel.exchange import imports
from tests.actions.kernel.conftest import BOXES, Desk, as_csv, as_json, as_xlsx, counts

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


async def test_a_file_that_becomes_too_large_in_memory_is_refused(desk: Desk) -> None:
    """90 MB of empty objects are within the limit of a file, but not of the child's memory."""
    answer = await desk.send("boxes", b"[" + b"{}," * 31_000_000 + b"{}]")
    assert (answer.status_code, answer.json()["code"]) == (413, "kernel.too_large")


async def test_a_row_of_megabytes_refuses_only_itself(desk: Desk) -> None:
    """A line between child and parent has a limit, and so has a row."""
    rows = [["code", "name"], ["A", "One"], ["B", "x" * (5 << 20)], ["C", "Three"]]
    batch = await desk.take_in("boxes", as_json(rows))
    assert counts(batch) == (3, 2, 0, 1)
    [refused] = await desk.errors("boxes", batch["id"])
    assert (refused["row"], refused["errors"][0]["code"]) == (2, "kernel.row_too_wide")


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
