"""How units bill: the copy of organization's units, and closing the books."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Unavailable
from orrery.services.invoicing import neighbours
from orrery.services.invoicing.models.parties import Seller
from orrery.services.invoicing.rules import dates
from orrery.services.invoicing.settings import Settings


async def copy_unit(tx: Tx, caller: Caller, unit_id: UUID) -> Any:
    """Ask organization for a unit and keep what it says. Refuses: NotFound, Unavailable."""
    told = await neighbours.unit(tx, unit_id)
    values = _copied(told)
    seller = await tx.find(Seller, unit_id=unit_id)
    if seller is not None:
        return await tx.change(seller, **values)
    try:
        async with tx.savepoint():
            return await tx.add(Seller, unit_id=unit_id, **_added(tx), **values)
    except UniqueViolation:
        # Somebody else copied the unit at the same moment.
        return await tx.find(Seller, unit_id=unit_id)


async def copy_unit_if_reachable(tx: Tx, caller: Caller, unit_id: UUID) -> Any | None:
    """The same, or None while organization does not answer. Refuses: NotFound."""
    try:
        return await copy_unit(tx, caller, unit_id)
    except Unavailable:
        return None


async def close_books(tx: Tx, caller: Caller, id: UUID, *, through: date) -> Any:
    """Close a unit's books through a day, for good. Refuses: DatedInFuture, ClosedFurther."""
    seller = await tx.lock(Seller, id)
    dates.check_closing(through, today=caller.today, closed_through=seller.closed_through)
    return await tx.change(seller, closed_through=through)


def _added(tx: Tx) -> dict[str, Any]:
    """What invoicing itself knows of a unit that it hears of for the first time."""
    return {
        "payment_term_days": tx.settings(Settings).payment_term_days,
        "closed_through": None,
        "external_id": None,
    }


def _copied(told: Mapping[str, Any]) -> dict[str, Any]:
    """Organization's unit in invoicing's words."""
    town = " ".join(part for part in (told.get("postal_code"), told.get("city")) if part)
    street = (told.get("street") or "").splitlines()
    return {
        "code": told["code"],
        "title": told["name"],
        "legal_name": told.get("legal_name") or told["name"],
        "address_lines": [line for line in (*street, town, told.get("region")) if line],
        "email": told.get("email"),
        "phone": told.get("phone"),
        "website": told.get("website"),
        "country": told["country"],
        "vat_number": told.get("vat_number"),
        "tax_number": told.get("tax_number"),
        "iban": told.get("iban"),
        "bank_name": told.get("bank_name"),
        "currency": told["currency"],
        "language": told.get("language") or "en",
        "rounding": told.get("tax_rounding") or "line",
        "is_default": bool(told.get("is_headquarters")),
    }
