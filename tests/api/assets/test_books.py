"""Depreciation and maintenance over the API."""

from orrery.kernel.testing import House
from tests.actions.assets.factories import on
from tests.api.assets.factories import ASSET_MANAGER, ASSETS, got, new_asset, refused, sent

BOOK = {"life_months": 12}
TAX = {
    "code": "tax",
    "method": "macrs",
    "convention": "half_year",
    "life_months": 60,
    "period_months": 12,
}


async def test_book_value_and_schedule_of_any_book(house: House) -> None:
    """Part B: GET /assets/{id}/book-value?on=&book=; schedule rows."""
    on("2024-06-15")
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, purchased_on="2024-01-01", books=[BOOK])
        path = f"/assets/{asset['id']}"
        await sent(client, f"{path}/books", TAX)
        value = await got(client, f"{path}/book-value", on="2024-02-15")
        assert (value["book"], value["depreciated"], value["book_value"]) == (
            "book",
            "151.72",
            "1048.28",
        )
        today = await got(client, f"{path}/book-value")
        assert today["on"] == "2024-06-15"
        tax = await got(client, f"{path}/book-value", on="2025-12-31", book="tax")
        assert tax["book_value"] == "576.00"
        schedule = await got(client, f"{path}/schedule", book="tax")
        assert [row["depreciation"] for row in schedule["rows"]] == [
            "240.00",
            "384.00",
            "230.40",
            "138.24",
            "138.24",
            "69.12",
        ]
        assert schedule["rows"][-1]["closing"] in ("0", "0.00")
        missing = await client.get(f"{ASSETS}{path}/book-value?book=group")
        assert refused(missing) == (404, "kernel.not_found")
        bare = await new_asset(client)
        missing = await client.get(f"{ASSETS}/assets/{bare['id']}/schedule")
        assert refused(missing) == (404, "kernel.not_found")


async def test_a_period_is_posted_and_reversed(house: House) -> None:
    """Part B: posting by verb, idempotent; reversal instead of change."""
    on("2024-03-31")
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, purchased_on="2024-01-01", books=[BOOK])
        order = {"asset_ids": [asset["id"]]}
        posted = await sent(client, "/depreciation/post", order, 200)
        assert posted["books"] == [
            {"book": "book", "currency": "EUR", "entries": 3, "amount": "300.00"}
        ]
        assert (await sent(client, "/depreciation/post", order, 200))["books"] == []
        wanted = {"asset_id": asset["id"], "sort": "-period_end"}
        entries = (await got(client, "/depreciation-entries", **wanted))["items"]
        assert [entry["period_end"] for entry in entries] == [
            "2024-03-31",
            "2024-02-29",
            "2024-01-31",
        ]
        reverse = f"/depreciation-entries/{entries[0]['id']}/reverse"
        reversal = await sent(client, reverse, {"notes": "Too early"})
        assert (reversal["kind"], reversal["amount"]) == ("reversal", "-100.00")
        again = await client.post(f"{ASSETS}{reverse}", json={"notes": "Twice"})
        assert refused(again) == (409, "assets.not_the_latest_entry")
        entries = (await got(client, "/depreciation-entries", **wanted))["items"]
        assert [entry["is_reversed"] for entry in entries if entry["kind"] == "period"] == [
            True,
            False,
            False,
        ]
        value = await got(client, f"/assets/{asset['id']}/book-value")
        assert (value["posted"], value["posted_through"]) == ("200.00", "2024-02-29")


async def test_a_cost_is_corrected_before_it_is_posted(house: House) -> None:
    """Part B: correct cost (before depreciation posted)."""
    on("2024-03-31")
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, purchased_on="2024-01-01", books=[BOOK])
        path = f"/assets/{asset['id']}/correct-cost"
        body = {"cost": "2400", "reason": "Two were bought"}
        assert (await sent(client, path, body, 200))["cost"] == "2400.00"
        await sent(client, "/depreciation/post", {"asset_ids": [asset["id"]]}, 200)
        answer = await client.post(f"{ASSETS}{path}", json=body | {"cost": "1"})
        assert refused(answer) == (409, "assets.cost_is_posted")
        assert (await got(client, f"/assets/{asset['id']}"))["cost"] == "2400.00"


