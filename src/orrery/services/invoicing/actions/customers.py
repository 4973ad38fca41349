"""Customers: entered, changed, archived; numbers checked as they come in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from orrery.contracts.invoicing import CustomerCreated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.rules import parties
from orrery.services.invoicing.schemas.parties import CustomerDraft
from orrery.services.invoicing.settings import Settings

# A null for one of these means "none", as the column itself has no null.
EMPTY = {"address_lines": [], "is_dunning_blocked": False}


async def create_customer(
    tx: Tx, caller: Caller, draft: CustomerDraft, *, id: UUID | None = None
) -> Any:
    """Enter a customer under the next code.

    Refuses: CountryUnknown, VatNumberInvalid, IbanInvalid, CurrencyUnknown, CustomerKnown.
    Announces: CustomerCreated.
    """
    values = _checked(draft.model_dump(), country=None)
    code = await tx.take_number("customer", pattern=tx.settings(Settings).customer_numbers)
    customer: Any = await tx.add(Customer, id=id, code=code, is_archived=False, **values)
    tx.announce(
        CustomerCreated(
            customer_id=customer.id, code=code, title=customer.name, email=customer.email
        )
    )
    return customer


async def change_customer(tx: Tx, caller: Caller, id: UUID, changes: Mapping[str, Any]) -> Any:
    """Change particulars; documents issued before keep what they printed.

    Refuses: CountryUnknown, VatNumberInvalid, IbanInvalid, CurrencyUnknown, CustomerKnown.
    """
    customer: Any = await tx.lock(Customer, id)
    given = {
        name: EMPTY.get(name) if value is None else value
        for name, value in changes.items()
        if not (name == "name" and value is None)
    }
    if "country" in given and customer.vat_number and "vat_number" not in given:
        given["vat_number"] = customer.vat_number
    values = _checked(given, country=customer.country)
    return await tx.change(customer, **values) if values else customer


async def archive_customer(tx: Tx, caller: Caller, id: UUID, *, is_archived: bool) -> Any:
    """Take a customer out of use, or bring the customer back; open invoices stay payable."""
    customer = await tx.lock(Customer, id)
    return await tx.change(customer, is_archived=is_archived)


async def import_customer(tx: Tx, caller: Caller, draft: CustomerDraft, row: Any | None) -> Any:
    """A row of a file: a new customer, or the one of the same external id changed."""
    if row is None:
        return await create_customer(tx, caller, draft)
    return await change_customer(tx, caller, row.id, draft.model_dump(exclude_unset=True))


def _checked(values: Mapping[str, Any], *, country: str | None) -> dict[str, Any]:
    """Countries, VAT numbers, accounts and currencies in their plain form."""
    checked = dict(values)
    if checked.get("country"):
        checked["country"] = country = parties.country_code(checked["country"])
    elif "country" in checked:
        country = None
    if checked.get("vat_number"):
        checked["vat_number"] = parties.vat_number(checked["vat_number"], country)
    if checked.get("iban"):
        checked["iban"] = parties.iban(checked["iban"])
    if "iban" in checked:
        checked["bic"] = parties.bank_of(checked["iban"]) if checked["iban"] else None
    if checked.get("currency"):
        checked["currency"] = parties.currency_code(checked["currency"])
    return checked
