"""Credit notes, write-offs and voiding: ledger-like, never beyond what is open."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing.actions import credit_notes, invoices, payments
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.settlements import CreditNote
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.rules import crediting, dates, settlement, states
from orrery.services.invoicing.schemas.invoices import CreditLineDraft, CreditNoteDraft
from tests.actions.invoicing.factories import (
    TODAY,
    again,
    line,
    make_customer,
    make_invoice,
    receive,
    settled,
    stop_the_clock,
    told,
)


async def credit(tx: Any, invoice: Any, **values: Any) -> Any:
    draft = CreditNoteDraft(**({"reason": "Delivered damaged"} | values))
    return await credit_notes.issue_credit_note(tx, tx.caller, invoice.id, draft)


async def test_a_whole_invoice_is_credited_with_its_lines_and_taxes(house: House) -> None:
    """Own series CN-{yyyy}-{00000}; nothing is left to pay, and nobody gets a receipt."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx, email="a@b.example")
        invoice = await make_invoice(
            tx, customer, line("9.99", quantity=Decimal(3), tax_codes=["DE19"]), line("5")
        )
        note = await credit(tx, invoice)
        assert note.number == "CN-2026-00001"
        assert (str(note.total_net), str(note.total_tax), str(note.total)) == (
            "34.97",
            "5.69",
            "40.66",
        )
        view = await details.credit_note_details(tx, tx.caller, note.id)
        assert [(x.position, str(x.quantity), str(x.net)) for x in view.lines] == [
            (1, "3", "29.97"),
            (2, "1", "5.00"),
        ]
        assert [(t.tax_code, str(t.base), str(t.amount)) for t in view.taxes] == [
            ("DE19", "29.97", "5.69")
        ]
        credited = await again(tx, invoice)
        assert (credited.state, str(credited.amount_open)) == ("paid", "0.00")
        assert str(credited.amount_credited) == "40.66"
        assert told(tx)[2:] == ["CreditNoteIssued", "InvoicePaid"]
        paid: Any = tx.events[-1]
        assert paid.customer_email is None
        assert (await tx.one(Invoice, invoice.id)).total == invoice.total


async def test_lines_are_credited_by_quantity_until_none_is_left(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(
            tx,
            await make_customer(tx),
            line("0.35", quantity=Decimal(3), tax_codes=["DE19"]),
            line("10", tax_codes=["DE7"]),
        )
        assert str(invoice.total) == "11.95"
        one = [CreditLineDraft(position=1, quantity=Decimal(1))]
        first = await credit(tx, invoice, lines=one)
        second = await credit(tx, invoice, lines=one)
        assert [str(n.total) for n in (first, second)] == ["0.42", "0.42"]
        with pytest.raises(crediting.CreditBeyondLine):
            await credit(
                tx, invoice, lines=[CreditLineDraft(position=1, quantity=Decimal("1.000001"))]
            )
        with pytest.raises(crediting.LineUnknown):
            await credit(tx, invoice, lines=[CreditLineDraft(position=3)])
        # What is left takes exactly the rest: 1.25 - 0.84 for line 1, and all of line 2.
        rest = await credit(
            tx, invoice, lines=[CreditLineDraft(position=1), CreditLineDraft(position=2)]
        )
        assert str(rest.total) == "11.11"
        assert (await again(tx, invoice)).state == "paid"


async def test_an_amount_is_credited_and_split_over_the_taxes(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), line(tax_codes=["DE19"]))
        note = await credit(tx, invoice, amount=Decimal("11.90"))
        assert (str(note.total_net), str(note.total_tax)) == ("10.00", "1.90")
        partly = await again(tx, invoice)
        assert (partly.state, str(partly.amount_open)) == ("issued", "107.10")
        # Without amount or lines: all that is open.
        rest = await credit(tx, invoice)
        assert (str(rest.total_net), str(rest.total_tax)) == ("90.00", "17.10")


async def test_no_credit_note_goes_beyond_what_is_open(house: House) -> None:
    """ "reduce what is open, never beyond": a paid part must be taken off first."""
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        payment = await receive(tx, "60", (invoice.id, None))
        with pytest.raises(crediting.CreditBeyondOpen):
            await credit(tx, invoice, amount=Decimal("40.01"))
        with pytest.raises(crediting.CreditBeyondOpen):
            await credit(tx, invoice, lines=[CreditLineDraft(position=1)])
        assert await tx.all(CreditNote, invoice_id=invoice.id) == []
        assert len([n for n in tx.numbers if n.startswith("CN")]) == 0
        await payments.unapply_payment(
            tx, tx.caller, payment.id, invoice_id=invoice.id, reason="Credited", on=None
        )
        note = await credit(tx, invoice, lines=[CreditLineDraft(position=1)])
        assert str(note.total) == "100.00"
        assert str((await again(tx, payment)).amount_unapplied) == "60.00"


