"""What a new tenant starts with: plain data."""

from datetime import time
from typing import Any
from uuid import UUID

from orrery.kernel.types.ids import demo_id, new_id

DEMO_TENANT = "demo"

DEPARTMENTS = {
    "ENG": "Engineering",
    "HR": "Human Resources",
    "FIN": "Finance",
    "OPS": "Operations",
    "SALES": "Sales",
    "IT": "Information Technology",
}
WORK_SCHEDULE: dict[str, Any] = {
    "code": "OFFICE",
    "name": "Office hours",
    "department_id": None,
    "starts_at": time(9),
    "ends_at": time(17, 30),
    "grace_minutes": 10,
    "minimum_minutes": 240,
    "weekdays": [1, 2, 3, 4, 5],
}


def department_id(tenant: str, code: str) -> UUID:
    """A fresh id; the demo tenant's is fixed, so that other services' demo data can name it."""
    return demo_id("people", f"department-{code.lower()}") if tenant == DEMO_TENANT else new_id()
