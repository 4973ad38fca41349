"""What a new tenant's register begins with: its currency, and six categories to work with."""

from typing import Any

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.assets import models as m
from orrery.services.assets.actions.categories import change_options, create_category
from orrery.services.assets.schemas.categories import CategoryDraft, OptionsChange

_COMPUTER: list[dict[str, Any]] = [
    {"key": "cpu", "label": "Processor", "type": "text"},
    {"key": "ram_gb", "label": "Memory", "type": "integer", "unit": "GB"},
    {"key": "disk_gb", "label": "Disk", "type": "integer", "unit": "GB"},
]

DEFAULT_CATEGORIES: list[dict[str, Any]] = [
    {
        "code": "laptop",
        "name": "Laptop",
        "fields": [
            {
                "key": "os",
                "label": "Operating system",
                "type": "choice",
                "allowed": ["Windows", "macOS", "Linux", "ChromeOS"],
            },
            *_COMPUTER,
            {"key": "screen_inch", "label": "Screen", "type": "number", "unit": "inch"},
            {
                "key": "battery",
                "label": "Battery condition",
                "type": "choice",
                "allowed": ["good", "worn", "replace"],
            },
        ],
        "books": [{"code": "book", "method": "straight_line", "life_months": 36}],
    },
    {
        "code": "monitor",
        "name": "Monitor",
        "fields": [
            {"key": "size_inch", "label": "Size", "type": "number", "unit": "inch"},
            {"key": "resolution", "label": "Resolution", "type": "text"},
            {
                "key": "panel",
                "label": "Panel",
                "type": "choice",
                "allowed": ["IPS", "VA", "TN", "OLED"],
            },
        ],
        "books": [{"code": "book", "method": "straight_line", "life_months": 36}],
    },
    {
        "code": "mobile",
        "name": "Mobile",
        "fields": [
            {
                "key": "os",
                "label": "Operating system",
                "type": "choice",
                "allowed": ["iOS", "Android"],
            },
            {"key": "storage_gb", "label": "Storage", "type": "integer", "unit": "GB"},
            {"key": "imei", "label": "IMEI", "type": "text"},
            {"key": "has_sim", "label": "SIM card in it", "type": "boolean"},
        ],
        "books": [{"code": "book", "method": "straight_line", "life_months": 36}],
    },
    {
        "code": "furniture",
        "name": "Furniture",
        "fields": [
            {"key": "material", "label": "Material", "type": "text"},
            {"key": "colour", "label": "Colour", "type": "text"},
            {"key": "width_cm", "label": "Width", "type": "number", "unit": "cm"},
        ],
        "books": [
            {"code": "book", "method": "straight_line", "life_months": 156, "period_months": 12}
        ],
    },
    {
        "code": "vehicle",
        "name": "Vehicle",
        "fields": [
            {"key": "plate", "label": "Number plate", "type": "text"},
            {"key": "vin", "label": "Vehicle number", "type": "text"},
            {
                "key": "fuel",
                "label": "Fuel",
                "type": "choice",
                "allowed": ["electric", "petrol", "diesel", "hybrid"],
            },
            {"key": "first_registered", "label": "First registered", "type": "date"},
            {"key": "seats", "label": "Seats", "type": "integer"},
        ],
        "books": [
            {
                "code": "book",
                "method": "straight_line",
                "life_months": 72,
                "salvage_percent": "10",
            },
            {
                "code": "tax",
                "method": "declining_balance",
                "factor": "2",
                "life_months": 72,
                "period_months": 12,
            },
        ],
    },
    {
        "code": "machine",
        "name": "Machine",
        "fields": [
            {"key": "power_kw", "label": "Power", "type": "number", "unit": "kW"},
            {"key": "voltage", "label": "Voltage", "type": "choice", "allowed": ["230", "400"]},
            {"key": "built_in", "label": "Year built", "type": "integer"},
        ],
        "books": [
            {"code": "book", "method": "straight_line", "life_months": 96, "salvage_percent": "5"},
            {
                "code": "tax",
                "method": "macrs",
                "convention": "half_year",
                "life_months": 84,
                "period_months": 12,
            },
        ],
    },
]


async def provision(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Give a new tenant its currency and the default categories."""
    await change_options(tx, caller, OptionsChange(currency=order.currency))
    for values in DEFAULT_CATEGORIES:
        if await tx.find(m.AssetCategory, code=values["code"]) is None:
            await create_category(tx, caller, CategoryDraft.model_validate(values))
