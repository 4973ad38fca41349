"""Drafts: written with their lines in one go, changed and thrown away freely."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing.actions import customers, drafts
from orrery.services.invoicing.models.invoices import Invoice, InvoiceLine
from orrery.services.invoicing.models.parties import TaxCode
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.rules import pricing, states
from tests.actions.invoicing.factories import (
    TODAY,
    line,
    make_customer,
    make_invoice,
    stop_the_clock,
    write_invoice,
)


async def test_a_draft_takes_currency_language_and_term_from_its_customer(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, currency="USD", language="fr", payment_term_days=14)
        invoice = await make_invoice(tx, customer, issue=False)
        assert (invoice.state, invoice.number) == ("draft", None)
        assert (invoice.currency, invoice.language) == ("USD", "fr")
        assert (invoice.document_date, invoice.due_on) == (TODAY, date(2026, 6, 29))
        # A draft owes nothing yet.
        assert (invoice.total, invoice.amount_open) == (Decimal("100.00"), Decimal("0.00"))


@pytest.mark.parametrize(
    "values, due_on, until",
    [
        ({}, date(2026, 7, 15), None),
        ({"payment_term": "NET14"}, date(2026, 6, 29), None),
        ({"payment_term": "NET30-2"}, date(2026, 7, 15), date(2026, 6, 25)),
        ({"payment_term": "EOM30"}, date(2026, 7, 31), None),
        ({"due_on": date(2026, 6, 20)}, date(2026, 6, 20), None),
    ],
)
async def test_the_due_date_comes_from_the_term_unless_given(
    house: House, values: dict[str, Any], due_on: date, until: date | None
) -> None:
    """ "due_on from term unless given"; without any term the unit's 30 days."""
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), issue=False, **values)
        assert (invoice.due_on, invoice.discount_until) == (due_on, until)


