"""What writing documents needs to know: sellers, taxes, terms, customers, what is owed."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import NotFound
from orrery.services.invoicing.models.parties import (
    Customer,
    DunningLevel,
    PaymentTerm,
    Seller,
    TaxCode,
)
from orrery.services.invoicing.rules import dates, dunning, pricing
from orrery.services.invoicing.rules.crediting import Remaining, remaining

OWED: LiteralString = (
    "select coalesce(sum(amount_open), 0) from invoice where customer_id = %(id)s"
    " and currency = %(currency)s and state in ('issued', 'partly_paid', 'overdue')"
)
CREDITED_TAXES: LiteralString = (
    "select t.tax_code, t.base, t.amount from credit_note_tax t"
    " join credit_note n on n.id = t.credit_note_id where n.invoice_id = %(id)s"
)
CREDITED_NET: LiteralString = (
    "select coalesce(sum(total_net), 0) from credit_note where invoice_id = %(id)s"
)
CREDITED_LINES: LiteralString = (
    "select l.invoice_line_id, sum(l.quantity) as quantity from credit_note_line l"
    " join credit_note n on n.id = l.credit_note_id"
    " where n.invoice_id = %(id)s and l.invoice_line_id is not null group by l.invoice_line_id"
)
CALLED: LiteralString = (
    "select id from customer where code = any(%(codes)s) or external_id = any(%(external_ids)s)"
)
OPEN_OLDEST_FIRST: LiteralString = (
    "select id from invoice where customer_id = %(customer)s and currency = %(currency)s"
    " and unit_id is not distinct from %(unit)s"
    " and state in ('issued', 'partly_paid', 'overdue') order by due_on, number"
)
STANDING: LiteralString = (
    "select s.id, s.invoice_id, s.entry, s.amount, s.effective_on, s.credit_note_id"
    " from settlement s left join settlement r on r.reverses_id = s.id"
    " where s.payment_id = %(id)s and s.reverses_id is null and r.id is null order by s.id"
)


async def sellers(tx: ReadTx) -> list[Any]:
    """Every unit that bills, the one without a unit last."""
    rows: list[Any] = await tx.all(Seller)
    return sorted(rows, key=lambda row: row.unit_id is None)


async def taxes(tx: ReadTx) -> dict[str, pricing.Tax]:
    """Every tax code in use, by code."""
    rows = await tx.all(TaxCode, is_archived=False)
    return {
        row.code: pricing.Tax(
            code=row.code,
            name=row.name,
            rate=row.rate,
            is_included=row.is_included,
            is_compound=row.is_compound,
            sequence=row.sequence,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in rows
    }


async def payment_term(tx: ReadTx, code: str) -> Any:
    """A payment term by code. Refuses: NotFound."""
    row = await tx.find(PaymentTerm, code=code, is_archived=False)
    if row is None:
        raise NotFound(resource="payment_term", code=code)
    return row


def term_of(row: Any) -> dates.Term:
    """A payment term as the rules know it."""
    return dates.Term(row.days, row.is_end_of_month, row.discount_days, row.discount_percent)


async def customers(
    tx: ReadTx, *, ids: Iterable[UUID], codes: Iterable[str], external_ids: Iterable[str]
) -> list[Any]:
    """Customers by whatever they are called."""
    wanted, called = set(ids), {"codes": list(codes), "external_ids": list(external_ids)}
    if any(called.values()):
        wanted |= {row.id for row in await tx.rows(CALLED, **called)}
    return list(await tx.many(Customer, wanted))


async def owed(tx: ReadTx, customer_id: UUID, currency: str) -> Decimal:
    """What a customer owes on all open invoices of a currency."""
    return Decimal(await tx.value(OWED, id=customer_id, currency=currency))


async def closed_through(tx: ReadTx, unit_id: UUID | None) -> date | None:
    """The day through which a unit's books are closed."""
    seller = await tx.find(Seller, unit_id=unit_id)
    return seller.closed_through if seller else None


async def left_to_credit(tx: ReadTx, invoice: Any, tax_rows: Sequence[Any]) -> Remaining:
    """What earlier credit notes left of an invoice."""
    credited = await tx.rows(CREDITED_TAXES, id=invoice.id)
    return remaining(
        invoice.total_net,
        [tax_amount(row) for row in tax_rows],
        [(row.tax_code, row.base, row.amount) for row in credited],
        Decimal(await tx.value(CREDITED_NET, id=invoice.id)),
    )


def tax_amount(row: Any) -> pricing.TaxAmount:
    """A stored tax record as the rules know it; its position is its place in the sequence."""
    tax = pricing.Tax(
        code=row.tax_code,
        name=row.name,
        rate=row.rate,
        is_included=row.is_included,
        is_compound=row.is_compound,
        sequence=row.position,
    )
    return pricing.TaxAmount(tax, row.base, row.amount)


async def credited_quantities(tx: ReadTx, invoice_id: UUID) -> dict[UUID, Decimal]:
    """How much of each line was credited already."""
    rows = await tx.rows(CREDITED_LINES, id=invoice_id)
    return {row.invoice_line_id: row.quantity for row in rows}


async def open_invoices(
    tx: ReadTx, *, customer_id: UUID, currency: str, unit_id: UUID | None
) -> list[UUID]:
    """A customer's open invoices, the oldest due first."""
    rows = await tx.rows(OPEN_OLDEST_FIRST, customer=customer_id, currency=currency, unit=unit_id)
    return [row.id for row in rows]


async def standing(tx: ReadTx, payment_id: UUID) -> list[Any]:
    """What a payment settles and was not taken back."""
    return await tx.rows(STANDING, id=payment_id)


async def dunning_levels(tx: ReadTx) -> list[dunning.Level]:
    """The letters in use."""
    rows = await tx.all(DunningLevel, is_archived=False)
    return [
        dunning.Level(
            level=row.level,
            days_after_due=row.days_after_due,
            fee=row.fee,
            currency=row.currency,
            interest_percent=row.interest_percent,
            text=row.text,
        )
        for row in rows
    ]
