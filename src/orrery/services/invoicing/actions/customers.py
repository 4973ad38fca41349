"""Customers: entered, changed, archived; numbers checked as they come in."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from orrery.contracts.invoicing import CustomerCreated
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.exchange.intake import RowsRefused
from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.rules import parties
from orrery.services.invoicing.schemas.imports import CustomerImport
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
    return (await _enter(tx, [_entered(draft) | {"id": id}]))[0]


async def change_customer(tx: Tx, caller: Caller, id: UUID, changes: Mapping[str, Any]) -> Any:
    """Change particulars; documents issued before keep what they printed.

    Refuses: CountryUnknown, VatNumberInvalid, IbanInvalid, CurrencyUnknown, CustomerKnown.
    """
    customer: Any = await tx.lock(Customer, id)
    values = _corrected(customer, changes)
    return await tx.change(customer, **values) if values else customer


async def archive_customer(tx: Tx, caller: Caller, id: UUID, *, is_archived: bool) -> Any:
    """Take a customer out of use, or bring the customer back; open invoices stay payable."""
    customer = await tx.lock(Customer, id)
    return await tx.change(customer, is_archived=is_archived)


async def import_customers(
    tx: Tx, caller: Caller, rows: Sequence[tuple[CustomerImport, Any | None]]
) -> list[Any]:
    """Rows of a file: new customers, and those of the same external ids changed.

    All bad rows are named before anything is written, so that no number is taken for them.
    Refuses and announces, per row, as creating and changing a customer does.
    """
    told, causes = list[dict[str, Any]](), dict[int, Exception]()
    for place, (draft, known) in enumerate(rows):
        try:
            told.append(
                _entered(draft)
                if known is None
                else _corrected(known, draft.model_dump(exclude_unset=True))
            )
        except Refusal as refusal:
            causes[place] = refusal
    if causes:
        raise RowsRefused(causes)
    pairs = [(known, values) for (_, known), values in zip(rows, told, strict=True)]
    corrected = iter(await tx.change_many([pair for pair in pairs if pair[0] is not None]))
    created = iter(await _enter(tx, [values for known, values in pairs if known is None]))
    return [next(created) if known is None else next(corrected) for known, _ in pairs]


async def _enter(tx: Tx, drafts: Sequence[dict[str, Any]]) -> list[Any]:
    """Keep customers that were checked, under the next codes. Announces: CustomerCreated."""
    codes = await tx.take_numbers(
        "customer", len(drafts), pattern=tx.settings(Settings).customer_numbers
    )
    customers: list[Any] = await tx.add_many(
        Customer,
        [values | {"code": code} for values, code in zip(drafts, codes, strict=True)],
    )
    for customer in customers:
        tx.announce(
            CustomerCreated(
                customer_id=customer.id,
                code=customer.code,
                title=customer.name,
                email=customer.email,
            )
        )
    return customers


def _entered(draft: CustomerDraft) -> dict[str, Any]:
    return _checked(draft.model_dump(), country=None) | {"is_archived": False}


def _corrected(customer: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What changes make of a customer's columns; the VAT number has to suit a new country."""
    given = {
        name: EMPTY.get(name) if value is None else value
        for name, value in changes.items()
        if not (name == "name" and value is None)
    }
    if "country" in given and customer.vat_number and "vat_number" not in given:
        given["vat_number"] = customer.vat_number
    return _checked(given, country=customer.country)


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
