"""Credit notes: written once, in their own series, never more than is open on the invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.contracts.invoicing import CreditNoteIssued
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.services.invoicing.actions import invoices
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.settlements import (
    CreditNote,
    CreditNoteLine,
    CreditNoteTax,
    Settlement,
)
from orrery.services.invoicing.queries import billing, details
from orrery.services.invoicing.rules import crediting, settlement, states
from orrery.services.invoicing.rules.crediting import Credit, Remaining
from orrery.services.invoicing.rules.pricing import ZERO, Item, Tax
from orrery.services.invoicing.schemas.invoices import CreditLineDraft, CreditNoteDraft
from orrery.services.invoicing.settings import Settings

# The quantity and price of a credit note's line that stands for an amount.
ONE = Decimal(1)


@dataclass(frozen=True)
class Content:
    """What a credit note will say: its figures and its lines."""

    credit: Credit
    lines: list[dict[str, Any]]


async def issue_credit_note(
    tx: Tx, caller: Caller, invoice_id: UUID, draft: CreditNoteDraft
) -> Any:
    """Take back an invoice, lines of it or an amount.

    Refuses: WrongState, CreditBeyondOpen, CreditBeyondLine, LineUnknown, DatedInFuture,
    PeriodClosed, DatedBefore. Announces: CreditNoteIssued, InvoicePaid.
    """
    invoice: Any = await tx.lock(Invoice, invoice_id)
    states.INVOICE.after(invoice.state, "credit")
    day = draft.document_date or caller.today
    await invoices.check_day(tx, caller, invoice.unit_id, day, after=invoice.document_date)
    taxes = await details.taxes_of(tx, invoice_id)
    left = await billing.left_to_credit(tx, invoice, taxes)
    content = await _content(tx, invoice, draft, left, taxes)
    crediting.check_credit(content.credit, open_amount=invoice.amount_open)
    note = await _write(tx, invoice, draft, content, on=day)
    await _settle(tx, invoice, note, reason=draft.reason)
    return note


async def _content(
    tx: Tx, invoice: Any, draft: CreditNoteDraft, left: Remaining, taxes: Sequence[Any]
) -> Content:
    if draft.lines:
        return await _of_lines(tx, invoice, draft.lines, left, taxes)
    lines = await details.lines_of(tx, invoice.id)
    is_whole = draft.amount is None and invoice.amount_open == invoice.total
    if is_whole:
        credit = Credit(left.net, left.taxes)
        return Content(credit, [_line_row(n, line, line) for n, line in enumerate(lines, 1)])
    amount = invoice.amount_open if draft.amount is None else draft.amount
    amount = settlement.check_amount(amount, invoice.currency)
    if amount > invoice.amount_open:
        raise crediting.CreditBeyondOpen(amount=amount, open=invoice.amount_open)
    credit = crediting.credit_amount(amount, left, currency=invoice.currency)
    return Content(credit, [_amount_row(draft.reason, credit)])


async def _of_lines(
    tx: Tx,
    invoice: Any,
    wanted: Sequence[CreditLineDraft],
    left: Remaining,
    taxes: Sequence[Any],
) -> Content:
    """The quantities named, priced as they were invoiced and by the taxes of that day."""
    lines = {line.position: line for line in await details.lines_of(tx, invoice.id)}
    credited = await billing.credited_quantities(tx, invoice.id)
    known = {row.tax_code: billing.tax_amount(row).tax for row in taxes}
    chosen: list[tuple[Any, Decimal]] = []
    for each in wanted:
        line = lines.get(each.position)
        if line is None:
            raise crediting.LineUnknown(position=each.position)
        before = credited.get(line.id, ZERO)
        quantity = line.quantity - before if each.quantity is None else each.quantity
        crediting.check_quantity(
            position=each.position, wanted=quantity, invoiced=line.quantity, credited=before
        )
        chosen.append((line, quantity))
    back = dict(credited)
    for line, quantity in chosen:
        back[line.id] = back.get(line.id, ZERO) + quantity
    is_rest = all(back.get(line.id, ZERO) == line.quantity for line in lines.values())
    credit, totals = crediting.credit_lines(
        [_item(line, quantity, known) for line, quantity in chosen],
        left,
        is_rest=is_rest,
        currency=invoice.currency,
        rounding=invoice.rounding,
    )
    rows = [
        _line_row(number, line, amounts, quantity=quantity)
        for number, ((line, quantity), amounts) in enumerate(
            zip(chosen, totals.lines, strict=True), 1
        )
    ]
    return Content(credit, rows)


def _item(line: Any, quantity: Decimal, known: dict[str, Tax]) -> Item:
    return Item(
        quantity=quantity,
        unit_price=line.unit_price,
        discount_percent=line.discount_percent,
        taxes=tuple(known[code] for code in line.tax_codes),
    )


def _line_row(
    position: int, line: Any, amounts: Any, *, quantity: Decimal | None = None
) -> dict[str, Any]:
    return {
        "invoice_line_id": line.id,
        "position": position,
        "description": line.description,
        "quantity": line.quantity if quantity is None else quantity,
        "unit": line.unit,
        "unit_price": line.unit_price,
        "discount_percent": line.discount_percent,
        "amount": amounts.amount,
        "net": amounts.net,
    }


def _amount_row(reason: str, credit: Credit) -> dict[str, Any]:
    return {
        "invoice_line_id": None,
        "position": 1,
        "description": reason,
        "quantity": ONE,
        "unit": None,
        "unit_price": credit.net,
        "discount_percent": ZERO,
        "amount": credit.net,
        "net": credit.net,
    }


async def _write(
    tx: Tx, invoice: Any, draft: CreditNoteDraft, content: Content, *, on: date
) -> Any:
    """Number and store it. The number is taken before the rows: a ledger cannot be changed."""
    credit = content.credit
    number = await tx.take_number(
        "credit_note",
        pattern=tx.settings(Settings).credit_note_numbers,
        on=on,
        unit_id=invoice.unit_id,
    )
    note: Any = await tx.add(
        CreditNote,
        number=number,
        external_id=draft.external_id,
        unit_id=invoice.unit_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        currency=invoice.currency,
        document_date=on,
        reason=draft.reason,
        language=invoice.language,
        total_net=credit.net,
        total_tax=round_money(credit.tax, invoice.currency),
        total=credit.total,
    )
    lines = [{"credit_note_id": note.id, **row} for row in content.lines]
    await tx.add_many(CreditNoteLine, lines)
    await tx.add_many(CreditNoteTax, _tax_rows(note.id, credit))
    return note


def _tax_rows(note_id: UUID, credit: Credit) -> list[dict[str, Any]]:
    return [
        {
            "credit_note_id": note_id,
            "position": position,
            "tax_code": record.tax.code,
            "name": record.tax.name,
            "rate": record.tax.rate,
            "is_included": record.tax.is_included,
            "is_compound": record.tax.is_compound,
            "base": record.base,
            "amount": record.amount,
        }
        for position, record in enumerate(credit.taxes, 1)
    ]


async def _settle(tx: Tx, invoice: Any, note: Any, *, reason: str) -> None:
    """Reduce what is owed and tell."""
    left = invoice.amount_open - note.total
    state = states.after_settlement(invoice.state, verb="credit", amount_open=left)
    await tx.add(
        Settlement,
        invoice_id=invoice.id,
        entry="credit_note",
        effective_on=note.document_date,
        amount=note.total,
        credit_note_id=note.id,
        reason=reason,
    )
    changed: Any = await tx.change(
        invoice,
        state=state,
        amount_credited=invoice.amount_credited + note.total,
        amount_open=left,
    )
    tx.announce(
        CreditNoteIssued(
            invoice_id=invoice.id,
            credit_note_id=note.id,
            number=note.number,
            customer_id=invoice.customer_id,
            issued_on=note.document_date,
            currency=note.currency,
            total_net=note.total_net,
            total_tax=note.total_tax,
            total=note.total,
        )
    )
    if state == "paid":
        await invoices.announce_paid(tx, changed, on=note.document_date)
