"""The demo company's register: who works on what, what drives, what stands in the workshop."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import demo_id
from orrery.services.assets import models as m
from orrery.services.assets.actions import custody, depreciation, disposal, register, upkeep
from orrery.services.assets.rules import states
from orrery.services.assets.schemas.assets import (
    AssetDraft,
    DisposalDraft,
    GiveBack,
    Handover,
    Scan,
)
from orrery.services.assets.schemas.depreciation import BookDraft, PostingOrder, UseDraft
from orrery.services.assets.schemas.upkeep import LogDraft, MaintenancePlanDraft

HEADQUARTERS = demo_id("organization", "unit-hq")
WARRANTY_YEARS = 3


@dataclass(frozen=True)
class Thing:
    """One asset of the demo company; ``age_days`` is how long ago it was bought."""

    word: str
    category: str
    maker: str
    model: str
    cost: str
    age_days: int
    holder: int | None = None
    location: str = "Head office"
    vendor: str = "Nordlicht IT GmbH"
    asset_class: str = "system"
    specs: dict[str, Any] | None = None


def _laptop(
    number: int, maker: str, model: str, cost: str, age: int, holder: int | None, ram: int
) -> Thing:
    system = "macOS" if maker == "Apple" else "Windows"
    specs = {"os": system, "ram_gb": ram, "disk_gb": 512, "screen_inch": "14", "battery": "good"}
    return Thing(f"laptop-{number}", "laptop", maker, model, cost, age, holder, specs=specs)


def _monitor(number: int, maker: str, model: str, cost: str, age: int, holder: int | None) -> Thing:
    specs = {"size_inch": "27", "resolution": "2560 x 1440", "panel": "IPS"}
    return Thing(
        f"monitor-{number}",
        "monitor",
        maker,
        model,
        cost,
        age,
        holder,
        asset_class="peripheral",
        specs=specs,
    )


def _mobile(number: int, maker: str, model: str, cost: str, age: int, holder: int | None) -> Thing:
    specs = {"os": "iOS" if maker == "Apple" else "Android", "storage_gb": 128, "has_sim": True}
    return Thing(f"mobile-{number}", "mobile", maker, model, cost, age, holder, specs=specs)


def _furniture(number: int, maker: str, model: str, cost: str, age: int, place: str) -> Thing:
    return Thing(
        f"furniture-{number}",
        "furniture",
        maker,
        model,
        cost,
        age,
        location=place,
        vendor="Bureau Plus KG",
        asset_class="peripheral",
        specs={"material": "Oak", "colour": "natural"},
    )


THINGS = [
    _laptop(1, "Lenovo", "ThinkPad X1 Carbon", "1849.00", 640, 1, 32),
    _laptop(2, "Lenovo", "ThinkPad T14", "1399.00", 640, 2, 16),
    _laptop(3, "Lenovo", "ThinkPad T14", "1399.00", 610, 3, 16),
    _laptop(4, "Dell", "Latitude 7450", "1525.50", 480, 4, 16),
    _laptop(5, "Dell", "Latitude 7450", "1525.50", 480, 5, 16),
    _laptop(6, "Apple", "MacBook Pro 14", "2349.00", 300, 6, 32),
    _laptop(7, "Apple", "MacBook Air 13", "1299.00", 300, 7, 16),
    _laptop(8, "Lenovo", "ThinkPad L14", "989.00", 150, 12, 16),
    _laptop(9, "Dell", "Latitude 5440", "1149.00", 1240, None, 16),
    _laptop(10, "HP", "EliteBook 840 G6", "1450.00", 1500, None, 8),
    _monitor(1, "Dell", "U2723QE", "529.00", 640, 1),
    _monitor(2, "Dell", "U2723QE", "529.00", 640, 2),
    _monitor(3, "Dell", "P2723D", "289.00", 610, 3),
    _monitor(4, "LG", "27UP850", "419.00", 480, 4),
    _monitor(5, "LG", "27UP850", "419.00", 480, 5),
    _monitor(6, "LG", "27UP850", "419.00", 300, 12),
    _monitor(7, "Eizo", "EV2740X", "879.00", 300, None),
    _mobile(1, "Apple", "iPhone 15", "849.00", 420, 1),
    _mobile(2, "Apple", "iPhone 15", "849.00", 420, 6),
    _mobile(3, "Samsung", "Galaxy S24", "749.00", 260, 8),
    _mobile(4, "Samsung", "Galaxy A55", "399.00", 260, 9),
    _mobile(5, "Google", "Pixel 8a", "449.00", 90, None),
    _furniture(1, "Vitra", "Conference table", "3890.00", 900, "Meeting room 1"),
    _furniture(2, "Steelcase", "Desk, height adjustable", "740.00", 900, "Room 2.01"),
    _furniture(3, "Steelcase", "Desk, height adjustable", "740.00", 900, "Room 2.02"),
    _furniture(4, "Steelcase", "Desk, height adjustable", "740.00", 430, "Room 2.03"),
    _furniture(5, "USM", "Filing cabinet", "1180.00", 700, "Archive"),
    Thing(
        "vehicle-1", "vehicle", "Volkswagen", "ID.7 Tourer", "52400.00", 520, 10,
        "Garage", "Autohaus Sommer", specs={"plate": "B-MT 101", "fuel": "electric", "seats": 5},
    ),
    Thing(
        "vehicle-2", "vehicle", "Mercedes-Benz", "eVito", "46900.00", 800, None,
        "Yard", "Autohaus Sommer", specs={"plate": "B-MT 102", "fuel": "electric", "seats": 3},
    ),
    Thing(
        "vehicle-3", "vehicle", "Ford", "Transit Custom", "38750.00", 1300, None,
        "Yard", "Autohaus Sommer", specs={"plate": "B-MT 103", "fuel": "diesel", "seats": 3},
    ),
    Thing(
        "machine-1", "machine", "Jungheinrich", "EFG 216 forklift", "28900.00", 760, None,
        "Warehouse", "Lagertechnik Weber",
        specs={"power_kw": "9.5", "voltage": "400", "built_in": 2024},
    ),
    Thing(
        "machine-2", "machine", "Atlas Copco", "GA 15 compressor", "16450.00", 1100, None,
        "Workshop", "Lagertechnik Weber", specs={"power_kw": "15", "voltage": "400"},
    ),
    Thing(
        "machine-3", "machine", "Konica Minolta", "Label press", "12800.00", 400, None,
        "Workshop", "Lagertechnik Weber", specs={"power_kw": "3.2", "voltage": "230"},
    ),
]  # fmt: skip


async def seed(tx: Tx, caller: Caller) -> None:
    """Fill the demo company's register, once."""
    if await tx.find(m.Asset, id=demo_id("assets", THINGS[0].word)) is not None:
        return
    categories = {row.code: row.id for row in await tx.all(m.AssetCategory)}
    for thing in THINGS:
        asset = await _enter(tx, caller, thing, categories[thing.category])
        if thing.holder is not None:
            await _hand_over(tx, caller, asset, thing.holder, after_days=3)
    await _past_custody(tx, caller)
    await _maintenance(tx, caller)
    await _use(tx, caller)
    end_of_last_month = caller.today.replace(day=1) - timedelta(days=1)
    await depreciation.post_depreciation(tx, caller, PostingOrder(through=end_of_last_month))
    await _leave(tx, caller)
    await register.scan_asset(
        tx,
        caller,
        demo_id("assets", "monitor-7"),
        Scan(found_at="Storage room", condition="good", notes="Yearly count"),
    )


