"""Single records with everything that belongs to them."""

from collections.abc import Mapping
from typing import Any, LiteralString
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import NotFound
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.models.invoices import Invoice, InvoiceLine, InvoiceTax
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.models.settlements import (
    CreditNoteLine,
    CreditNoteTax,
    DunningRun,
    Settlement,
)
from orrery.services.invoicing.rules import dunning, states
from orrery.services.invoicing.schemas import invoices as i
from orrery.services.invoicing.schemas import parties
from orrery.services.invoicing.schemas import payments as pay

# What a person may ask for; the other moves of the state tables happen by themselves.
INVOICE_VERBS: Mapping[str, Permission] = {
    "change": p.INVOICE_WRITE,
    "issue": p.INVOICE_ISSUE,
    "send": p.INVOICE_SEND,
    "pay": p.PAYMENT_RECORD,
    "credit": p.CREDIT_NOTE_ISSUE,
    "write_off": p.INVOICE_WRITE_OFF,
    "remind": p.DUNNING_RUN,
    "void": p.INVOICE_VOID,
}
PAYMENT_VERBS: Mapping[str, Permission] = {
    "apply": p.PAYMENT_RECORD,
    "unapply": p.PAYMENT_REVERSE,
    "reverse": p.PAYMENT_REVERSE,
}
INVOICE: LiteralString = (
    "select t.*, c.code as customer_code, c.name as customer_name"
    " from invoice t join customer c on c.id = t.customer_id where t.id = %(id)s"
)
CREDIT_NOTE: LiteralString = (
    "select t.*, o.number as invoice_number, c.name as customer_name from credit_note t"
    " join invoice o on o.id = t.invoice_id join customer c on c.id = t.customer_id"
    " where t.id = %(id)s"
)
PAYMENT: LiteralString = (
    "select t.*, c.code as customer_code, c.name as customer_name"
    " from payment t join customer c on c.id = t.customer_id where t.id = %(id)s"
)
APPLICATIONS: LiteralString = (
    "select s.*, i.number as invoice_number from settlement s join invoice i on i.id = s.invoice_id"
    " where s.payment_id = %(id)s order by s.id"
)
BALANCES: LiteralString = """
with owed as (
    select currency, sum(amount_open) as amount_open, count(*) as invoices_open,
           coalesce(sum(amount_open) filter (where due_on < %(today)s), 0) as amount_overdue
    from invoice where customer_id = %(id)s and state in ('issued', 'partly_paid', 'overdue')
    group by currency
), held as (
    select currency, sum(amount_unapplied) as amount_unapplied
    from payment where customer_id = %(id)s and amount_unapplied > 0 group by currency
)
select coalesce(owed.currency, held.currency) as currency,
       coalesce(amount_open, 0) as amount_open, coalesce(amount_overdue, 0) as amount_overdue,
       coalesce(amount_unapplied, 0) as amount_unapplied,
       coalesce(invoices_open, 0) as invoices_open
from owed full join held on held.currency = owed.currency order by 1
"""
LETTERS: LiteralString = """
select r.*, i.number, i.due_on, c.name as customer_name,
       r.amount_open + r.fee + r.interest as total_claimed
from reminder r join invoice i on i.id = r.invoice_id join customer c on c.id = r.customer_id
where r.run_id = %(id)s order by c.name, i.number
"""


async def customer_details(tx: ReadTx, caller: Caller, id: UUID) -> parties.CustomerDetails:
    """A customer with what is owed in each currency."""
    customer = await tx.one(Customer, id)
    balances = await tx.rows(BALANCES, id=id, today=caller.today)
    return parties.CustomerDetails.of(customer, balances=parties.Balance.of_all(balances))


async def invoice_details(tx: ReadTx, caller: Caller, id: UUID) -> i.InvoiceDetails:
    """An invoice with lines, taxes and settlements."""
    invoice = await tx.row(INVOICE, id=id)
    if invoice is None:
        raise NotFound(resource="invoice", id=id)
    return shown_invoice(
        caller,
        invoice,
        lines=await lines_of(tx, id),
        taxes=await taxes_of(tx, id),
        settlements=await tx.all(Settlement, invoice_id=id),
    )


