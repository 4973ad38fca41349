"""FIN-4: partial, over and multi-invoice payments, discounts, reversals; nothing is deleted."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.refusal import Malformed, NotFound, Refusal
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing.actions import payments
from orrery.services.invoicing.models.parties import Seller
from orrery.services.invoicing.models.settlements import Payment, Settlement
from orrery.services.invoicing.rules import dates, settlement
from orrery.services.invoicing.schemas.payments import ApplicationDraft, InvoicePayment
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


def applications(*shares: tuple[Any, str | None]) -> list[ApplicationDraft]:
    return [
        ApplicationDraft(invoice_id=invoice.id, amount=Decimal(part) if part else None)
        for invoice, part in shares
    ]


async def test_an_invoice_is_paid_in_parts(house: House) -> None:
    """issued -> partly_paid -> paid, and the receipt is announced once, at the end."""
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, email="a@b.example")
        invoice = await make_invoice(tx, customer)
        await receive(tx, "40", (invoice.id, None))
        part = await again(tx, invoice)
        assert (part.state, str(part.amount_open)) == ("partly_paid", "60.00")
        assert told(tx)[2:] == ["PaymentReceived"]
        await receive(tx, "60", (invoice.id, None))
        paid = await again(tx, invoice)
        assert (paid.state, str(paid.amount_paid), str(paid.amount_open)) == (
            "paid",
            "100.00",
            "0.00",
        )
        assert told(tx)[2:] == ["PaymentReceived", "PaymentReceived", "InvoicePaid"]
        event: Any = tx.events[-1]
        assert (event.customer_email, event.paid_on, event.total) == (
            "a@b.example",
            TODAY,
            Decimal("100.00"),
        )


async def test_one_payment_settles_several_invoices_and_the_rest_is_credit(house: House) -> None:
    """Over-payment stays as the customer's credit and is applied later."""
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        first, second, third = [await make_invoice(tx, customer) for _ in range(3)]
        payment = await receive(tx, "230", (first.id, None), (second.id, "80"))
        assert str(payment.amount_unapplied) == "50.00"
        assert [(await again(tx, i)).state for i in (first, second, third)] == [
            "paid",
            "partly_paid",
            "issued",
        ]
        later = await payments.apply_payment(
            tx, tx.caller, payment.id, applications((second, None), (third, None)), on=None
        )
        assert str(later.amount_unapplied) == "0.00"
        assert str((await again(tx, third)).amount_open) == "70.00"
        assert [type(e).__name__ for e in tx.events].count("PaymentReceived") == 4


