"""Issuing: the number comes last, and what was issued is frozen (FIN-1, FIN-2)."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orrery.kernel.db import Tx
from orrery.kernel.errors import understood
from orrery.kernel.testing import House
from orrery.kernel.types.refusal import Forbidden, Refusal
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing.actions import customers, drafts, invoices, sellers
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Seller, TaxCode
from orrery.services.invoicing.models.settlements import Settlement
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.rules import dates, states
from orrery.services.invoicing.rules.constraints import CONSTRAINTS, InvoiceFrozen
from tests.actions.invoicing.factories import (
    TODAY,
    line,
    make_customer,
    make_invoice,
    receive,
    stop_the_clock,
    told,
    write_invoice,
)


async def own_seller(tx: Tx) -> Any:
    """The seller row of documents without a unit."""
    return await tx.find(Seller, unit_id=None)


async def test_numbers_count_per_year_without_a_gap(house: House) -> None:
    """`INV-{yyyy}-{00000}` per unit and year; a refused issue gives its number to the next."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        first = await make_invoice(tx, customer)
        empty = await make_invoice(tx, customer, issue=False)
        await drafts.replace_lines(tx, tx.caller, empty.id, [])
        with pytest.raises(states.InvoiceEmpty):
            await invoices.issue_invoice(tx, tx.caller, empty.id)
        last_year = await make_invoice(tx, customer, document_date=date(2025, 12, 31))
        second = await make_invoice(tx, customer)
        assert [i.number for i in (first, second, last_year)] == [
            "INV-2026-00001",
            "INV-2026-00002",
            "INV-2025-00001",
        ]
        assert tx.numbers.count("INV-2026-00002") == 1


async def test_every_unit_has_numbers_of_its_own(house: House) -> None:
    async with house.tx("invoicing") as tx:
        from orrery.kernel.types.ids import new_id
        from orrery.services.invoicing.seed import SELLER

        customer = await make_customer(tx)
        units = [new_id(), new_id()]
        for unit in units:
            await tx.add(Seller, **(SELLER | {"unit_id": unit}))
        numbers = [(await make_invoice(tx, customer, unit_id=u)).number for u in (*units, *units)]
        assert [n[-5:] for n in numbers] == ["00001", "00001", "00002", "00002"]


async def test_issuing_tells_what_is_owed(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        invoice = await make_invoice(tx, customer, line(tax_codes=["DE19"]))
        event = tx.events[-1]
        assert told(tx) == ["CustomerCreated", "InvoiceIssued"]
        assert event.number == invoice.number  # type: ignore[attr-defined] # InvoiceIssued
        assert (invoice.state, str(invoice.amount_open)) == ("issued", "119.00")
        assert invoice.issued_at == tx.caller.now
        assert vars(event) == {
            "invoice_id": invoice.id,
            "number": invoice.number,
            "customer_id": customer.id,
            "customer_name": "Alfreds Futterkiste",
            "issued_on": TODAY,
            "due_on": date(2026, 7, 15),
            "currency": "EUR",
            "total_net": Decimal("100.00"),
            "total_tax": Decimal("19.00"),
            "total": Decimal("119.00"),
        }


async def test_an_invoice_over_nothing_is_paid_at_once(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), line("0"))
        assert (invoice.state, str(invoice.amount_open)) == ("paid", "0.00")
        assert told(tx)[1:] == ["InvoiceIssued", "InvoicePaid"]


async def closed(tx: Tx, customer: Any) -> None:
    await sellers.close_books(tx, tx.caller, (await own_seller(tx)).id, through=date(2026, 5, 31))
    await make_invoice(tx, customer, document_date=date(2026, 5, 31))


async def future(tx: Tx, customer: Any) -> None:
    await make_invoice(tx, customer, document_date=date(2026, 6, 16))


async def due_early(tx: Tx, customer: Any) -> None:
    await make_invoice(tx, customer, due_on=date(2026, 6, 14))


async def below_zero(tx: Tx, customer: Any) -> None:
    await make_invoice(tx, customer, line("10", quantity=Decimal(-1)))


async def over_limit(tx: Tx, customer: Any) -> None:
    await customers.change_customer(tx, tx.caller, customer.id, {"credit_limit": Decimal("150.00")})
    await make_invoice(tx, customer, line("100"))
    await make_invoice(tx, customer, line("50.01"))


@pytest.mark.parametrize(
    "attempt, refusal, issued_before",
    [
        (closed, dates.PeriodClosed, 0),
        (future, dates.DatedInFuture, 0),
        (due_early, dates.DueBeforeDocument, 0),
        (below_zero, states.TotalNegative, 0),
        (over_limit, states.CreditLimitExceeded, 1),
    ],
)
async def test_what_may_not_be_issued_gets_no_number(
    house: House,
    attempt: Callable[[Tx, Any], Awaitable[None]],
    refusal: type[Refusal],
    issued_before: int,
) -> None:
    """The issue verb's date rules, totals below zero, the credit limit; nothing is announced."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        with pytest.raises((refusal, psycopg.errors.CheckViolation)) as caught:
            await attempt(tx, customer)
        understood_as = understood(caught.value, CONSTRAINTS)
        assert isinstance(understood_as, refusal)
        assert told(tx).count("InvoiceIssued") == issued_before
        assert len(tx.numbers) == 1 + issued_before  # the customer's own code is the first


async def test_what_a_customer_paid_is_free_for_the_credit_limit_again(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, credit_limit=Decimal("100.00"))
        first = await make_invoice(tx, customer)
        with pytest.raises(states.CreditLimitExceeded):
            async with tx.savepoint():
                await make_invoice(tx, customer, line("1"))
        await receive(tx, "60.00", (first.id, None))
        second = await make_invoice(tx, customer, line("60"))
        assert second.state == "issued"


async def test_a_draft_is_priced_a_last_time_when_it_is_issued(house: House) -> None:
    """The tax code changed after the draft was written: the issued invoice bears today's rate."""
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        draft = await make_invoice(tx, customer, line(tax_codes=["DE19"]), issue=False)
        code: Any = await tx.find(TaxCode, code="DE19")
        await tx.change(code, rate=Decimal(16), name="USt 16 %")
        written = await invoices.issue_invoice(tx, tx.caller, draft.id)
        assert str(written.invoice.total) == "116.00"
        await tx.change(code, rate=Decimal(19))
        rows = await details.taxes_of(tx, draft.id)
        assert [(row.name, str(row.rate), str(row.amount)) for row in rows] == [
            ("USt 16 %", "16", "16.00")
        ]


