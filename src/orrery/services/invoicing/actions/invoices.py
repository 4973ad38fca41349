"""Verbs of invoices: issue, send, write off, void. An issued invoice changes only by them."""

from datetime import date
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from orrery.contracts.invoicing import (
    InvoiceIssued,
    InvoicePaid,
    InvoiceSent,
    InvoiceVoided,
    InvoiceWrittenOff,
)
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Forbidden
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import drafts
from orrery.services.invoicing.actions.desk import Desk, check_unit
from orrery.services.invoicing.actions.drafts import Written
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.models.settlements import Settlement
from orrery.services.invoicing.queries import billing, details
from orrery.services.invoicing.rules import dates, settlement, states
from orrery.services.invoicing.schemas.invoices import InvoiceDraft
from orrery.services.invoicing.settings import Settings

# Not "for update": writing an invoice takes a key-share lock on its customer, and two writers that
# both went on to the stronger lock would wait for each other.
LOCK_CUSTOMER: LiteralString = "select 1 from customer where id = %(id)s for no key update"
PRINTED_OF_CUSTOMER = (
    "code name legal_name email phone contact_person contact_title address_lines city region"
    " postal_code country vat_number"
).split()


async def create_invoice(
    tx: Tx, caller: Caller, draft: InvoiceDraft, *, id: UUID | None = None
) -> Written:
    """Write an invoice and, when it says so, issue it at once.

    Refuses: NotFound, CustomerArchived, TaxCodeUnknown, and what issue_invoice refuses.
    Announces: InvoiceIssued.
    """
    desk = Desk(tx, caller)
    written = await draft_invoice(tx, caller, draft, desk, id=id)
    return await number_invoice(tx, caller, written) if draft.issue else written


async def draft_invoice(
    tx: Tx, caller: Caller, draft: InvoiceDraft, desk: Desk, *, id: UUID | None = None
) -> Written:
    """Write an invoice and check all that issuing it demands, except for its number."""
    if draft.issue and not caller.may(p.INVOICE_ISSUE):
        raise Forbidden(permission=p.INVOICE_ISSUE.code)
    written = await drafts.create_draft(tx, caller, draft, desk, id=id)
    if draft.issue:
        check_unit(caller, p.INVOICE_ISSUE, written.seller.unit_id)
        await _check_issue(tx, caller, written, desk)
    return written


async def issue_invoice(
    tx: Tx, caller: Caller, id: UUID, *, document_date: date | None = None
) -> Written:
    """Give a draft its number and freeze it; it is priced a last time by today's tax codes.

    Refuses: WrongState, InvoiceEmpty, TotalNegative, CustomerArchived, CreditLimitExceeded,
    DatedInFuture, PeriodClosed, DueBeforeDocument. Announces: InvoiceIssued.
    """
    if document_date is not None:
        await drafts.change_draft(tx, caller, id, {"document_date": document_date})
    invoice: Any = await tx.lock(Invoice, id)
    states.INVOICE.after(invoice.state, "issue")
    desk = Desk(tx, caller)
    lines = await details.lines_of(tx, id)
    totals = await drafts.reprice(tx, desk, invoice, lines)
    if (invoice.total_net, invoice.total_tax) != (totals.total_net, totals.total_tax):
        invoice = await tx.change(invoice, **drafts.sums(totals))
    written = Written(
        invoice=invoice,
        customer=await tx.one(Customer, invoice.customer_id),
        seller=await desk.seller(invoice.unit_id),
        lines=await details.lines_of(tx, id),
        taxes=await details.taxes_of(tx, id),
    )
    await _check_issue(tx, caller, written, desk)
    return await number_invoice(tx, caller, written)


async def number_invoice(tx: Tx, caller: Caller, written: Written) -> Written:
    """Issue what was checked. The gapless number comes last: it keeps all others waiting."""
    invoice, customer = written.invoice, written.customer
    number = await tx.take_number(
        "invoice",
        pattern=tx.settings(Settings).invoice_numbers,
        on=invoice.document_date,
        unit_id=invoice.unit_id,
    )
    state = states.after_issue(total=invoice.total)
    issued: Any = await tx.change(
        invoice,
        number=number,
        state=state,
        amount_open=invoice.total,
        issued_at=caller.now,
        billed_to={name: getattr(customer, name) for name in PRINTED_OF_CUSTOMER},
        billed_by=written.seller.printed,
    )
    _announce_issued(tx, issued, customer)
    return Written(issued, customer, written.seller, written.lines, written.taxes)


async def send_invoice(
    tx: Tx, caller: Caller, id: UUID, *, recipient: str | None, message: str | None
) -> Any:
    """Have an issued invoice mailed. Refuses: WrongState, NoRecipient. Announces: InvoiceSent."""
    invoice: Any = await tx.lock(Invoice, id)
    state = states.INVOICE.after(invoice.state, "send")
    customer = await tx.one(Customer, invoice.customer_id)
    address = states.recipient(recipient, customer.email)
    sent: Any = await tx.change(invoice, state=state, sent_at=caller.now, sent_to=address)
    tx.announce(
        InvoiceSent(
            invoice_id=id,
            number=invoice.number,
            recipient=address,
            customer_name=customer.name,
            due_on=invoice.due_on,
            currency=invoice.currency,
            total=invoice.total,
            document=f"/invoices/{id}/pdf",
            message=message,
        )
    )
    return sent