async def test_what_is_left_goes_to_the_oldest_invoices_when_asked(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        newer = await make_invoice(tx, customer)
        older = await make_invoice(tx, customer, document_date=date(2026, 3, 1))
        payment = await receive(
            tx, "150", customer_id=customer.id, currency="EUR", oldest_first=True
        )
        assert (await again(tx, older)).state == "paid"
        assert str((await again(tx, newer)).amount_open) == "50.00"
        assert str(payment.amount_unapplied) == "0.00"


async def test_a_payment_without_an_invoice_is_credit_alone(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        payment = await receive(tx, "25", customer_id=customer.id)
        assert (payment.currency, str(payment.amount_unapplied)) == ("EUR", "25.00")
        assert "PaymentReceived" not in told(tx)
        with pytest.raises(Malformed):
            await receive(tx, "25")


@pytest.mark.parametrize(
    "amount, share, refusal",
    [
        ("200", "100.01", settlement.AppliedBeyondOpen),
        ("50", "50.01", settlement.AppliedBeyondPayment),
        ("10.005", None, settlement.AmountTooFine),
    ],
)
async def test_nothing_is_applied_beyond_what_is_open_or_received(
    house: House, amount: str, share: str | None, refusal: type[Refusal]
) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        with pytest.raises(refusal):
            await receive(tx, amount, (invoice.id, share))
        assert await settled(tx, invoice.id) == []
        assert await tx.all(Payment, customer_id=invoice.customer_id) == []
        assert (await again(tx, invoice)) == invoice


async def test_customers_currencies_and_drafts_are_not_mixed(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer, other = await make_customer(tx), await make_customer(tx, "Other")
        mine = await make_invoice(tx, customer)
        theirs = await make_invoice(tx, other)
        dollars = await make_invoice(tx, customer, currency="USD")
        draft = await make_invoice(tx, customer, issue=False)
        for strange, refusal in (
            (theirs, settlement.CustomerDiffers),
            (dollars, settlement.CurrencyDiffers),
            (draft, WrongState),
        ):
            with pytest.raises(refusal):
                await receive(tx, "200", (mine.id, "10"), (strange.id, "10"))
        with pytest.raises(settlement.InvoiceTwice):
            await receive(tx, "200", (mine.id, "10"), (mine.id, "10"))
        with pytest.raises(NotFound):
            await receive(tx, "200", (customer.id, "10"))
        assert await settled(tx, mine.id) == []


async def test_a_payment_is_not_dated_in_the_future_or_in_closed_books(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        with pytest.raises(dates.DatedInFuture):
            await receive(tx, "10", (invoice.id, None), received_on=TODAY + timedelta(days=1))
        seller: Any = await tx.find(Seller, unit_id=invoice.unit_id)
        await tx.change(seller, closed_through=date(2026, 6, 10))
        with pytest.raises(dates.PeriodClosed):
            await receive(tx, "10", (invoice.id, None), received_on=date(2026, 6, 10))
        assert await settled(tx, invoice.id) == []
        await receive(tx, "10", (invoice.id, None), received_on=date(2026, 6, 11))
        assert await settled(tx, invoice.id) == [("payment", "10.00")]


async def test_a_payment_ahead_of_its_invoice_counts_from_the_invoice_s_day(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        await receive(tx, "10", (invoice.id, None), received_on=date(2026, 6, 1))
        entry = (await tx.all(Settlement, invoice_id=invoice.id))[0]
        assert entry.effective_on == TODAY


async def test_paying_early_with_the_discount_settles_the_invoice(house: House) -> None:
    """FIN-4, early-payment discount: 2 % within ten days."""
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), payment_term="NET30-2")
        body = InvoicePayment(take_discount=True)
        await payments.pay_invoice(tx, tx.caller, invoice.id, body)
        paid = await again(tx, invoice)
        assert (paid.state, str(paid.amount_paid), str(paid.amount_written_off)) == (
            "paid",
            "98.00",
            "2.00",
        )
        assert await settled(tx, invoice.id) == [("discount", "2.00"), ("payment", "98.00")]
        assert told(tx)[2:] == ["PaymentReceived", "InvoiceWrittenOff", "InvoicePaid"]


@pytest.mark.parametrize(
    "term, received_on, amount",
    [
        (None, TODAY, None),
        ("NET30-2", date(2026, 6, 26), None),
        ("NET30-2", TODAY, "97.99"),
    ],
)
async def test_a_discount_that_is_not_earned_is_refused(
    house: House, term: str | None, received_on: date, amount: str | None
) -> None:
    stop_the_clock(date(2026, 6, 26))
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(
            tx, await make_customer(tx), payment_term=term, document_date=TODAY
        )
        body = InvoicePayment(
            take_discount=True,
            received_on=received_on,
            amount=Decimal(amount) if amount else None,
        )
        with pytest.raises(settlement.DiscountNotEarned):
            await payments.pay_invoice(tx, tx.caller, invoice.id, body)
        assert await settled(tx, invoice.id) == []


async def test_paying_an_invoice_too_much_leaves_credit(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        payment = await payments.pay_invoice(
            tx, tx.caller, invoice.id, InvoicePayment(amount=Decimal("120.00"))
        )
        assert str(payment.amount_unapplied) == "20.00"
        with pytest.raises(WrongState):
            await payments.pay_invoice(tx, tx.caller, invoice.id, InvoicePayment())


async def test_a_reversed_payment_reopens_its_invoices_and_keeps_the_ledger(house: House) -> None:
    """Reversal, never delete: the counter-entries stand beside the entries."""
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        late = await make_invoice(
            tx, customer, document_date=date(2026, 5, 1), due_on=date(2026, 5, 31)
        )
        fresh = await make_invoice(tx, customer)
        payment = await receive(tx, "150", (late.id, None), (fresh.id, "50"))
        back = await payments.reverse_payment(
            tx, tx.caller, payment.id, reason="Returned by the bank", on=None
        )
        assert (back.state, back.reversed_on) == ("reversed", TODAY)
        assert str(back.amount_unapplied) == "0.00"
        assert [(await again(tx, i)).state for i in (late, fresh)] == ["overdue", "issued"]
        assert await settled(tx, late.id) == [("payment", "-100.00"), ("payment", "100.00")]
        assert told(tx)[3:] == [
            "PaymentReceived", "InvoicePaid", "PaymentReceived",
            "PaymentReversed", "InvoiceReopened", "PaymentReversed",
        ]  # fmt: skip
        with pytest.raises(WrongState):
            await payments.reverse_payment(tx, tx.caller, payment.id, reason="again", on=None)
        with pytest.raises(WrongState):
            await payments.apply_payment(
                tx, tx.caller, payment.id, applications((fresh, None)), on=None
            )


async def test_a_payment_taken_off_one_invoice_becomes_credit(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        first, second = await make_invoice(tx, customer), await make_invoice(tx, customer)
        payment = await receive(tx, "130", (first.id, None), (second.id, "30"))
        free = await payments.unapply_payment(
            tx, tx.caller, payment.id, invoice_id=first.id, reason="Wrong invoice", on=None
        )
        assert str(free.amount_unapplied) == "100.00"
        assert (await again(tx, first)).state == "issued"
        assert (await again(tx, second)).state == "partly_paid"
        with pytest.raises(settlement.NothingApplied):
            await payments.unapply_payment(
                tx, tx.caller, payment.id, invoice_id=first.id, reason="again", on=None
            )
        used = await payments.apply_payment(
            tx, tx.caller, payment.id, applications((second, "70")), on=None
        )
        assert str(used.amount_unapplied) == "30.00"


async def test_a_discount_is_taken_back_with_its_payment(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), payment_term="NET30-2")
        payment = await payments.pay_invoice(
            tx, tx.caller, invoice.id, InvoicePayment(take_discount=True)
        )
        await payments.reverse_payment(tx, tx.caller, payment.id, reason="Returned", on=None)
        open_again = await again(tx, invoice)
        assert (open_again.state, str(open_again.amount_open)) == ("issued", "100.00")
        assert str(open_again.amount_written_off) == "0.00"
        taken_back: Any = tx.events[-2]
        assert (taken_back.entry, taken_back.amount) == ("discount", Decimal("-2.00"))


async def test_a_reversal_is_not_dated_before_what_it_takes_back(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        payment = await receive(tx, "10", (invoice.id, None))
        with pytest.raises(dates.DatedBefore):
            await payments.reverse_payment(
                tx, tx.caller, payment.id, reason="x", on=TODAY - timedelta(days=1)
            )
        assert (await again(tx, payment)).state == "received"


async def test_a_payment_in_another_currency_s_places_is_kept_exactly(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, currency="KWD")
        invoice = await make_invoice(tx, customer, line("10.1234"))
        payment = await receive(tx, "4.123", (invoice.id, None))
        assert (str(invoice.total), str(payment.amount)) == ("10.123", "4.123")
        assert str((await again(tx, invoice)).amount_open) == "6.000"
