"""The register over the API."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
import segno

from orrery.kernel import testing
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.assets.queries import labels
from tests.actions.assets.factories import hire, on
from tests.api.assets.factories import (
    ASSET_MANAGER,
    ASSETS,
    got,
    new_asset,
    new_category,
    refused,
    sent,
)


async def test_an_asset_is_entered_and_read(house: House) -> None:
    """TB ERP 4.2: tag, class, serial, maker, model, status, specs by category."""
    async with house.client(ASSET_MANAGER) as client:
        category = await new_category(
            client,
            fields=[
                {"key": "cpu", "label": "Processor", "type": "text", "required": True},
                {"key": "screen", "label": "Screen", "type": "number"},
            ],
            books=[{"life_months": 36}],
        )
        asset = await sent(
            client,
            "/assets",
            {
                "name": "ThinkPad",
                "category_id": category["id"],
                "specs": {"cpu": "Ryzen", "screen": 14.5},
                "purchased_on": "2024-01-10",
                "cost": 1849.99,
            },
        )
        assert asset["status"] == "active"
        assert asset["cost"] == "1849.99"
        assert asset["specs"] == {"cpu": "Ryzen", "screen": "14.5"}
        assert asset["category_name"] == "Kind"
        read = await got(client, f"/assets/{asset['id']}")
        assert [book["code"] for book in read["books"]] == ["book"]
        assert read["verbs"] == ["assign", "dispose", "retire", "send_to_maintenance"]
        listed = await got(client, "/assets", ids=asset["id"])
        assert listed["items"][0] == {name: read[name] for name in listed["items"][0]}


async def test_wrong_specifications_are_told_field_by_field(house: House) -> None:
    """Part B: an error per field; nothing is entered."""
    async with house.client(ASSET_MANAGER) as client:
        category = await new_category(client)
        body = {"name": "X", "category_id": category["id"], "specs": {"cpu": True, "gpu": 1}}
        answer = await client.post(f"{ASSETS}/assets", json=body)
        assert refused(answer) == (422, "assets.specs_invalid")
        assert answer.json()["facts"]["fields"] == {"cpu": "not_text", "gpu": "unknown_field"}
        assert (await got(client, "/assets", category_id=category["id"]))["items"] == []


async def test_a_changed_form_is_refused_with_a_report(house: House) -> None:
    """Part B: changing a form never breaks stored assets; dry_run shows it beforehand."""
    async with house.client(ASSET_MANAGER) as client:
        category = await new_category(client)
        await new_asset(client, category_id=category["id"], specs={"cpu": "M3"})
        path = f"{ASSETS}/categories/{category['id']}"
        answer = await client.patch(path, json={"fields": []})
        assert refused(answer) == (409, "assets.form_breaks_assets")
        assert answer.json()["facts"]["assets"] == 1
        wider = [*category["fields"], {"key": "ram", "label": "Memory", "type": "integer"}]
        changed = await client.patch(path, json={"fields": wider})
        assert changed.status_code == 200
        assert [field["key"] for field in changed.json()["fields"]] == ["cpu", "ram"]


async def test_an_asset_is_changed_only_as_it_was_seen(house: House) -> None:
    """DESIGN 4: If-Match/ETag; a stale write is 412 and nothing changes."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        path = f"{ASSETS}/assets/{asset['id']}"
        first = await client.patch(path, json={"name": "A"}, headers={"If-Match": '"1"'})
        assert first.headers["etag"] == '"2"'
        stale = await client.patch(path, json={"name": "B"}, headers={"If-Match": '"1"'})
        assert refused(stale) == (412, "kernel.stale")
        for wrong in (
            {"name": None},
            {"status": "disposed"},
            {"cost": "1"},
            {"tag": "a b"},
            {"serial": " "},
        ):
            answer = await client.patch(path, json=wrong)
            assert refused(answer) == (422, "kernel.malformed"), wrong
        assert (await got(client, f"/assets/{asset['id']}"))["name"] == "A"


