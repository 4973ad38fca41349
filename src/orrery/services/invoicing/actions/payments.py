"""Payments: received, applied to invoices, taken off again, reversed; nothing is deleted.

Locks are taken in one order everywhere: the payment, then its invoices by id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.contracts.invoicing import InvoiceReopened, PaymentReceived, PaymentReversed
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Malformed, NotFound
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import invoices
from orrery.services.invoicing.actions.desk import Desk, check_unit
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.models.settlements import Payment, Settlement
from orrery.services.invoicing.queries import billing
from orrery.services.invoicing.rules import dates, parties, settlement, states
from orrery.services.invoicing.rules.settlement import ZERO
from orrery.services.invoicing.schemas.payments import (
    ApplicationDraft,
    InvoicePayment,
    PaymentDraft,
)


@dataclass(frozen=True)
class Part:
    """What one invoice gets of a payment, and the discount that goes with it."""

    invoice: Any
    amount: Decimal
    discount: Decimal = field(default=ZERO)


async def record_payment(tx: Tx, caller: Caller, draft: PaymentDraft) -> Any:
    """Book money received and apply it; what nobody takes stays as the customer's credit.

    Refuses: NotFound, AppliedBeyondOpen, AppliedBeyondPayment, NothingOpen, CustomerDiffers,
    CurrencyDiffers, UnitDiffers, DiscountNotEarned, DatedInFuture, PeriodClosed, WrongState.
    Announces: PaymentReceived, InvoicePaid, InvoiceWrittenOff.
    """
    ids = [application.invoice_id for application in draft.applications]
    settlement.check_once(ids)
    named = await _locked(tx, ids)
    header = await _header(tx, caller, draft, [named[id] for id in ids])
    await invoices.check_day(
        tx, caller, header["unit_id"], header["received_on"], after=header["received_on"]
    )
    parts = _parts(draft.applications, named, header, left=header["amount"])
    left = header["amount"] - sum((part.amount for part in parts), ZERO)
    if draft.oldest_first and left > 0:
        parts += await _oldest(tx, header, left, known=named)
        left = header["amount"] - sum((part.amount for part in parts), ZERO)
    payment = await tx.add(Payment, **header, amount_unapplied=left)
    await _settle(tx, payment, parts, on=header["received_on"])
    return payment


async def pay_invoice(tx: Tx, caller: Caller, id: UUID, body: InvoicePayment) -> Any:
    """Book a payment for one invoice; more than is open becomes the customer's credit.

    Refuses and announces what record_payment does.
    """
    invoice: Any = await tx.lock(Invoice, id)
    states.INVOICE.after(invoice.state, "pay")
    day = body.received_on or caller.today
    discount = _discount(invoice, day) if body.take_discount else ZERO
    due = invoice.amount_open - discount
    wanted = due if body.amount is None else body.amount
    if wanted <= 0:
        raise settlement.NothingOpen(invoice_id=id)
    # With a discount the rule wants exactly the rest, and refuses anything else.
    share = wanted if body.take_discount else min(wanted, due)
    draft = PaymentDraft(
        received_on=day,
        method=body.method,
        reference=body.reference,
        notes=body.notes,
        amount=wanted,
        applications=[
            ApplicationDraft(invoice_id=id, amount=share, take_discount=body.take_discount)
        ],
        external_id=body.external_id,
    )
    return await record_payment(tx, caller, draft)


async def apply_payment(
    tx: Tx, caller: Caller, id: UUID, applications: Sequence[ApplicationDraft], *, on: date | None
) -> Any:
    """Apply what is left of a payment to invoices. Refuses and announces as record_payment."""
    payment: Any = await tx.lock(Payment, id)
    state = states.PAYMENT.after(payment.state, "apply")
    ids = [application.invoice_id for application in applications]
    settlement.check_once(ids)
    named = await _locked(tx, ids)
    day = on or caller.today
    await invoices.check_day(tx, caller, payment.unit_id, day, after=payment.received_on)
    header = {
        "customer_id": payment.customer_id,
        "currency": payment.currency,
        "unit_id": payment.unit_id,
        "received_on": payment.received_on,
    }
    parts = _parts(applications, named, header, left=payment.amount_unapplied)
    taken = sum((part.amount for part in parts), ZERO)
    await _settle(tx, payment, parts, on=day)
    return await tx.change(payment, state=state, amount_unapplied=payment.amount_unapplied - taken)


async def unapply_payment(
    tx: Tx, caller: Caller, id: UUID, *, invoice_id: UUID, reason: str, on: date | None
) -> Any:
    """Take a payment off an invoice; the money becomes the customer's credit.

    Refuses: NotFound, WrongState, NothingApplied, DatedBefore, DatedInFuture, PeriodClosed.
    Announces: PaymentReversed, InvoiceReopened, InvoiceWrittenOff.
    """
    payment: Any = await tx.lock(Payment, id)
    state = states.PAYMENT.after(payment.state, "unapply")
    entries = [e for e in await billing.standing(tx, id) if e.invoice_id == invoice_id]
    if not entries:
        raise settlement.NothingApplied(payment_id=id, invoice_id=invoice_id)
    day = on or caller.today
    back = await _take_back(tx, caller, payment, entries, reason=reason, on=day)
    return await tx.change(payment, state=state, amount_unapplied=payment.amount_unapplied + back)


async def reverse_payment(tx: Tx, caller: Caller, id: UUID, *, reason: str, on: date | None) -> Any:
    """Take a whole payment back, as when the bank returns it.

    Refuses: NotFound, WrongState, DatedBefore, DatedInFuture, PeriodClosed.
    Announces: PaymentReversed, InvoiceReopened, InvoiceWrittenOff.
    """
    payment: Any = await tx.lock(Payment, id)
    state = states.PAYMENT.after(payment.state, "reverse")
    day = on or caller.today
    await invoices.check_day(tx, caller, payment.unit_id, day, after=payment.received_on)
    entries = await billing.standing(tx, id)
    await _take_back(tx, caller, payment, entries, reason=reason, on=day)
    return await tx.change(
        payment,
        state=state,
        amount_unapplied=payment.amount * 0,
        reversed_on=day,
        reversed_at=caller.now,
        reverse_reason=reason,
    )


async def lock_for(tx: Tx, drafts: Iterable[PaymentDraft]) -> None:
    """Lock the invoices of many payments at once, in id order, so that nobody waits in a circle."""
    await tx.lock_many(Invoice, {a.invoice_id for d in drafts for a in d.applications})


async def _locked(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Any]:
    rows: list[Any] = await tx.lock_many(Invoice, ids)
    found = {row.id: row for row in rows}
    missing = [id for id in ids if id not in found]
    if missing:
        raise NotFound(resource="invoice", id=missing[0])
    return found


async def _header(
    tx: Tx, caller: Caller, draft: PaymentDraft, named: Sequence[Any]
) -> dict[str, Any]:
    """Whose payment it is, from the draft or else from its first invoice."""
    first = named[0] if named else None
    customer_id = draft.customer_id or (first.customer_id if first else None)
    if customer_id is None:
        raise Malformed(field="customer_id", reason="needed without applications")
    customer = await tx.one(Customer, customer_id)
    unit_id = draft.unit_id or (first.unit_id if first else None)
    if first is None:
        desk = Desk(tx, caller)
        unit_id = (await desk.seller(await desk.unit(unit_id))).unit_id
    check_unit(caller, p.PAYMENT_RECORD, unit_id)
    currency = draft.currency or (first.currency if first else customer.currency)
    if currency is None:
        raise Malformed(field="currency", reason="needed without applications")
    currency = parties.currency_code(currency)
    return {
        "state": states.PAYMENT.start,
        "unit_id": unit_id,
        "customer_id": customer_id,
        "currency": currency,
        "amount": settlement.check_amount(draft.amount, currency),
        "received_on": draft.received_on or caller.today,
        "method": draft.method,
        "reference": draft.reference,
        "notes": draft.notes,
        "external_id": draft.external_id,
        "reversed_on": None,
        "reversed_at": None,
        "reverse_reason": None,
    }


def _parts(
    applications: Sequence[ApplicationDraft],
    named: Mapping[UUID, Any],
    header: Mapping[str, Any],
    *,
    left: Decimal,
) -> list[Part]:
    """What each named invoice gets, checked one after the other."""
    parts = []
    for application in applications:
        invoice = named[application.invoice_id]
        states.INVOICE.after(invoice.state, "pay")
        settlement.check_same(
            invoice.customer_id, header["customer_id"], settlement.CustomerDiffers
        )
        settlement.check_same(invoice.currency, header["currency"], settlement.CurrencyDiffers)
        settlement.check_same(invoice.unit_id, header["unit_id"], settlement.UnitDiffers)
        discount = ZERO
        if application.take_discount:
            discount = _discount(invoice, header["received_on"])
        amount = settlement.applied(
            wanted=application.amount, open_amount=invoice.amount_open - discount, left=left
        )
        settlement.check_discount_closes(
            discount=discount, amount=amount, open_amount=invoice.amount_open
        )
        parts.append(Part(invoice, settlement.check_amount(amount, invoice.currency), discount))
        left -= amount
    return parts


def _discount(invoice: Any, paid_on: date) -> Decimal:
    """The early-payment discount an invoice still offers. Refuses: DiscountNotEarned."""
    offered = dates.early_discount(
        invoice.total - invoice.amount_credited,
        percent=invoice.discount_percent,
        until=invoice.discount_until,
        paid_on=paid_on,
        currency=invoice.currency,
    )
    settlement.check_discount(
        offered=offered, written_off=invoice.amount_written_off, until=invoice.discount_until
    )
    return offered


async def _oldest(
    tx: Tx, header: Mapping[str, Any], left: Decimal, *, known: Mapping[UUID, Any]
) -> list[Part]:
    """Share the rest out over the customer's open invoices, the oldest due first."""
    ids = await billing.open_invoices(
        tx,
        customer_id=header["customer_id"],
        currency=header["currency"],
        unit_id=header["unit_id"],
    )
    others = [id for id in ids if id not in known]
    locked = await _locked(tx, others)
    shares = settlement.oldest_first(left, [(id, locked[id].amount_open) for id in others])
    return [Part(locked[id], amount) for id, amount in shares]