async def _enter(tx: Tx, caller: Caller, thing: Thing, category_id: UUID) -> m.Asset:
    bought = caller.today - timedelta(days=thing.age_days)
    warranty = bought + timedelta(days=365 * WARRANTY_YEARS)
    draft = AssetDraft.model_validate(
        {
            "name": f"{thing.maker} {thing.model}",
            "asset_class": thing.asset_class,
            "serial": f"DEMO-{thing.word.upper()}",
            "maker": thing.maker,
            "model": thing.model,
            "category_id": category_id,
            "specs": thing.specs or {},
            "condition": "good",
            "purchased_on": bought,
            "warranty_until": warranty,
            "insurance_until": caller.today + timedelta(days=200)
            if thing.category == "vehicle"
            else None,
            "vendor_name": thing.vendor,
            "purchase_document": f"RE-{bought:%Y%m%d}",
            "cost": thing.cost,
            "location": thing.location,
            "unit_id": HEADQUARTERS,
            "books": _press_books() if thing.word == "machine-3" else None,
        }
    )
    return await register.create_asset(tx, caller, draft, id=demo_id("assets", thing.word))


def _press_books() -> list[dict[str, Any]]:
    """The label press wears by what it prints, not by time."""
    press = BookDraft(method="units_of_production", life_months=96, units_total=Decimal(5_000_000))
    return [press.model_dump(exclude_unset=True)]