async def test_books_are_opened_held_and_removed(house: House) -> None:
    """Several books per asset, each code once; terms that contradict each other are told."""
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, books=[BOOK])
        path = f"{ASSETS}/assets/{asset['id']}/books"
        taken = await client.post(path, json=BOOK)
        assert refused(taken) == (409, "assets.book_code_taken")
        wrong = await client.post(path, json=TAX | {"life_months": 48})
        assert refused(wrong) == (422, "assets.plan_invalid")
        assert wrong.json()["facts"]["fields"] == {"life_months": "not_a_macrs_recovery_period"}
        book = await sent(client, f"/assets/{asset['id']}/books", TAX)
        own = f"{ASSETS}/depreciation-books/{book['id']}"
        assert (await client.patch(own, json={"is_on_hold": True})).json()["is_on_hold"] is True
        assert (await client.delete(own)).status_code == 204
        assert refused(await client.get(own)) == (404, "kernel.not_found")


async def test_use_is_recorded_and_taken_back(house: House) -> None:
    """Part B: units of production."""
    on("2024-03-31")
    press = {"method": "units_of_production", "life_months": 96, "units_total": "1000"}
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, purchased_on="2024-01-01", books=[press])
        path = f"/assets/{asset['id']}"
        use = await sent(client, f"{path}/uses", {"units": "250", "used_on": "2024-02-10"})
        assert (await got(client, f"{path}/book-value"))["book_value"] == "900.00"
        back = await sent(client, f"/asset-uses/{use['id']}/reverse", {"notes": "Other press"})
        assert (back["units"], back["used_on"]) == ("-250", "2024-02-10")
        assert (await got(client, f"{path}/book-value"))["book_value"] == "1200.00"
        listed = await got(client, "/asset-uses", asset_id=asset["id"])
        assert len(listed["items"]) == 2


async def test_maintenance_is_planned_done_and_due(house: House) -> None:
    """Part B: plans by time, logs with correction, list of what is due."""
    on("2024-06-15")
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        mine = {"asset_id": asset["id"]}
        half = await client.post(
            f"{ASSETS}/maintenance-plans", json=mine | {"name": "Oil", "every": 6}
        )
        assert refused(half) == (422, "kernel.malformed")
        plan = await sent(
            client,
            "/maintenance-plans",
            mine | {"name": "Oil", "every": 6, "every_unit": "month", "first_due_on": "2024-06-20"},
        )
        due = await got(client, "/maintenance-due", **mine)
        assert [each["id"] for each in due["items"]] == [plan["id"]]
        log = await sent(
            client,
            "/maintenance-logs",
            mine | {"kind": "preventive", "description": "Oil", "plan_id": plan["id"]},
        )
        assert (await got(client, "/maintenance-due", **mine))["items"] == []
        now = await got(client, f"/maintenance-plans/{plan['id']}")
        assert (now["next_due_on"], now["state"]) == ("2024-12-15", "planned")
        path = f"/maintenance-logs/{log['id']}"
        fixed = await sent(client, f"{path}/correct", {"cost": "80.5"}, 200)
        assert fixed["cost"] == "80.50"
        void = await sent(client, f"{path}/void", {"reason": "Typed twice"}, 200)
        assert void["is_void"] is True
        again = await client.post(f"{ASSETS}{path}/correct", json={"cost": "1"})
        assert refused(again) == (409, "assets.log_is_void")
        due = await got(client, "/maintenance-due", **mine)
        assert [each["id"] for each in due["items"]] == [plan["id"]]
        later = await client.patch(
            f"{ASSETS}/maintenance-plans/{plan['id']}", json={"first_due_on": "2024-09-01"}
        )
        assert later.json()["state"] == "planned"
        ended = await sent(client, f"/maintenance-plans/{plan['id']}/end", {}, 200)
        assert ended["is_ended"] is True