async def test_verbs_on_children_match_the_childs_version(house: House) -> None:
    """If-Match on a book names the book's version, though its asset is locked first."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, books=[{"life_months": 12}])
        await client.patch(f"{ASSETS}/assets/{asset['id']}", json={"name": "Other"})
        book = (await got(client, f"/assets/{asset['id']}"))["books"][0]
        path = f"{ASSETS}/depreciation-books/{book['id']}"
        changed = await client.patch(path, json={"life_months": 24}, headers={"If-Match": '"1"'})
        assert changed.status_code == 200, changed.text
        assert changed.headers["etag"] == '"2"'


async def test_a_dry_run_tells_tag_and_event_and_keeps_nothing(house: House) -> None:
    """DESIGN 4: dry_run runs the whole action, returns what would follow, and rolls back."""
    async with house.client(ASSET_MANAGER) as client:
        answer = await client.post(
            f"{ASSETS}/assets?dry_run=true", json={"name": "Dry", "serial": "DRY-1"}
        )
        told = answer.json()
        assert told["numbers"] == [told["result"]["tag"]]
        assert [event["type"] for event in told["events"]] == ["assets.asset_created.v1"]
        assert (await got(client, "/assets", serial="DRY-1"))["items"] == []


async def test_who_leaves_gives_everything_back(house: House) -> None:
    """TB ERP: employee.deleted -> assets lose their assignee, and the history says why."""
    anna = await hire(house, first_name="Anna", last_name="Weber")
    async with house.client({"assets.*": "all", "people.*": "all"}) as client:
        asset = await new_asset(client)
        path = f"/assets/{asset['id']}"
        assigned = await sent(client, f"{path}/assign", {"employee_id": str(anna)}, 200)
        assert assigned["assigned_employee_id"] == str(anna)
        again = await client.post(f"{ASSETS}{path}/assign", json={"employee_id": str(anna)})
        assert refused(again) == (409, "assets.already_assigned")
        left = await client.delete(f"/api/v1/people/employees/{anna}")
        assert left.status_code < 300, left.text
        await house.settle()
        read = await got(client, path)
        assert (read["status"], read["assigned_employee_id"], read["assignment"]) == (
            "active",
            None,
            None,
        )
        history = await got(client, "/assignments", asset_id=asset["id"])
        assert history["items"][0]["end_reason"] == "employee_deleted"
        assert "Anna Weber left on" in history["items"][0]["return_notes"]
        told = await got(client, f"{path}/timeline")
        assert told["items"][0]["changes"]["assigned_employee_id"] == [str(anna), None]
        gone = await client.post(f"{ASSETS}{path}/assign", json={"employee_id": str(anna)})
        assert refused(gone) == (409, "assets.employee_inactive")


async def test_without_people_nothing_is_handed_out(house: House, database: str) -> None:
    """Part B: people down -> 503, nothing changed."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
    async with (
        testing.house(database, only=["assets"], tenants=()) as alone,
        alone.client(ASSET_MANAGER) as client,
    ):
        path = f"{ASSETS}/assets/{asset['id']}"
        answer = await client.post(f"{path}/assign", json={"employee_id": str(new_id())})
        assert refused(answer) == (503, "kernel.unavailable")
        assert (await client.get(path)).json()["status"] == "active"


async def test_an_unknown_employee_gets_nothing(house: House) -> None:
    """Part B: unknown -> refusal; asked over the neighbour's API."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        body = {"employee_id": str(new_id())}
        answer = await client.post(f"{ASSETS}/assets/{asset['id']}/assign", json=body)
        assert refused(answer) == (409, "assets.unknown_employee")
        assert (await got(client, f"/assets/{asset['id']}"))["status"] == "active"


async def test_custody_goes_from_hand_to_hand(house: House) -> None:
    """Part B: assign, transfer, maintenance, return, retire, in one story over the API."""
    anna, ben = await hire(house), await hire(house)
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        path = f"/assets/{asset['id']}"
        steps = [
            ("assign", {"employee_id": str(anna)}, "assigned", str(anna)),
            ("transfer", {"employee_id": str(ben)}, "assigned", str(ben)),
            ("send-to-maintenance", {}, "maintenance", str(ben)),
            ("finish-maintenance", {}, "assigned", str(ben)),
            ("return", None, "active", None),
            ("retire", {}, "retired", None),
            ("reinstate", {}, "active", None),
        ]
        for verb, body, status, holder in steps:
            now = await sent(client, f"{path}/{verb}", body, 200)
            assert (now["status"], now["assigned_employee_id"]) == (status, holder), verb
        history = await got(client, "/assignments", asset_id=asset["id"], sort="assigned_on")
        reasons = {each["employee_id"]: each["end_reason"] for each in history["items"]}
        assert reasons == {str(anna): "transferred", str(ben): "returned"}


async def test_deleting_is_disposing(house: House) -> None:
    """TB ERP: delete = disposed; the record stays."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        path = f"{ASSETS}/assets/{asset['id']}"
        gone = (await client.delete(path)).json()
        assert (gone["status"], gone["disposals"][0]["kind"]) == ("disposed", "scrap")
        assert gone["disposals"][0]["gain"] == "-1200.00"
        assert (await client.get(path)).json()["verbs"] == []
        assert refused(await client.delete(path)) == (409, "kernel.wrong_state")
        assert refused(await client.patch(path, json={"name": "X"})) == (
            409,
            "assets.asset_disposed",
        )