async def _settle(tx: Tx, payment: Any, parts: Sequence[Part], *, on: date) -> None:
    """Write the applications to the ledger and move their invoices on."""
    rows = []
    for part in parts:
        # A payment ahead of its invoice counts from the day of the invoice.
        day = max(on, part.invoice.document_date)
        entries = [("payment", part.amount), ("discount", part.discount)]
        rows += [
            {
                "invoice_id": part.invoice.id,
                "entry": entry,
                "effective_on": day,
                "amount": amount,
                "payment_id": payment.id,
            }
            for entry, amount in entries
            if amount
        ]
    await tx.add_many(Settlement, rows)
    for part in parts:
        await _move_on(tx, payment, part, on=max(on, part.invoice.document_date))


async def _move_on(tx: Tx, payment: Any, part: Part, *, on: date) -> None:
    invoice = part.invoice
    left = invoice.amount_open - part.amount - part.discount
    state = states.after_settlement(invoice.state, verb="pay_part", amount_open=left)
    changed: Any = await tx.change(
        invoice,
        state=state,
        amount_paid=invoice.amount_paid + part.amount,
        amount_written_off=invoice.amount_written_off + part.discount,
        amount_open=left,
    )
    tx.announce(
        PaymentReceived(
            invoice_id=invoice.id,
            payment_id=payment.id,
            customer_id=payment.customer_id,
            received_on=on,
            method=payment.method,
            amount=part.amount,
            currency=payment.currency,
        )
    )
    if part.discount:
        invoices.announce_written_off(tx, changed, entry="discount", on=on, amount=part.discount)
    if state == "paid":
        await invoices.announce_paid(tx, changed, on=on)