async def test_a_sale_answers_with_gain_by_book(house: House) -> None:
    """Part B: disposal (sale or scrap: date, proceeds, gain or loss)."""
    on("2024-06-15")
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client, purchased_on="2023-07-01", books=[BOOK, TAX])
        path = f"{ASSETS}/assets/{asset['id']}/dispose"
        early = await client.post(path, json={"kind": "sale", "disposed_on": "2023-06-30"})
        assert refused(early) == (409, "assets.wrong_date")
        sold = (await client.post(path, json={"kind": "sale", "proceeds": "250"})).json()
        told = {each["book"]: (each["book_value"], each["gain"]) for each in sold["disposals"]}
        assert told == {"book": ("100.00", "150.00"), "tax": ("768.00", "-518.00")}
        assert sold["status"] == "disposed"
        listed = await got(client, "/disposals", asset_id=asset["id"], is_leading="true")
        assert [each["book"] for each in listed["items"]] == ["book"]


async def test_dates_stay_in_the_calendar(house: House) -> None:
    """Dates from which arithmetic could leave the calendar are malformed; the limits are not."""
    async with house.client(ASSET_MANAGER) as client:
        for wrong in ("9999-12-31", "0001-01-01", "2201-01-01", "1899-12-31"):
            answer = await client.post(
                f"{ASSETS}/assets", json={"name": "X", "purchased_on": wrong}
            )
            assert refused(answer) == (422, "kernel.malformed"), wrong
        for right in ("2200-12-31", "1900-01-01"):
            asset = await new_asset(client, purchased_on=right, books=[{"life_months": 1200}])
            answer = await got(client, f"/assets/{asset['id']}/schedule")
            assert len(answer["rows"]) == 1200


async def test_the_registers_settings_are_the_tenants_own(house: House) -> None:
    """Part B: tag series; provisioning sets the currency and six categories."""
    tenant = await house.new_tenant(currency="CHF")
    async with house.client({"*": "all"}, tenant=tenant) as client:
        options = await got(client, "/options")
        assert options == {"currency": "CHF", "tag_pattern": "AST-{00000}", "fiscal_year_month": 1}
        codes = [each["code"] for each in (await got(client, "/categories", sort="code"))["items"]]
        assert codes == ["furniture", "laptop", "machine", "mobile", "monitor", "vehicle"]
        first = await sent(client, "/assets", {"name": "X"})
        assert (first["tag"], first["currency"]) == ("AST-00001", "CHF")
        changed = await client.patch(f"{ASSETS}/options", json={"tag_pattern": "TBA{00000}"})
        assert changed.json()["tag_pattern"] == "TBA{00000}"
        assert (await sent(client, "/assets", {"name": "X"}))["tag"] == "TBA00002"
        for wrong in ("TBA", "{00}{00}", "a b{00}"):
            answer = await client.patch(f"{ASSETS}/options", json={"tag_pattern": wrong})
            assert refused(answer) == (422, "kernel.malformed"), wrong


async def test_categories_are_archived_not_deleted(house: House) -> None:
    """DESIGN 5: reference rows are archived; a code is taken once."""
    async with house.client(ASSET_MANAGER) as client:
        body = {"code": "robot", "name": "Robot"}
        category = await sent(client, "/categories", body)
        twice = await client.post(f"{ASSETS}/categories", json=body)
        assert refused(twice) == (409, "kernel.duplicate")
        path = f"/categories/{category['id']}"
        assert (await sent(client, f"{path}/archive", {}, 200))["is_archived"] is True
        new = {"name": "R2", "category_id": category["id"]}
        answer = await client.post(f"{ASSETS}/assets", json=new)
        assert refused(answer) == (409, "assets.category_archived")
        await sent(client, f"{path}/restore", {}, 200)
        assert (await sent(client, "/assets", new))["category_name"] == "Robot"