def shown_invoice(
    caller: Caller, invoice: Any, *, lines: Any, taxes: Any, settlements: Any, **more: Any
) -> i.InvoiceDetails:
    """An invoice's details from rows that are at hand already."""
    return i.InvoiceDetails.of(
        invoice,
        lines=i.LineView.of_all(lines),
        taxes=i.TaxView.of_all(taxes),
        settlements=i.SettlementView.of_all(settlements),
        verbs=invoice_verbs(caller, invoice.state),
        days_late=days_late(caller, invoice),
        **more,
    )


def shown(caller: Caller, written: Any) -> i.InvoiceDetails:
    """A freshly written invoice with its lines; nothing has settled any of it yet."""
    return shown_invoice(
        caller,
        written.invoice,
        lines=written.lines,
        taxes=written.taxes,
        settlements=[],
        customer_code=written.customer.code,
        customer_name=written.customer.name,
    )


async def verbs_of_invoice(tx: ReadTx, caller: Caller, id: UUID) -> i.VerbsView:
    """What the caller may do with an invoice now."""
    invoice: Any = await tx.one(Invoice, id)
    return i.VerbsView(state=invoice.state, verbs=invoice_verbs(caller, invoice.state))


async def lines_of(tx: ReadTx, invoice_id: UUID) -> list[Any]:
    """An invoice's lines in their order."""
    rows: list[Any] = await tx.all(InvoiceLine, invoice_id=invoice_id)
    return sorted(rows, key=lambda row: row.position)


async def taxes_of(tx: ReadTx, invoice_id: UUID) -> list[Any]:
    """An invoice's tax records in their order."""
    rows: list[Any] = await tx.all(InvoiceTax, invoice_id=invoice_id)
    return sorted(rows, key=lambda row: row.position)


def invoice_verbs(caller: Caller, state: str) -> list[str]:
    """What the caller may do with an invoice in this state."""
    return _allowed(caller, states.INVOICE.verbs(state), INVOICE_VERBS)


def _allowed(caller: Caller, verbs: list[str], known: Mapping[str, Permission]) -> list[str]:
    return [verb for verb in verbs if verb in known and caller.may(known[verb])]


def days_late(caller: Caller, invoice: Any) -> int:
    """How many days an invoice's payment is late today; zero when nothing is open."""
    if invoice.amount_open == 0:
        return 0
    return dunning.days_past(invoice.due_on, caller.today)


async def credit_note_details(tx: ReadTx, caller: Caller, id: UUID) -> i.CreditNoteDetails:
    """A credit note with lines and taxes."""
    note = await tx.row(CREDIT_NOTE, id=id)
    if note is None:
        raise NotFound(resource="credit_note", id=id)
    lines: list[Any] = await tx.all(CreditNoteLine, credit_note_id=id)
    taxes: list[Any] = await tx.all(CreditNoteTax, credit_note_id=id)
    return i.CreditNoteDetails.of(
        note,
        lines=i.CreditLineView.of_all(sorted(lines, key=lambda row: row.position)),
        taxes=i.TaxView.of_all(sorted(taxes, key=lambda row: row.position)),
    )


async def payment_details(tx: ReadTx, caller: Caller, id: UUID) -> pay.PaymentDetails:
    """A payment with every application."""
    payment = await tx.row(PAYMENT, id=id)
    if payment is None:
        raise NotFound(resource="payment", id=id)
    applications = await tx.rows(APPLICATIONS, id=id)
    return pay.PaymentDetails.of(
        payment,
        applications=pay.ApplicationView.of_all(applications),
        verbs=_allowed(caller, states.PAYMENT.verbs(payment.state), PAYMENT_VERBS),
    )


async def dunning_run_details(tx: ReadTx, caller: Caller, id: UUID) -> pay.DunningRunDetails:
    """A round of reminders with every letter."""
    run = await tx.one(DunningRun, id)
    return pay.DunningRunDetails.of(run, letters=await letters_of(tx, id))


async def letters_of(tx: ReadTx, run_id: UUID) -> list[pay.ReminderView]:
    """The letters of a round."""
    return pay.ReminderView.of_all(await tx.rows(LETTERS, id=run_id))