async def _take_back(
    tx: Tx, caller: Caller, payment: Any, entries: Sequence[Any], *, reason: str, on: date
) -> Decimal:
    """Write the counter-entries and reopen the invoices; answers how much money came free."""
    named = await _locked(tx, sorted({entry.invoice_id for entry in entries}))
    latest = max((entry.effective_on for entry in entries), default=payment.received_on)
    await invoices.check_day(tx, caller, payment.unit_id, on, after=latest)
    await tx.add_many(
        Settlement,
        [
            {
                "invoice_id": entry.invoice_id,
                "entry": entry.entry,
                "effective_on": on,
                "amount": -entry.amount,
                "payment_id": payment.id,
                "reverses_id": entry.id,
                "reason": reason,
            }
            for entry in entries
        ],
    )
    for invoice_id in sorted(named):
        mine = [entry for entry in entries if entry.invoice_id == invoice_id]
        await _reopen(tx, caller, payment, named[invoice_id], mine, on=on)
    return sum((entry.amount for entry in entries if entry.entry == "payment"), ZERO)


async def _reopen(
    tx: Tx, caller: Caller, payment: Any, invoice: Any, entries: Sequence[Any], *, on: date
) -> None:
    money = sum((entry.amount for entry in entries if entry.entry == "payment"), ZERO)
    discount = sum((entry.amount for entry in entries if entry.entry == "discount"), ZERO)
    left = invoice.amount_open + money + discount
    paid = invoice.amount_paid - money
    state = states.after_reversal(
        invoice.state,
        amount_paid=paid,
        amount_open=left,
        due_on=invoice.due_on,
        today=caller.today,
    )
    changed: Any = await tx.change(
        invoice,
        state=state,
        amount_paid=paid,
        amount_written_off=invoice.amount_written_off - discount,
        amount_open=left,
    )
    tx.announce(
        PaymentReversed(
            invoice_id=invoice.id,
            payment_id=payment.id,
            customer_id=payment.customer_id,
            reversed_on=on,
            amount=money,
            currency=payment.currency,
        )
    )
    if discount:
        invoices.announce_written_off(tx, changed, entry="discount", on=on, amount=-discount)
    if invoice.state == "paid":
        tx.announce(_reopened(changed))


def _reopened(invoice: Any) -> InvoiceReopened:
    return InvoiceReopened(
        invoice_id=invoice.id,
        number=invoice.number,
        customer_id=invoice.customer_id,
        currency=invoice.currency,
        total_net=invoice.total_net,
        total_tax=invoice.total_tax,
        total=invoice.total,
    )
