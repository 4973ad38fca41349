"""What assets asks other services: only people, and only whether somebody works here."""

from dataclasses import dataclass
from uuid import UUID

from orrery.kernel.db import ReadTx


@dataclass(frozen=True)
class Employee:
    """What people says about an employee."""

    id: UUID
    is_active: bool


async def employee(tx: ReadTx, id: UUID) -> Employee | None:
    """The employee of an id, or None. Refuses: Unavailable when people does not answer."""
    answer = await tx.neighbour("people").get("/employees", params={"ids": str(id)})
    found = [item for item in answer["items"] if item["id"] == str(id)]
    return Employee(id, found[0]["status"] == "active") if found else None