async def test_lines_and_taxes_are_stored_as_they_will_be_printed(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        written = await write_invoice(
            tx,
            customer,
            line("9.99", quantity=Decimal(7), discount_percent=Decimal(15), tax_codes=["DE19"]),
            line("0.000125", quantity=Decimal(1000), tax_codes=["DE7"], product_code="P-1"),
            issue=False,
        )
        assert [(row.position, str(row.net)) for row in written.lines] == [
            (1, "59.44"),
            (2, "0.13"),
        ]
        assert [(t.tax_code, str(t.base), str(t.amount)) for t in written.taxes] == [
            ("DE19", "59.44", "11.29"),
            ("DE7", "0.13", "0.01"),
        ]
        assert str(written.invoice.total) == "70.87"


async def test_a_customer_is_named_by_id_code_or_external_id(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx, external_id="ALFKI")
        by_code = await make_invoice(tx, customer, issue=False)
        assert by_code.customer_id == customer.id
        from orrery.services.invoicing.actions.invoices import create_invoice
        from orrery.services.invoicing.schemas.invoices import InvoiceDraft

        for name in ({"customer_code": customer.code}, {"customer_external_id": "ALFKI"}):
            written = await create_invoice(tx, tx.caller, InvoiceDraft(**name, lines=[line()]))
            assert written.invoice.customer_id == customer.id
        with pytest.raises(NotFound):
            await create_invoice(tx, tx.caller, InvoiceDraft(customer_external_id="NOBODY"))


async def test_an_archived_customer_gets_no_draft(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        await customers.archive_customer(tx, tx.caller, customer.id, is_archived=True)
        with pytest.raises(states.CustomerArchived):
            await make_invoice(tx, customer, issue=False)
        assert await tx.all(Invoice, customer_id=customer.id) == []


async def test_an_unknown_or_outdated_tax_code_is_refused(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        await tx.add(
            TaxCode, code="DE16", name="USt 16 %", rate=Decimal(16), is_included=False,
            is_compound=False, sequence=10, valid_from=date(2020, 7, 1),
            valid_to=date(2020, 12, 31),
        )  # fmt: skip
        with pytest.raises(pricing.TaxCodeUnknown):
            await make_invoice(tx, customer, line(tax_codes=["DE99"]), issue=False)
        with pytest.raises(pricing.TaxCodeNotValid):
            await make_invoice(tx, customer, line(tax_codes=["DE16"]), issue=False)
        old = await make_invoice(
            tx, customer, line(tax_codes=["DE16"]), document_date=date(2020, 12, 31)
        )
        assert str(old.total) == "116.00"


async def test_putting_lines_replaces_all_of_them(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        invoice = await make_invoice(tx, customer, line(tax_codes=["DE19"]), line(), issue=False)
        changed = await drafts.replace_lines(tx, tx.caller, invoice.id, [line("5"), line("7.5")])
        assert str(changed.total) == "12.50"
        rows = await details.lines_of(tx, invoice.id)
        assert [(row.position, str(row.amount)) for row in rows] == [(1, "5.00"), (2, "7.50")]
        assert await details.taxes_of(tx, invoice.id) == []


async def test_a_moved_document_date_takes_its_due_date_along(house: House) -> None:
    stop_the_clock()
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        invoice = await make_invoice(tx, customer, issue=False, payment_term="NET30-2")
        moved = await drafts.change_draft(
            tx, tx.caller, invoice.id, {"document_date": date(2026, 6, 10)}
        )
        assert (moved.due_on, moved.discount_until) == (date(2026, 7, 10), date(2026, 6, 20))
        fixed = await drafts.change_draft(
            tx, tx.caller, invoice.id, {"due_on": date(2026, 8, 1), "reference": "PO 7"}
        )
        assert (fixed.due_on, fixed.reference) == (date(2026, 8, 1), "PO 7")
        by_term = await drafts.change_draft(tx, tx.caller, invoice.id, {"payment_term": "NET14"})
        assert (by_term.due_on, by_term.discount_until) == (date(2026, 6, 24), None)


async def test_another_currency_prices_the_draft_anew(house: House) -> None:
    """The yen has no decimals: 99.50 becomes 100."""
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), line("99.5"), issue=False)
        changed = await drafts.change_draft(tx, tx.caller, invoice.id, {"currency": "jpy"})
        assert (changed.currency, str(changed.total)) == ("JPY", "100")


async def test_a_draft_is_thrown_away_with_its_lines(house: House) -> None:
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx), issue=False)
        await drafts.discard_draft(tx, tx.caller, invoice.id)
        assert await tx.find(Invoice, id=invoice.id) is None
        assert await tx.all(InvoiceLine, invoice_id=invoice.id) == []


async def test_an_issued_invoice_is_neither_changed_nor_thrown_away(house: House) -> None:
    """FIN-2: the original line is never changed."""
    async with house.tx("invoicing") as tx:
        invoice = await make_invoice(tx, await make_customer(tx))
        with pytest.raises(WrongState):
            await drafts.change_draft(tx, tx.caller, invoice.id, {"reference": "other"})
        with pytest.raises(WrongState):
            await drafts.replace_lines(tx, tx.caller, invoice.id, [line("1")])
        with pytest.raises(WrongState):
            await drafts.discard_draft(tx, tx.caller, invoice.id)
        assert (await tx.one(Invoice, invoice.id)) == invoice
        assert len(await details.lines_of(tx, invoice.id)) == 1


async def test_an_unknown_customer_or_unit_is_not_found(house: House) -> None:
    async with house.tx("invoicing") as tx:
        customer = await make_customer(tx)
        with pytest.raises(NotFound):
            await make_invoice(tx, customer, unit_id=new_id())
        invoice = await make_invoice(tx, customer, issue=False)
        with pytest.raises(NotFound):
            await drafts.change_draft(tx, tx.caller, invoice.id, {"customer_id": new_id()})