async def test_drafts_paid_and_void_invoices_are_not_credited(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        draft = await make_invoice(tx, customer, issue=False)
        paid = await make_invoice(tx, customer)
        await receive(tx, "100", (paid.id, None))
        for invoice in (draft, paid):
            with pytest.raises(WrongState):
                await credit(tx, invoice, amount=Decimal(1))


async def test_a_credit_note_is_dated_after_its_invoice_and_not_in_the_future(
    house: House,
) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), document_date=date(2026, 6, 10))
        with pytest.raises(dates.DatedBefore):
            await credit(tx, invoice, document_date=date(2026, 6, 9))
        with pytest.raises(dates.DatedInFuture):
            await credit(tx, invoice, document_date=TODAY + timedelta(days=1))
        assert await settled(tx, invoice.id) == []


async def test_a_small_rest_is_written_off(house: House) -> None:
    """FIN-4, write-off: the rest is given up with a reason, and the invoice is settled."""
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        await receive(tx, "99.97", (invoice.id, None))
        with pytest.raises(settlement.AppliedBeyondOpen):
            await invoices.write_off(
                tx, tx.caller, invoice.id, amount=Decimal("0.04"), reason="Small", on=None
            )
        done = await invoices.write_off(
            tx, tx.caller, invoice.id, amount=None, reason="Small", on=None
        )
        assert (done.state, str(done.amount_written_off)) == ("paid", "0.03")
        assert await settled(tx, invoice.id) == [("payment", "99.97"), ("write_off", "0.03")]
        assert told(tx)[2:] == ["PaymentReceived", "InvoiceWrittenOff", "InvoicePaid"]


async def test_an_unpaid_invoice_is_voided_and_its_number_stays_used(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        invoice = await make_invoice(tx, customer)
        voided = await invoices.void_invoice(
            tx, tx.caller, invoice.id, reason="Ordered by mistake", on=None
        )
        assert (voided.state, voided.number, str(voided.amount_open)) == (
            "void",
            "INV-2026-00001",
            "0.00",
        )
        assert (voided.voided_on, voided.void_reason) == (TODAY, "Ordered by mistake")
        assert told(tx)[2:] == ["InvoiceVoided"]
        assert (await make_invoice(tx, customer)).number == "INV-2026-00002"
        with pytest.raises(WrongState):
            await invoices.void_invoice(tx, tx.caller, invoice.id, reason="again", on=None)


async def test_an_invoice_with_payments_or_credits_is_not_voided(house: House) -> None:
    """ "only issued without payments"."""
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        paid, credited = await make_invoice(tx, customer), await make_invoice(tx, customer)
        await receive(tx, "1", (paid.id, None))
        await credit(tx, credited, amount=Decimal(1))
        with pytest.raises(WrongState):
            await invoices.void_invoice(tx, tx.caller, paid.id, reason="x", on=None)
        with pytest.raises(states.InvoiceHasSettlements):
            await invoices.void_invoice(tx, tx.caller, credited.id, reason="x", on=None)
        assert "InvoiceVoided" not in told(tx)


async def test_an_invoice_is_mailed_to_the_customer_or_to_whom_is_named(house: House) -> None:
    """`send` announces InvoiceSent with the recipient and the path of the PDF."""
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, email="a@b.example")
        invoice = await make_invoice(tx, customer)
        sent = await invoices.send_invoice(
            tx, tx.caller, invoice.id, recipient=None, message="Thank you"
        )
        assert (sent.sent_to, sent.sent_at) == ("a@b.example", tx.caller.now)
        event: Any = tx.events[-1]
        assert (event.recipient, event.document, event.message) == (
            "a@b.example",
            f"/invoices/{invoice.id}/pdf",
            "Thank you",
        )
        other = await invoices.send_invoice(
            tx, tx.caller, invoice.id, recipient="c@d.example", message=None
        )
        assert other.sent_to == "c@d.example"
        nobody = await make_invoice(tx, await make_customer(tx))
        with pytest.raises(states.NoRecipient):
            await invoices.send_invoice(tx, tx.caller, nobody.id, recipient=None, message=None)
        draft = await make_invoice(tx, customer, issue=False)
        with pytest.raises(WrongState):
            await invoices.send_invoice(tx, tx.caller, draft.id, recipient=None, message=None)
        assert told(tx).count("InvoiceSent") == 2
