"""Writing drafts: header and lines in one go, priced at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions.desk import Desk, Seller, check_unit
from orrery.services.invoicing.models.invoices import Invoice, InvoiceLine, InvoiceTax
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.queries import billing, details
from orrery.services.invoicing.rules import dates, parties, states
from orrery.services.invoicing.rules.pricing import ZERO, Item, Tax, Totals, price, taxes_of
from orrery.services.invoicing.schemas.invoices import InvoiceDraft, LineDraft


@dataclass(frozen=True)
class Written:
    """An invoice with everything that was written with it."""

    invoice: Any
    customer: Any
    seller: Seller
    lines: list[Any]
    taxes: list[Any]


async def create_draft(
    tx: Tx, caller: Caller, draft: InvoiceDraft, desk: Desk, *, id: UUID | None = None
) -> Written:
    """Write a draft with its lines. Refuses: NotFound, CustomerArchived, TaxCodeUnknown."""
    customer = await desk.customer(draft)
    if customer.is_archived:
        raise states.CustomerArchived(customer_id=customer.id)
    seller = await desk.seller(await desk.unit(draft.unit_id))
    check_unit(caller, p.INVOICE_WRITE, seller.unit_id)
    header = await _header(caller, draft, customer, seller, desk)
    items = await _items(desk, draft.lines, header["document_date"])
    totals = price(items, currency=header["currency"], rounding=header["rounding"])
    invoice: Any = await tx.add(Invoice, id=id, **header, **_sums(totals), **_untouched(header))
    lines = await tx.add_many(InvoiceLine, _line_rows(invoice.id, draft.lines, totals))
    taxes = await tx.add_many(InvoiceTax, _tax_rows(invoice.id, totals))
    return Written(invoice, customer, seller, lines, taxes)


async def change_draft(tx: Tx, caller: Caller, id: UUID, changes: Mapping[str, Any]) -> Any:
    """Change a draft's header and price it anew. Refuses: WrongState, NotFound."""
    invoice: Any = await tx.lock(Invoice, id)
    state = states.INVOICE.after(invoice.state, "change")
    desk = Desk(tx, caller)
    values = await _changed_header(tx, caller, invoice, changes, desk)
    lines = await details.lines_of(tx, id)
    document_date = values.get("document_date", invoice.document_date)
    items = await _items(desk, lines, document_date)
    currency = values.get("currency", invoice.currency)
    totals = price(items, currency=currency, rounding=values.get("rounding", invoice.rounding))
    await _replace_lines(tx, id, lines, totals)
    zero = round_money(ZERO, currency)
    return await tx.change(
        invoice, state=state, **values, **_sums(totals), amount_open=zero, amount_paid=zero,
        amount_credited=zero, amount_written_off=zero,
    )  # fmt: skip


async def replace_lines(tx: Tx, caller: Caller, id: UUID, lines: Sequence[LineDraft]) -> Any:
    """Put other lines into a draft. Refuses: WrongState, TaxCodeUnknown, TaxCodeNotValid."""
    invoice: Any = await tx.lock(Invoice, id)
    state = states.INVOICE.after(invoice.state, "change")
    items = await _items(Desk(tx, caller), lines, invoice.document_date)
    totals = price(items, currency=invoice.currency, rounding=invoice.rounding)
    await _replace_lines(tx, id, lines, totals)
    return await tx.change(invoice, state=state, **_sums(totals))


async def discard_draft(tx: Tx, caller: Caller, id: UUID) -> None:
    """Delete a draft; what was issued stays. Refuses: WrongState."""
    invoice: Any = await tx.lock(Invoice, id)
    states.INVOICE.after(invoice.state, "change")
    await _remove_lines(tx, id)
    await tx.remove(invoice)


async def reprice(tx: Tx, desk: Desk, invoice: Any, lines: Sequence[Any]) -> Totals:
    """Price a draft's lines by the tax codes of today, as before it is issued."""
    items = await _items(desk, lines, invoice.document_date)
    totals = price(items, currency=invoice.currency, rounding=invoice.rounding)
    stored = (invoice.total_net, invoice.total_tax, [(row.amount, row.net) for row in lines])
    fresh = (totals.total_net, totals.total_tax, [(x.amount, x.net) for x in totals.lines])
    if stored != fresh or await _taxes_differ(tx, invoice.id, totals):
        await _replace_lines(tx, invoice.id, lines, totals)
    return totals


def sums(totals: Totals) -> dict[str, Any]:
    """The totals as columns."""
    return _sums(totals)


async def _header(
    caller: Caller, draft: InvoiceDraft, customer: Any, seller: Seller, desk: Desk
) -> dict[str, Any]:
    document_date = draft.document_date or caller.today
    due = await _due(desk, draft.payment_term, document_date, customer, seller)
    currency = draft.currency or customer.currency or seller.currency
    return {
        "number": None,
        "state": states.INVOICE.start,
        "unit_id": seller.unit_id,
        "customer_id": customer.id,
        "currency": parties.currency_code(currency),
        "rounding": seller.rounding,
        "document_date": document_date,
        **due,
        **({"due_on": draft.due_on} if draft.due_on else {}),
        "reference": draft.reference,
        "language": draft.language or customer.language or seller.language,
        "notes": draft.notes,
        "salesperson_id": draft.salesperson_id,
        "external_id": draft.external_id,
    }