async def test_a_record_is_read_as_it_was(house: House) -> None:
    """DESIGN 4: reads as of an instant come from the history."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, location="Room 1")
        before = datetime.now(UTC).isoformat()
        scan = {"found_at": "Room 2", "condition": "good"}
        seen = await sent(client, f"/assets/{asset['id']}/scan", scan)
        assert seen["asset"]["location"] == "Room 2"
        assert seen["scan"]["found_at"] == "Room 2"
        then = await got(client, f"/assets/{asset['id']}", as_of=before)
        assert then["location"] == "Room 1"


async def test_labels_are_pages_with_tags_names_and_codes(house: House) -> None:
    """Part B: QR labels as PDF, an A4 sheet of 24 or one label per page."""
    async with house.client(ASSET_MANAGER) as client:
        made = [await new_asset(client, name=f"Monitor {n}", serial=f"L-{n}") for n in range(3)]
        ids = ",".join(asset["id"] for asset in made)
        for layout, skip, pages in (("single", 0, 3), ("sheet", 0, 1), ("sheet", 22, 2)):
            answer = await client.get(
                f"{ASSETS}/assets/labels", params={"ids": ids, "layout": layout, "skip": skip}
            )
            assert answer.headers["content-type"] == "application/pdf"
            pdf = pypdf.PdfReader(io.BytesIO(answer.content))
            text = "\n".join(page.extract_text() for page in pdf.pages)
            assert len(pdf.pages) == pages
            for asset in made:
                assert asset["tag"] in text
                assert asset["name"] in text
        answer = await client.get(f"{ASSETS}/assets/labels?ids={ids},{new_id()}")
        assert refused(answer) == (404, "kernel.not_found")
        many = ",".join(str(new_id()) for _ in range(labels.MAX_LABELS + 1))
        answer = await client.get(f"{ASSETS}/assets/labels?ids={many}")
        assert refused(answer) == (413, "kernel.too_large")
        answer = await client.get(f"{ASSETS}/assets/labels?ids=x")
        assert refused(answer) == (422, "kernel.malformed")


def test_a_label_fetches_nothing_from_outside() -> None:
    """Part B: Typst template as package data, never @preview packages, embedded fonts only."""
    template = (Path(labels.__file__).parents[1] / "labels.typ").read_text()
    assert "@preview" not in template
    fonts = {family for family in labels._fonts().families() if family in template}
    assert fonts == {"DejaVu Sans Mono", "Libertinus Serif"}
    code = segno.make("http://x/1", error="m", micro=False)
    assert labels.qr_code("http://x/1").count("<path") == code.svg_inline().count("<path")


async def test_the_register_in_numbers(house: House) -> None:
    """TB ERP analytics: total/assigned/available/maintenance, by status, by type, per employee."""
    tenant = await house.new_tenant()
    on("2024-06-15")
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        empty = await got(client, "/assets/figures")
        assert (empty["total"], empty["by_category"], empty["per_employee"]) == (0, [], [])
        category = await new_category(client)
        kind = {"category_id": category["id"]}
        made = [await new_asset(client, **kind) for _ in range(3)] + [await new_asset(client)]
        await sent(client, f"/assets/{made[0]['id']}/send-to-maintenance", {}, 200)
        await client.delete(f"{ASSETS}/assets/{made[1]['id']}")
        figures = await got(client, "/assets/figures")
    assert figures["total"] == 3
    assert (figures["assigned"], figures["available"], figures["maintenance"]) == (0, 2, 1)
    assert figures["by_status"] == {
        "active": 2,
        "assigned": 0,
        "disposed": 1,
        "maintenance": 1,
        "retired": 0,
    }
    assert [(each["category_name"], each["assets"]) for each in figures["by_category"]] == [
        ("Kind", 2),
        (None, 1),
    ]


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
async def test_the_register_is_exported(house: House, form: str) -> None:
    """TB ERP backlog: CSV/Excel export."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, name="Exported")
        answer = await client.get(f"{ASSETS}/assets/export?format={form}&tag={asset['tag']}")
        assert answer.status_code == 200
        if form != "xlsx":
            assert asset["tag"] in answer.text