async def write_off(
    tx: Tx, caller: Caller, id: UUID, *, amount: Decimal | None, reason: str, on: date | None
) -> Any:
    """Give up what stays unpaid. Refuses: WrongState, AppliedBeyondOpen, DatedInFuture,
    PeriodClosed, DatedBefore. Announces: InvoiceWrittenOff, InvoicePaid."""
    invoice: Any = await tx.lock(Invoice, id)
    day = on or caller.today
    await check_day(tx, caller, invoice.unit_id, day, after=invoice.document_date)
    wanted = settlement.applied(
        wanted=amount, open_amount=invoice.amount_open, left=invoice.amount_open
    )
    wanted = settlement.check_amount(wanted, invoice.currency)
    left = invoice.amount_open - wanted
    state = states.after_settlement(invoice.state, verb="write_off", amount_open=left)
    await tx.add(
        Settlement,
        invoice_id=id,
        entry="write_off",
        effective_on=day,
        amount=wanted,
        reason=reason,
    )
    changed: Any = await tx.change(
        invoice,
        state=state,
        amount_written_off=invoice.amount_written_off + wanted,
        amount_open=left,
    )
    announce_written_off(tx, changed, entry="write_off", on=day, amount=wanted)
    if state == "paid":
        await announce_paid(tx, changed, on=day)
    return changed


async def void_invoice(tx: Tx, caller: Caller, id: UUID, *, reason: str, on: date | None) -> Any:
    """Declare an unpaid invoice void; its number stays used. Refuses: WrongState,
    InvoiceHasSettlements, DatedInFuture, PeriodClosed, DatedBefore. Announces: InvoiceVoided."""
    invoice: Any = await tx.lock(Invoice, id)
    state = states.INVOICE.after(invoice.state, "void")
    states.check_voidable(
        amount_paid=invoice.amount_paid,
        amount_reduced=invoice.amount_credited + invoice.amount_written_off,
    )
    day = on or caller.today
    await check_day(tx, caller, invoice.unit_id, day, after=invoice.document_date)
    await tx.add(
        Settlement,
        invoice_id=id,
        entry="void",
        effective_on=day,
        amount=invoice.total,
        reason=reason,
    )
    voided: Any = await tx.change(
        invoice, state=state, voided_on=day, void_reason=reason, amount_open=invoice.total * 0
    )
    tx.announce(
        InvoiceVoided(
            invoice_id=id,
            number=invoice.number,
            customer_id=invoice.customer_id,
            voided_on=day,
            reason=reason,
            currency=invoice.currency,
            total_net=invoice.total_net,
            total_tax=invoice.total_tax,
            total=invoice.total,
        )
    )
    return voided


async def check_day(
    tx: Tx, caller: Caller, unit_id: UUID | None, day: date, *, after: date
) -> None:
    """Whether a consequence may be booked on a day. Refuses: DatedBefore, DatedInFuture,
    PeriodClosed."""
    dates.check_follows(day, after=after)
    closed = await billing.closed_through(tx, unit_id)
    dates.check_fact(day, today=caller.today, closed_through=closed)


async def announce_paid(tx: Tx, invoice: Any, *, on: date) -> None:
    """Tell that nothing is left to pay; who paid nothing gets no receipt."""
    customer = await tx.one(Customer, invoice.customer_id)
    tx.announce(_paid(invoice, customer, on=on))


def announce_written_off(tx: Tx, invoice: Any, *, entry: str, on: date, amount: Decimal) -> None:
    """Tell that a part was given up, or with a negative amount that it was taken back."""
    tx.announce(
        InvoiceWrittenOff(
            invoice_id=invoice.id,
            number=invoice.number,
            customer_id=invoice.customer_id,
            entry=entry,
            written_off_on=on,
            amount=amount,
            currency=invoice.currency,
        )
    )


async def _check_issue(tx: Tx, caller: Caller, written: Written, desk: Desk) -> None:
    invoice, customer, seller = written.invoice, written.customer, written.seller
    states.check_issue(
        lines=len(written.lines), total=invoice.total, is_archived=customer.is_archived
    )
    dates.check_document(
        document_date=invoice.document_date,
        due_on=invoice.due_on,
        today=caller.today,
        closed_through=seller.closed_through,
    )
    if customer.credit_limit is not None:
        await _check_credit_limit(tx, written, desk)


async def _check_credit_limit(tx: Tx, written: Written, desk: Desk) -> None:
    """The limit is in the customer's currency; the customer is locked so that two invoices
    issued at once cannot both use what is left of it."""
    invoice, customer = written.invoice, written.customer
    if invoice.currency != (customer.currency or written.seller.currency):
        return
    await tx.run(LOCK_CUSTOMER, id=customer.id)
    owed = await billing.owed(tx, customer.id, invoice.currency)
    owed += desk.pledged(customer.id, invoice.currency)
    states.check_credit_limit(limit=customer.credit_limit, owed=owed, total=invoice.total)
    desk.pledge(customer.id, invoice.currency, invoice.total)


def _announce_issued(tx: Tx, invoice: Any, customer: Any) -> None:
    tx.announce(
        InvoiceIssued(
            invoice_id=invoice.id,
            number=invoice.number,
            customer_id=customer.id,
            customer_name=customer.name,
            issued_on=invoice.document_date,
            due_on=invoice.due_on,
            currency=invoice.currency,
            total_net=invoice.total_net,
            total_tax=invoice.total_tax,
            total=invoice.total,
        )
    )
    if invoice.state == "paid":
        tx.announce(_paid(invoice, customer, on=invoice.document_date))


def _paid(invoice: Any, customer: Any, *, on: date) -> InvoicePaid:
    return InvoicePaid(
        invoice_id=invoice.id,
        number=invoice.number,
        customer_id=customer.id,
        customer_name=customer.name,
        customer_email=customer.email if invoice.amount_paid > 0 else None,
        paid_on=on,
        currency=invoice.currency,
        total_net=invoice.total_net,
        total_tax=invoice.total_tax,
        total=invoice.total,
    )