async def test_an_invoice_is_issued_with_another_date(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        draft = await make_invoice(tx, await make_customer(tx), issue=False)
        issued = await invoices.issue_invoice(
            tx, tx.caller, draft.id, document_date=date(2026, 6, 1)
        )
        assert (issued.invoice.document_date, issued.invoice.due_on) == (
            date(2026, 6, 1),
            date(2026, 7, 1),
        )


async def test_what_was_printed_stays_when_the_customer_moves(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, city="Berlin", country="DE")
        invoice = await make_invoice(tx, customer)
        await customers.change_customer(tx, tx.caller, customer.id, {"city": "Hamburg"})
        printed: Any = await tx.one(Invoice, invoice.id)
        assert printed.billed_to["city"] == "Berlin"


async def test_issuing_twice_is_refused(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        numbers = list(tx.numbers)
        with pytest.raises(WrongState):
            await invoices.issue_invoice(tx, tx.caller, invoice.id)
        assert tx.numbers == numbers


async def test_whoever_may_only_write_cannot_issue_on_the_way(house: House) -> None:
    async with house.tx("invoicing", grants={"invoicing.*.write": "all"}) as tx:
        customer = await make_customer(tx)
        with pytest.raises(Forbidden):
            await make_invoice(tx, customer)
        assert await tx.all(Invoice, customer_id=customer.id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update invoice set total_net = 0, total = total_tax, amount_open = total_tax"
        " where id = %(id)s",
        "update invoice set number = 'INV-2026-99999' where id = %(id)s",
        "update invoice set document_date = '2020-01-01' where id = %(id)s",
        "update invoice set billed_to = '{}' where id = %(id)s",
        "delete from invoice where id = %(id)s",
        "update invoice_line set net = 1 where invoice_id = %(id)s",
        "delete from invoice_line where invoice_id = %(id)s",
        "update invoice_tax set amount = 0 where invoice_id = %(id)s",
        "delete from invoice_tax where invoice_id = %(id)s",
        "insert into invoice_line select gen_random_uuid(), invoice_id, 99, description, null, 1,"
        " null, 1, 0, '[]', 1, 1 from invoice_line where invoice_id = %(id)s",
    ],
)
async def test_the_database_itself_keeps_what_was_issued(house: House, statement: str) -> None:
    """FIN-1: refused in the database, not only in code."""
    async with house.tx("invoicing") as tx:
        written = await write_invoice(tx, await make_customer(tx), line(tax_codes=["DE19"]))
        id = written.invoice.id
        with pytest.raises(psycopg.Error) as caught:
            async with tx.savepoint():
                await tx.run(statement, id=id)
        assert isinstance(understood(caught.value, CONSTRAINTS), InvoiceFrozen)
        assert await tx.one(Invoice, id) == written.invoice
        assert await details.lines_of(tx, id) == written.lines
        assert await details.taxes_of(tx, id) == written.taxes


@pytest.mark.parametrize(
    "statement",
    [
        "update settlement set amount = 1", "delete from settlement",
        "update credit_note set total_net = 1", "delete from credit_note",
        "update credit_note_line set net = 1", "delete from reminder",
    ],
)  # fmt: skip
async def test_ledgers_only_grow(house: House, statement: str) -> None:
    """Ledger: append only; no one may update or delete, whoever asks."""
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        await receive(tx, "10", (invoice.id, None))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tx.savepoint():
                await tx.run(statement)
        assert [str(s.amount) for s in await tx.all(Settlement, invoice_id=invoice.id)] == ["10.00"]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into settlement (id, created_at, invoice_id, entry, effective_on, amount)"
        " select gen_random_uuid(), now(), %(id)s, 'write_off', '2026-06-15', 1",
        "update invoice set amount_paid = 20, amount_open = 80 where id = %(id)s",
        "update payment set amount_unapplied = 9 where customer_id ="
        " (select customer_id from invoice where id = %(id)s)",
    ],
)
async def test_amounts_that_do_not_agree_with_the_ledger_are_not_committed(
    house: House, statement: Any
) -> None:
    """FIN-1: what does not balance is refused in the database, not only in code."""
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant, commits=True) as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        await receive(tx, "30", (invoice.id, "10"))
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        async with house.tx("invoicing", tenant=tenant, commits=True) as tx:
            await tx.run(statement, id=invoice.id)
    assert caught.value.diag.constraint_name == "settlements_agree"
    async with house.tx("invoicing", tenant=tenant) as tx:
        after: Any = await tx.one(Invoice, invoice.id)
        assert (str(after.amount_paid), str(after.amount_open)) == ("10.00", "90.00")
        assert len(await tx.all(Settlement, invoice_id=invoice.id)) == 1
