"""Assets, categories and employees for tests."""

from datetime import datetime
from typing import Any
from uuid import UUID

from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.assets import models as m
from orrery.services.assets.actions import categories, custody, register
from orrery.services.assets.schemas.assets import AssetDraft, Handover
from orrery.services.assets.schemas.categories import CategoryDraft

STRAIGHT = {"code": "book", "life_months": 12}


async def make_category(tx: Tx, **values: Any) -> m.AssetCategory:
    """A category with a small form and no books."""
    given: dict[str, Any] = {
        "code": f"laptop-{new_id().hex[-8:]}",
        "name": "Laptop",
        "fields": [
            {"key": "cpu", "label": "Processor", "type": "text", "required": True},
            {"key": "ram_gb", "label": "Memory", "type": "integer", "allowed": ["8", "16", "32"]},
        ],
    }
    draft = CategoryDraft.model_validate(given | values)
    return await categories.create_category(tx, tx.caller, draft)


async def make_asset(tx: Tx, **values: Any) -> m.Asset:
    """An asset that cost 1,200.00 EUR, without category and books."""
    given: dict[str, Any] = {"name": "Laptop", "cost": "1200.00", "currency": "EUR", "books": []}
    return await register.create_asset(tx, tx.caller, AssetDraft.model_validate(given | values))


async def make_held(tx: Tx, employee_id: UUID, **values: Any) -> m.Asset:
    """An asset that an employee holds since today; people is not asked."""
    asset = await make_asset(tx, **values)
    handover = Handover(employee_id=employee_id)
    return await custody.hand_over(tx, tx.caller, asset, handover, status="assigned")


async def hire(house: House, **values: Any) -> UUID:
    """An employee of acme, made through the API of people."""
    name = f"e{new_id().hex[-10:]}"
    draft = {
        "first_name": "Anna",
        "last_name": "Berg",
        "email": f"{name}@acme.example",
        "hired_on": "2020-01-01",
    }
    async with house.client({"people.*": "all"}) as client:
        answer = await client.post("/api/v1/people/employees", json=draft | values)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])


def on(day: str) -> None:
    """Fix the clock at noon of a day."""
    clock.set(datetime.fromisoformat(f"{day}T12:00:00+00:00"))


def announced(tx: Tx) -> list[str]:
    """The events of a transaction, by the name of their class."""
    return [type(event).__name__ for event in tx.events]
