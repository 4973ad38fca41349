"""How units bill: the copy of organization's units, and what stands in while it is away."""

import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader

from orrery.contracts.organization import UnitChanged
from orrery.kernel import testing
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.invoicing import seed
from orrery.services.invoicing.models.parties import (
    Customer,
    DunningLevel,
    PaymentTerm,
    Seller,
    TaxCode,
)
from orrery.services.invoicing.models.settlements import CreditNote
from orrery.services.invoicing.queries import details, printing
from tests.actions.invoicing.factories import line, make_customer, make_invoice, write_invoice


@pytest.fixture
async def alone(house: House) -> AsyncIterator[House]:
    """Invoicing in a process of its own that knows no neighbour's address."""
    async with testing.house(house.url, only=["invoicing"], tenants=()) as opened:
        yield opened


async def unit_of(house: House, tenant: str) -> Any:
    """The tenant's headquarters as organization shows it."""
    async with house.client({"*": "all"}, tenant=tenant) as client:
        answer = await client.get("/api/v1/organization/units?is_headquarters=true")
        return answer.json()["items"][0]


async def test_a_new_tenant_starts_with_its_country_s_taxes(house: House) -> None:
    """provision: DE 19/7/0, payment terms and dunning levels, as data that can be changed."""
    tenant = await house.new_tenant(country="DE", currency="EUR")
    async with house.tx("invoicing", tenant=tenant) as tx:
        taxes: list[Any] = await tx.all(TaxCode)
        assert sorted((t.code, str(t.rate), t.is_included) for t in taxes) == [
            ("DE0", "0", False),
            ("DE19", "19", False),
            ("DE19I", "19", True),
            ("DE7", "7", False),
        ]
        terms: list[Any] = await tx.all(PaymentTerm)
        assert {t.code: t.days for t in terms} == {
            "NOW": 0, "NET14": 14, "NET30": 30, "NET30-2": 30, "EOM30": 30,
        }  # fmt: skip
        levels: list[Any] = await tx.all(DunningLevel)
        assert sorted((x.level, x.days_after_due, str(x.fee), x.currency) for x in levels) == [
            (1, 7, "0", "EUR"),
            (2, 21, "5", "EUR"),
            (3, 42, "10", "EUR"),
        ]


@pytest.mark.parametrize(
    "country, currency, codes",
    [
        ("CH", "CHF", {"CH8_1", "CH8_1I", "CH3_8", "CH2_6", "CH0"}),
        ("US", "USD", {"US0"}),
    ],
)
async def test_every_country_starts_with_what_is_known_of_it(
    house: House, country: str, currency: str, codes: set[str]
) -> None:
    tenant = await house.new_tenant(country=country, currency=currency)
    async with house.tx("invoicing", tenant=tenant) as tx:
        taxes: list[Any] = await tx.all(TaxCode)
        assert {t.code for t in taxes} == codes
        invoice = await make_invoice(tx, await make_customer(tx, currency=None), issue=False)
        assert invoice.currency == currency


async def test_a_unit_is_copied_when_it_is_told_of_and_when_it_changes(house: House) -> None:
    """UnitCreated and UnitChanged: the copy has address, account and rounding of the unit."""
    tenant = await house.new_tenant()
    await house.settle()
    unit = await unit_of(house, tenant)
    async with house.client({"*": "all"}, tenant=tenant) as client:
        changed = await client.patch(
            f"/api/v1/organization/units/{unit['id']}",
            json={
                "street": "Lindenufer 12", "postal_code": "10115", "city": "Berlin",
                "iban": "DE89370400440532013000", "tax_rounding": "document",
            },
        )  # fmt: skip
        assert changed.status_code == 200, changed.text
    await house.settle()
    async with house.tx("invoicing", tenant=tenant) as tx:
        copies: list[Any] = [s for s in await tx.all(Seller) if s.unit_id is not None]
        assert [(str(s.unit_id), s.is_default, s.rounding, s.iban) for s in copies] == [
            (unit["id"], True, "document", "DE89370400440532013000")
        ]
        assert copies[0].address_lines == ["Lindenufer 12", "10115 Berlin"]
        # Documents of nobody in particular are the headquarters', with its rounding.
        invoice = await make_invoice(
            tx, await make_customer(tx), *[line("0.45", tax_codes=["DE19"])] * 3
        )
        assert (str(invoice.unit_id), invoice.rounding) == (unit["id"], "document")
        assert str(invoice.total_tax) == "0.26"
        assert invoice.billed_by["iban"] == "DE89370400440532013000"


async def test_a_unit_that_was_not_told_of_yet_is_asked_for_once(house: House) -> None:
    tenant = await house.new_tenant()
    unit = await unit_of(house, tenant)
    async with house.tx("invoicing", tenant=tenant) as tx:
        assert [s for s in await tx.all(Seller) if s.unit_id is not None] == []
        invoice = await make_invoice(tx, await make_customer(tx), unit_id=unit["id"])
        assert invoice.billed_by["legal_name"] == unit["legal_name"]
        copies = [s for s in await tx.all(Seller) if s.unit_id is not None]
        assert len(copies) == 1


async def test_while_organization_is_away_the_tenant_s_defaults_stand_in(alone: House) -> None:
    """Graceful fallback: an invoice is written, issued and printed on plain paper."""
    async with alone.tx("invoicing", tenant="acme") as tx:
        unit = new_id()
        customer = await make_customer(tx)
        written = await write_invoice(tx, customer, line("7"), unit_id=unit)
        assert (written.invoice.unit_id, written.invoice.currency) == (unit, "EUR")
        assert written.invoice.billed_by["title"] == "Acme"
        pdf = await printing.invoice_pdf(
            tx, tx.caller, written.invoice.id, size=None, language=None
        )
        text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
        assert "Acme" in text
        assert "7.00\xa0EUR" in text


async def test_a_unit_s_news_wait_until_organization_answers_again(alone: House) -> None:
    """The reaction is tried again later, so nothing is lost and nothing half known is kept."""
    from orrery.kernel.types.refusal import Unavailable
    from orrery.services.invoicing import reactions

    event = UnitChanged(new_id(), "HQ", "Acme", "EUR", "Europe/Berlin")
    async with alone.tx("invoicing", tenant="acme") as tx:
        before = await tx.all(Seller)
        with pytest.raises(Unavailable):
            await reactions.refresh_unit(tx, tx.caller, event)
        assert await tx.all(Seller) == before


async def test_the_demo_company_has_a_year_of_invoices_in_every_state(house: House) -> None:
    """seed: about 15 customers and 40 invoices, believable, and the same when loaded twice."""
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        await seed.seed(tx, tx.caller)
        assert len(await tx.all(Customer)) == 15
        states = {
            row.state: row.count
            for row in await tx.rows("select state, count(*) as count from invoice group by state")
        }
        assert set(states) == {"draft", "issued", "partly_paid", "paid", "overdue", "void"}
        assert sum(states.values()) == 42
        assert len(await tx.all(CreditNote)) == 2
        oldest: Any = await tx.value("select min(document_date) from invoice")
        assert (tx.caller.today - oldest).days == 355
        assert await tx.value("select sum(amount_unapplied) from payment") == Decimal("50.00")
        events = len(tx.events)
        await seed.seed(tx, tx.caller)
        assert len(tx.events) == events
        for row in await tx.rows("select id from invoice"):
            view = await details.invoice_details(tx, tx.caller, row.id)
            assert len(view.lines) >= 2
