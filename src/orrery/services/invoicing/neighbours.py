"""Whom invoicing asks: organization, for how a unit is called, where it is and how it looks."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import Refusal


@dataclass(frozen=True)
class Look:
    """What the tenant's papers look like."""

    title: str | None
    logo_text: str | None
    accent_colour: str
    paper: str


PLAIN = Look(title=None, logo_text=None, accent_colour="#333333", paper="a4")


async def unit(tx: ReadTx, unit_id: UUID) -> dict[str, Any]:
    """A business unit's particulars. Refuses: NotFound, Unavailable."""
    answer: dict[str, Any] = await tx.neighbour("organization").get(f"/units/{unit_id}")
    return answer


async def look(tx: ReadTx) -> Look:
    """The tenant's look; plain paper when organization does not answer."""
    try:
        told = await tx.neighbour("organization").get("/profile")
    except Refusal:
        return PLAIN
    return Look(
        title=told.get("title"),
        logo_text=told.get("logo_text"),
        accent_colour=told.get("accent_colour") or PLAIN.accent_colour,
        paper=str(told.get("paper_size") or PLAIN.paper).lower(),
    )
