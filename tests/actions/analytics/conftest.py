"""A small company's events, as the other services would announce them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from orrery.contracts import assets, invoicing, people
from orrery.kernel.testing import House
from orrery.kernel.types.event import Event
from orrery.kernel.types.ids import new_id
from orrery.services.analytics.models import PROJECTIONS
from orrery.services.analytics.queries import figures

JANUARY, FEBRUARY, MARCH = date(2026, 1, 10), date(2026, 2, 3), date(2026, 3, 5)
CUSTOMER = UUID(int=1)


@pytest.fixture(scope="module")
async def company(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant(currency="EUR")


@pytest.fixture
async def tenant(house: House, company: str) -> str:
    """A tenant without any figures yet, so that the test's are exact."""
    await wipe(house, company)
    return company


async def wipe(house: House, tenant: str) -> None:
    """Forget every figure."""
    async with house.tx("analytics", tenant=tenant, commits=True) as tx:
        for table in PROJECTIONS:
            await tx.run(f'delete from "{table.__tablename__}"')


def asset(cost: str, *, id: UUID | None = None, **more: Any) -> assets.AssetCreated:
    """An asset bought in January."""
    told: dict[str, Any] = {
        "asset_id": id or new_id(),
        "tag": "A1",
        "title": "Laptop",
        "category_id": UUID(int=2),
        "category_name": "Laptops",
        "status": "active",
        "cost": Decimal(cost),
        "currency": "EUR",
        "purchased_on": JANUARY,
    }
    return assets.AssetCreated(**(told | more))


def invoice(
    net: str,
    *,
    id: UUID | None = None,
    on: date = JANUARY,
    due: date = FEBRUARY,
    currency: str = "EUR",
) -> invoicing.InvoiceIssued:
    """An invoice with 19 % tax."""
    return invoicing.InvoiceIssued(
        id or new_id(), "I1", CUSTOMER, "Customer", on, due, currency, *amounts(net)
    )


def amounts(net: str) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and gross at 19 %."""
    tax = Decimal(net) * 19 / 100
    return Decimal(net), tax, Decimal(net) + tax


def payment(issued: invoicing.InvoiceIssued, amount: str, on: date) -> invoicing.PaymentReceived:
    """A payment of some of an invoice."""
    return invoicing.PaymentReceived(
        issued.invoice_id, new_id(), CUSTOMER, on, "bank", Decimal(amount), issued.currency
    )


def payoff(issued: invoicing.InvoiceIssued, on: date) -> list[Event]:
    """What is announced when an invoice is paid in full."""
    id, currency = issued.invoice_id, issued.currency
    return [
        payment(issued, str(issued.total), on),
        invoicing.InvoicePaid(
            id,
            issued.number,
            CUSTOMER,
            "Customer",
            None,
            on,
            currency,
            issued.total_net,
            issued.total_tax,
            issued.total,
        ),
    ]


def hired(on: date, *, id: UUID | None = None) -> people.EmployeeHired:
    """An employee who starts on a day."""
    return people.EmployeeHired(id or new_id(), "EMP-001", "Ada", None, None, on)


async def announce(house: House, tenant: str, *events: Event) -> None:
    """Let the services announce, in order; nothing is delivered yet."""
    for event in events:
        service = event.name.partition(".")[0]
        async with house.tx(service, tenant=tenant, commits=True) as tx:
            tx.announce(event)


async def shown(house: House, tenant: str, as_of: date = date(2026, 12, 31)) -> dict[str, Any]:
    """The figures of a day, all of them."""
    async with house.tx("analytics", tenant=tenant) as tx:
        found = await figures.all_figures(tx, as_of)
        return {key: figure.value for key, figure in found.figures.items()}


async def contents(house: House, tenant: str) -> dict[str, Sequence[Any]]:
    """Every row of every projection."""
    async with house.tx("analytics", tenant=tenant) as tx:
        return {table.__tablename__: await tx.all(table) for table in PROJECTIONS}
