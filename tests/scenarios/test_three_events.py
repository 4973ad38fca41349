"""The three events of TB ERP (seed 4, section 9), from the request to the effect."""

from typing import Any

import httpx2

from orrery.kernel.types.ids import new_id
from tests.scenarios.world import World


async def _made(client: httpx2.AsyncClient, path: str, **body: Any) -> Any:
    response = await client.post(f"/api/v1/{path}", json=body)
    assert response.is_success, f"{path}: {response.text}"
    return response.json()


async def _got(client: httpx2.AsyncClient, path: str) -> Any:
    response = await client.get(f"/api/v1/{path}")
    assert response.is_success, f"{path}: {response.text}"
    return response.json()


async def test_employee_deleted_takes_the_assets_back_and_the_history_says_why(
    world: World,
) -> None:
    """employee.deleted -> Asset Service: set assigned_employee_id = NULL."""
    admin = await world.administrator()
    word = new_id().hex[-8:]
    employee = await _made(
        admin, "people/employees", first_name="Ida", last_name=word, email=f"{word}@w.example"
    )
    asset = await _made(admin, "assets/assets", name="Laptop", cost="1200.00")
    await _made(admin, f"assets/assets/{asset['id']}/assign", employee_id=employee["id"])
    held = await _got(admin, f"assets/assets/{asset['id']}")
    assert held["assigned_employee_id"] == employee["id"]

    deleted = await admin.delete(f"/api/v1/people/employees/{employee['id']}")
    assert deleted.is_success

    async def released() -> bool:
        now = await _got(admin, f"assets/assets/{asset['id']}")
        return bool(now["assigned_employee_id"] is None)

    await world.until("the asset is free", released)
    now = await _got(admin, f"assets/assets/{asset['id']}")
    assert now["status"] == "active"
    entries = (await _got(admin, f"assets/assets/{asset['id']}/timeline"))["items"]
    change = next(e for e in entries if "assigned_employee_id" in e["changes"])
    assert change["changes"]["assigned_employee_id"] == [employee["id"], None]
    assert change["actor"] == "service:assets"
    assert change["request_id"] == deleted.headers["X-Request-ID"]
    custody = await _got(admin, f"assets/assignments?asset_id={asset['id']}")
    assert word in str(custody["items"][0])


async def test_asset_created_raises_the_dashboards_value(world: World) -> None:
    """asset.created -> Dashboard Service: update total asset value."""
    admin = await world.administrator()
    before = await _got(admin, "analytics/figures")
    await _made(admin, "assets/assets", name="Server", cost="4321.50")

    async def raised() -> bool:
        now = await _got(admin, "analytics/figures")
        return bool(now["assets_total"] == before["assets_total"] + 1)

    await world.until("the dashboard counts the asset", raised, seconds=5)
    from decimal import Decimal

    now = await _got(admin, "analytics/figures")
    assert Decimal(now["assets_value"]) - Decimal(before["assets_value"]) == Decimal("4321.50")


async def test_invoice_paid_raises_revenue_and_sends_one_receipt(world: World) -> None:
    """invoice.paid -> Dashboard, Notification: update revenue, send receipt."""
    admin = await world.administrator()
    word = new_id().hex[-8:]
    before = await _got(admin, "analytics/figures")
    customer = await _made(
        admin, "invoicing/customers", name=f"Bakery {word}", email=f"{word}@customer.example"
    )
    invoice = await _made(
        admin,
        "invoicing/invoices",
        customer_id=customer["id"],
        lines=[{"description": "Bread", "quantity": "10", "unit_price": "2.50"}],
        issue=True,
    )
    assert invoice["total"] == "25.00"
    part = await _made(admin, f"invoicing/invoices/{invoice['id']}/payments", amount="10.00")
    assert part is not None
    assert (await _got(admin, f"invoicing/invoices/{invoice['id']}"))["state"] == "partly_paid"
    await _made(admin, f"invoicing/invoices/{invoice['id']}/payments")
    assert (await _got(admin, f"invoicing/invoices/{invoice['id']}"))["state"] == "paid"

    async def arrived() -> Any:
        return world.sink.to(f"{word}@customer.example")

    mails = await world.until("the receipt arrives", arrived)
    assert invoice["number"] in str(mails[0]["Subject"]) + mails[0].as_string()

    async def counted() -> bool:
        now = await _got(admin, "analytics/figures")
        return bool(now["revenue_paid"] != before["revenue_paid"])

    await world.until("revenue counts the invoice", counted)
    from decimal import Decimal

    now = await _got(admin, "analytics/figures")
    raised = Decimal(now["revenue_paid"]) - Decimal(before["revenue_paid"])
    assert raised == Decimal("25.00")
    assert len(world.sink.to(f"{word}@customer.example")) == 1


async def test_assets_come_with_their_owners_by_one_batched_question(world: World) -> None:
    """The composition algorithm of seed 4, section 7."""
    admin = await world.administrator()
    word = new_id().hex[-8:]
    people = [
        await _made(admin, "people/employees", first_name=f"P{i}", last_name=word, email=None)
        for i in range(2)
    ]
    for owner in (*people, people[0], None):
        asset = await _made(admin, "assets/assets", name=f"Phone {word}", cost="300")
        if owner is not None:
            await _made(admin, f"assets/assets/{asset['id']}/assign", employee_id=owner["id"])
    view = await _got(admin, f"views/assets-with-owners?q={word}&limit=10")
    names = sorted((item["owner"] or {}).get("full_name", "-") for item in view["items"])
    assert names == ["-", f"P0 {word}", f"P0 {word}", f"P1 {word}"]
    assert view["missing"] == []


async def test_the_activity_feed_knows_what_happened(world: World) -> None:
    """The feed of all events, by record."""
    admin = await world.administrator()
    asset = await _made(admin, "assets/assets", name="Desk", cost="90")

    async def told() -> Any:
        page = await _got(admin, f"activity/entries?subject={asset['id']}")
        return [entry["name"] for entry in page["items"]]

    assert await world.until("the feed has it", told) == ["assets.asset_created.v1"]