async def _due(
    desk: Desk, term_code: str | None, document_date: date, customer: Any, seller: Seller
) -> dict[str, Any]:
    """When it is due: by the named term, else by the customer's days, else by the unit's."""
    if term_code is not None:
        row = await desk.term(term_code)
        term = billing.term_of(row)
        term_id = row.id
    else:
        days = customer.payment_term_days
        term = dates.Term(seller.payment_term_days if days is None else days)
        term_id = None
    until = dates.discount_date(document_date, term)
    return {
        "payment_term_id": term_id,
        "due_on": dates.due_date(document_date, term),
        "discount_until": until,
        "discount_percent": term.discount_percent if until else None,
    }


async def _changed_header(
    tx: Tx, caller: Caller, invoice: Any, changes: Mapping[str, Any], desk: Desk
) -> dict[str, Any]:
    """The columns that a change touches; dates that follow from others follow them."""
    values = {
        name: changes[name]
        for name in ("reference", "notes", "salesperson_id", "external_id")
        if name in changes
    }
    customer = await tx.one(Customer, changes.get("customer_id") or invoice.customer_id)
    if customer.is_archived:
        raise states.CustomerArchived(customer_id=customer.id)
    seller = await desk.seller(changes.get("unit_id") or invoice.unit_id)
    check_unit(caller, p.INVOICE_WRITE, seller.unit_id)
    values |= {"customer_id": customer.id, "unit_id": seller.unit_id, "rounding": seller.rounding}
    if changes.get("currency"):
        values["currency"] = parties.currency_code(changes["currency"])
    if "language" in changes:
        values["language"] = changes["language"] or customer.language or seller.language
    document_date = changes.get("document_date") or invoice.document_date
    values["document_date"] = document_date
    if changes.keys() & {"payment_term", "customer_id"} or changes.get("due_on", "") is None:
        term = changes.get("payment_term")
        values |= await _due(desk, term, document_date, customer, seller)
    elif document_date != invoice.document_date:
        values |= _moved(invoice, document_date)
    if changes.get("due_on"):
        values["due_on"] = changes["due_on"]
    return values


def _moved(invoice: Any, document_date: date) -> dict[str, Any]:
    """Days that keep their distance from a document's date that moves."""
    by = document_date - invoice.document_date
    until = invoice.discount_until
    return {"due_on": invoice.due_on + by, "discount_until": until + by if until else None}


async def _items(desk: Desk, lines: Sequence[Any], document_date: date) -> list[Item]:
    """Lines as the rules price them, whether they come from a draft or from the table."""
    known: dict[str, Tax] = {}
    if any(line.tax_codes for line in lines):
        known = await desk.taxes()
    return [
        Item(
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount_percent=line.discount_percent,
            taxes=taxes_of(line.tax_codes, known, document_date),
        )
        for line in lines
    ]


def _sums(totals: Totals) -> dict[str, Any]:
    return {
        "total_net": totals.total_net,
        "total_tax": totals.total_tax,
        "total": totals.total,
    }


def _untouched(header: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh draft: nothing was issued, sent, paid or reminded."""
    zero = round_money(ZERO, header["currency"])
    amounts = ("amount_paid", "amount_credited", "amount_written_off", "amount_open")
    nothing = (
        "billed_to billed_by issued_at sent_at sent_to voided_on void_reason reminded_on".split()
    )
    return dict.fromkeys(amounts, zero) | dict.fromkeys(nothing) | {"dunning_level": 0}


def _line_rows(invoice_id: UUID, lines: Sequence[Any], totals: Totals) -> list[dict[str, Any]]:
    return [
        {
            "invoice_id": invoice_id,
            "position": position,
            "description": line.description,
            "product_code": line.product_code,
            "quantity": line.quantity,
            "unit": line.unit,
            "unit_price": line.unit_price,
            "discount_percent": line.discount_percent,
            "tax_codes": list(line.tax_codes),
            "amount": amounts.amount,
            "net": amounts.net,
        }
        for position, (line, amounts) in enumerate(zip(lines, totals.lines, strict=True), 1)
    ]


def _tax_rows(invoice_id: UUID, totals: Totals) -> list[dict[str, Any]]:
    return [
        {
            "invoice_id": invoice_id,
            "position": position,
            "tax_code": record.tax.code,
            "name": record.tax.name,
            "rate": record.tax.rate,
            "is_included": record.tax.is_included,
            "is_compound": record.tax.is_compound,
            "base": record.base,
            "amount": record.amount,
        }
        for position, record in enumerate(totals.taxes, 1)
    ]


async def _taxes_differ(tx: Tx, invoice_id: UUID, totals: Totals) -> bool:
    stored = await details.taxes_of(tx, invoice_id)
    return [(row.tax_code, row.name, row.rate, row.base, row.amount) for row in stored] != [
        (x.tax.code, x.tax.name, x.tax.rate, x.base, x.amount) for x in totals.taxes
    ]


async def _replace_lines(tx: Tx, invoice_id: UUID, lines: Sequence[Any], totals: Totals) -> None:
    await _remove_lines(tx, invoice_id)
    await tx.add_many(InvoiceLine, _line_rows(invoice_id, lines, totals))
    await tx.add_many(InvoiceTax, _tax_rows(invoice_id, totals))


async def _remove_lines(tx: Tx, invoice_id: UUID) -> None:
    await tx.run("delete from invoice_line where invoice_id = %(id)s", id=invoice_id)
    await tx.run("delete from invoice_tax where invoice_id = %(id)s", id=invoice_id)
