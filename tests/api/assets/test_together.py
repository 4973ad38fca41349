"""Several at once: one holder, one entry per period, one asset per tag, and no broken form."""

import asyncio
from collections import Counter

from orrery.kernel.testing import House
from tests.actions.assets.factories import hire, on
from tests.api.assets.factories import ASSET_MANAGER, ASSETS, got, new_asset, new_category


async def test_one_of_many_gets_the_asset(house: House) -> None:
    """TB ERP: cannot assign twice, however many try at the same moment."""
    people = [await hire(house) for _ in range(6)]
    async with house.client(ASSET_MANAGER) as client:
        asset = await new_asset(client)
        path = f"{ASSETS}/assets/{asset['id']}"
        answers = await asyncio.gather(
            *(client.post(f"{path}/assign", json={"employee_id": str(one)}) for one in people)
        )
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
        codes = {answer.json().get("code") for answer in answers if answer.status_code == 409}
        assert codes == {"assets.already_assigned"}
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert (await client.get(path)).json()["assigned_employee_id"] == won[
            "assigned_employee_id"
        ]
        assert len((await got(client, "/assignments", asset_id=asset["id"]))["items"]) == 1


async def test_a_period_is_posted_once_however_many_post_it(house: House) -> None:
    """Part B: idempotent per asset, book, period, also for runs at the same time."""
    tenant = await house.new_tenant()
    on("2024-12-31")
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        for _ in range(10):
            await new_asset(client, purchased_on="2024-01-01", books=[{"life_months": 12}])
        answers = await asyncio.gather(
            *(client.post(f"{ASSETS}/depreciation/post", json={}) for _ in range(5))
        )
        assert [answer.status_code for answer in answers] == [200] * 5
        entries = sum(book["entries"] for answer in answers for book in answer.json()["books"])
        assert entries == 120
        page = await got(client, "/depreciation-entries", total="true")
        assert page["total"] == 120


async def test_parallel_entries_get_tags_without_gap_or_double(house: House) -> None:
    """Part B: tag series; numbers are gapless with parallel writers."""
    tenant = await house.new_tenant()
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        made = await asyncio.gather(*(new_asset(client) for _ in range(20)))
        tags = sorted(asset["tag"] for asset in made)
        assert tags == [f"AST-{number:05}" for number in range(1, 21)]


async def test_no_asset_slips_in_while_its_form_changes(house: House) -> None:
    """A form never breaks stored assets: whoever is first, assets and form fit in the end."""
    async with house.client(ASSET_MANAGER) as client:
        for _ in range(5):
            category = await new_category(client)
            new = {"name": "X", "category_id": category["id"], "specs": {"cpu": "M3"}, "books": []}
            form = client.patch(f"{ASSETS}/categories/{category['id']}", json={"fields": []})
            asset = client.post(f"{ASSETS}/assets", json=new)
            changed, entered = await asyncio.gather(form, asset)
            assert {changed.status_code, entered.status_code} in ({200, 422}, {409, 201})


async def test_posting_and_disposing_do_not_wait_in_a_circle(house: House) -> None:
    """Locks go asset, then books: no deadlock, and what is posted is what is gone."""
    tenant = await house.new_tenant()
    on("2024-06-15")
    async with house.client(ASSET_MANAGER, tenant=tenant) as client:
        made = [
            await new_asset(client, purchased_on="2024-01-01", books=[{"life_months": 12}])
            for _ in range(10)
        ]
        disposals = [client.delete(f"{ASSETS}/assets/{asset['id']}") for asset in made]
        postings = [client.post(f"{ASSETS}/depreciation/post", json={}) for _ in range(5)]
        answers = await asyncio.gather(*disposals, *postings)
        assert {answer.status_code for answer in answers} == {200}
        for asset in made:
            value = await got(client, f"/assets/{asset['id']}/book-value", on="2024-06-15")
            assert (value["posted"], value["book_value"]) == ("500.00", "0")