async def _hand_over(
    tx: Tx, caller: Caller, asset: m.Asset, employee: int, *, after_days: int
) -> None:
    """Demo employees exist by agreement, so people need not be asked."""
    handed_on = (asset.purchased_on or caller.today) + timedelta(days=after_days)
    handover = Handover(
        employee_id=demo_id("people", f"employee-{employee}"), assigned_on=handed_on
    )
    status = states.assign(status=asset.status, holder_id=asset.assigned_employee_id, tag=asset.tag)
    await custody.hand_over(tx, caller, asset, handover, status=status)


async def _past_custody(tx: Tx, caller: Caller) -> None:
    """An older laptop went through two hands and lies in stock again."""
    laptop = demo_id("assets", "laptop-9")
    for employee, after_days, kept_days in ((11, 4, 500), (9, 520, 480)):
        asset = await tx.one(m.Asset, laptop)
        await _hand_over(tx, caller, asset, employee, after_days=after_days)
        bought = asset.purchased_on or caller.today
        returned_on = bought + timedelta(days=after_days + kept_days)
        back = GiveBack(returned_on=returned_on, condition="fair", location="Storage room")
        await custody.return_asset(tx, caller, laptop, back)


async def _maintenance(tx: Tx, caller: Caller) -> None:
    today = caller.today
    plans = [
        ("vehicle-1", "Inspection", 12, today + timedelta(days=150)),
        ("vehicle-2", "Inspection", 12, today + timedelta(days=9)),
        ("machine-1", "Forklift safety check", 12, today - timedelta(days=12)),
        ("machine-2", "Oil and filters", 6, today - timedelta(days=200)),
    ]
    for word, name, months, first in plans:
        draft = MaintenancePlanDraft(
            asset_id=demo_id("assets", word),
            name=name,
            every=months,
            every_unit="month",
            first_due_on=first,
        )
        await upkeep.plan_maintenance(tx, caller, draft, id=demo_id("assets", f"plan-{word}"))
    for log in _logs(today):
        await upkeep.log_maintenance(tx, caller, log)
    await upkeep.send_to_maintenance(tx, caller, demo_id("assets", "laptop-4"))


def _logs(today: date) -> list[LogDraft]:
    return [
        LogDraft(
            asset_id=demo_id("assets", "machine-2"),
            plan_id=demo_id("assets", "plan-machine-2"),
            kind="preventive",
            description="Oil, separator and air filter changed",
            cost=Decimal("612.40"),
            performer="Atlas Copco service",
            performed_on=today - timedelta(days=130),
        ),
        LogDraft(
            asset_id=demo_id("assets", "vehicle-2"),
            kind="repair",
            description="Rear left tyre replaced after a puncture",
            cost=Decimal("189.00"),
            performer="Autohaus Sommer",
            performed_on=today - timedelta(days=75),
        ),
        LogDraft(
            asset_id=demo_id("assets", "laptop-4"),
            kind="repair",
            description="Keyboard does not answer, sent in under warranty",
            performer="Dell",
            performed_on=today - timedelta(days=2),
            next_due_on=today + timedelta(days=12),
        ),
    ]


async def _use(tx: Tx, caller: Caller) -> None:
    """A year of labels from the press, month by month."""
    press = demo_id("assets", "machine-3")
    for number, thousands in enumerate((42, 48, 51, 39, 60, 55, 47, 52, 58, 44, 49, 53)):
        use = UseDraft(
            units=Decimal(thousands * 1_000),
            used_on=caller.today - timedelta(days=15 + 30 * number),
        )
        await depreciation.record_use(tx, caller, press, use)


async def _leave(tx: Tx, caller: Caller) -> None:
    """The oldest laptop is retired, a van of the past was sold."""
    await register.retire_asset(tx, caller, demo_id("assets", "laptop-10"))
    sold = DisposalDraft(
        kind="sale",
        disposed_on=caller.today - timedelta(days=20),
        proceeds=Decimal("17500.00"),
        buyer="Gebrauchtwagen Krause",
    )
    await disposal.dispose_asset(tx, caller, demo_id("assets", "vehicle-3"), sold)
