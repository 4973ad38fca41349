"""What tests of invoicing start from: a customer, an invoice, a payment."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.services.invoicing.actions import customers, invoices, payments
from orrery.services.invoicing.actions.drafts import Written
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.settlements import Payment, Settlement
from orrery.services.invoicing.schemas.invoices import InvoiceDraft, LineDraft
from orrery.services.invoicing.schemas.parties import CustomerDraft
from orrery.services.invoicing.schemas.payments import ApplicationDraft, PaymentDraft

TODAY = date(2026, 6, 15)


def stop_the_clock(day: date = TODAY) -> None:
    """Make it noon of a day; the fixture of the house releases the clock again."""
    clock.set(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


async def make_customer(tx: Tx, name: str = "Alfreds Futterkiste", **values: Any) -> Any:
    """A customer in euros."""
    draft = CustomerDraft(**({"name": name, "currency": "EUR"} | values))
    return await customers.create_customer(tx, tx.caller, draft)


def line(unit_price: str = "100", **values: Any) -> LineDraft:
    """A line of one piece without tax."""
    told: dict[str, Any] = {"description": "Chai", "unit_price": Decimal(unit_price)}
    return LineDraft(**(told | values))


async def write_invoice(
    tx: Tx, customer: Any, *lines: LineDraft, issue: bool = True, **values: Any
) -> Written:
    """An invoice over 100.00, issued today unless said otherwise."""
    draft = InvoiceDraft(
        customer_id=customer.id, lines=list(lines) or [line()], issue=issue, **values
    )
    return await invoices.create_invoice(tx, tx.caller, draft)


async def make_invoice(tx: Tx, customer: Any, *lines: LineDraft, **values: Any) -> Any:
    """The same, only its head."""
    return (await write_invoice(tx, customer, *lines, **values)).invoice


async def receive(tx: Tx, amount: str, *shares: tuple[UUID, str | None], **values: Any) -> Any:
    """A payment with what of it goes to which invoice."""
    applications = [
        ApplicationDraft(invoice_id=id, amount=Decimal(part) if part else None)
        for id, part in shares
    ]
    draft = PaymentDraft(amount=Decimal(amount), applications=applications, **values)
    return await payments.record_payment(tx, tx.caller, draft)


async def again(tx: Tx, row: Any) -> Any:
    """The row as the database has it now."""
    table: Any = {"invoice": Invoice, "payment": Payment}[row.table_sql.name]
    return await tx.one(table, row.id)


async def settled(tx: Tx, invoice_id: UUID) -> list[tuple[str, str]]:
    """The ledger of an invoice: entry and amount, in alphabetical order."""
    rows = await tx.all(Settlement, invoice_id=invoice_id)
    return sorted((row.entry, str(row.amount)) for row in rows)


def told(tx: Tx) -> list[str]:
    """The events announced so far, by their short names."""
    return [type(event).__name__ for event in tx.events]
