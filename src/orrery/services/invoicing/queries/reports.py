"""Receivables by age, revenue, taxes and statements, worked out from facts that never change.

An invoice counts from its date, a settlement from its effective day; corrections are
counter-entries with a day of their own. So a past day's answer stays what it was (FIN-4) once its
period is closed; ``known_at`` also leaves out what was entered later with an earlier date.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, LiteralString
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.money import round_money
from orrery.kernel.types.refusal import Malformed
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.models.parties import Customer, Seller
from orrery.services.invoicing.queries.scopes import (
    INVOICE_IN_SCOPE,
    PAYMENT_IN_SCOPE,
    scope_values,
)
from orrery.services.invoicing.rules import ageing
from orrery.services.invoicing.schemas import payments as pay

# A statement is read by a person; a longer one is asked for in shorter periods.
MAX_ENTRIES = 5000
FORMATS = {"month": "YYYY-MM", "year": "YYYY"}

OWED: LiteralString = (
    "with settled as (select invoice_id, sum(amount) as amount from settlement"  # noqa: S608 - written-out constants
    " where effective_on <= %(as_of)s"
    " and (%(known_at)s::timestamptz is null or created_at <= %(known_at)s::timestamptz)"
    " group by invoice_id),"
    " owed as (select t.customer_id, t.currency,"
    " width_bucket(%(as_of)s::date - t.due_on, %(starts)s::int[]) as bucket,"
    " t.total - coalesce(settled.amount, 0) as amount"
    " from invoice t left join settled on settled.invoice_id = t.id"
    " where t.state <> 'draft' and t.document_date <= %(as_of)s"
    " and (%(known_at)s::timestamptz is null or t.issued_at <= %(known_at)s::timestamptz)"
    " and (%(unit)s::uuid is null or t.unit_id = %(unit)s::uuid)"
    " and (%(customer)s::uuid is null or t.customer_id = %(customer)s::uuid)"
    " and " + INVOICE_IN_SCOPE + ")"
    " select customer_id, currency, bucket, sum(amount) as amount, count(*) as invoices"
    " from owed where amount <> 0 group by customer_id, currency, bucket"
)
UNAPPLIED: LiteralString = (
    "with applied as (select payment_id, sum(amount) as amount from settlement"  # noqa: S608 - written-out constants
    " where entry = 'payment' and effective_on <= %(as_of)s"
    " and (%(known_at)s::timestamptz is null or created_at <= %(known_at)s::timestamptz)"
    " group by payment_id)"
    " select t.customer_id, t.currency,"
    " sum(case when t.reversed_on <= %(as_of)s and (%(known_at)s::timestamptz is null"
    " or t.reversed_at <= %(known_at)s::timestamptz) then 0 else t.amount end"
    " - coalesce(applied.amount, 0)) as amount"
    " from payment t left join applied on applied.payment_id = t.id"
    " where t.received_on <= %(as_of)s"
    " and (%(known_at)s::timestamptz is null or t.created_at <= %(known_at)s::timestamptz)"
    " and (%(unit)s::uuid is null or t.unit_id = %(unit)s::uuid)"
    " and (%(customer)s::uuid is null or t.customer_id = %(customer)s::uuid)"
    " and " + PAYMENT_IN_SCOPE + " group by t.customer_id, t.currency"
)
REVENUE: LiteralString = (
    "with fact as ("  # noqa: S608 - written-out constants
    " select t.document_date as day, t.currency, 1 as invoices, t.total_net as invoiced,"
    " 0 as credited, 0 as voided, t.total_tax as tax from invoice t"
    " where t.state <> 'draft' and " + INVOICE_IN_SCOPE + ""
    " union all select n.document_date, n.currency, 0, 0, n.total_net, 0, -n.total_tax"
    " from credit_note n join invoice t on t.id = n.invoice_id where " + INVOICE_IN_SCOPE + ""
    " union all select t.voided_on, t.currency, 0, 0, 0, t.total_net, -t.total_tax from invoice t"
    " where t.voided_on is not null and " + INVOICE_IN_SCOPE + ")"
    " select to_char(day, %(format)s) as period, currency, sum(invoices) as invoices,"
    " sum(invoiced) as invoiced_net, sum(credited) as credited_net, sum(voided) as voided_net,"
    " sum(tax) as tax from fact where day between %(date_from)s and %(date_to)s"
    " group by 1, 2 order by 1, 2"
)
TAXES: LiteralString = (
    "with fact as ("  # noqa: S608 - written-out constants
    " select x.tax_code, x.name, x.rate, t.currency, t.document_date as day, x.base, x.amount"
    " from invoice_tax x join invoice t on t.id = x.invoice_id"
    " where t.state <> 'draft' and " + INVOICE_IN_SCOPE + ""
    " union all select x.tax_code, x.name, x.rate, t.currency, n.document_date, -x.base, -x.amount"
    " from credit_note_tax x join credit_note n on n.id = x.credit_note_id"
    " join invoice t on t.id = n.invoice_id where " + INVOICE_IN_SCOPE + ""
    " union all select x.tax_code, x.name, x.rate, t.currency, t.voided_on, -x.base, -x.amount"
    " from invoice_tax x join invoice t on t.id = x.invoice_id"
    " where t.voided_on is not null and " + INVOICE_IN_SCOPE + ")"
    " select tax_code, name, rate, currency, sum(base) as base, sum(amount) as amount"
    " from fact where day between %(date_from)s and %(date_to)s"
    " group by tax_code, name, rate, currency order by tax_code, rate, currency"
)
ACCOUNT: LiteralString = (
    "with fact as ("  # noqa: S608 - written-out constants
    " select t.document_date as day, 'invoice' as entry, t.number, t.reference,"
    " t.id as document_id, t.total as amount, t.issued_at as at, 1 as rank from invoice t"
    " where t.customer_id = %(customer)s and t.currency = %(currency)s and t.state <> 'draft'"
    " and " + INVOICE_IN_SCOPE + ""
    " union all select n.document_date, 'credit_note', n.number, t.number, n.id, -n.total,"
    " n.created_at, 2 from credit_note n join invoice t on t.id = n.invoice_id"
    " where n.customer_id = %(customer)s and n.currency = %(currency)s and " + INVOICE_IN_SCOPE + ""
    " union all select t.received_on, 'payment', null, t.reference, t.id, -t.amount,"
    " t.created_at, 3 from payment t where t.customer_id = %(customer)s"
    " and t.currency = %(currency)s and " + PAYMENT_IN_SCOPE + ""
    " union all select t.reversed_on, 'payment_reversed', null, t.reference, t.id, t.amount,"
    " t.reversed_at, 4 from payment t where t.customer_id = %(customer)s"
    " and t.currency = %(currency)s and t.reversed_on is not null and " + PAYMENT_IN_SCOPE + ""
    " union all select s.effective_on, s.entry, t.number, s.reason, t.id, -s.amount,"
    " s.created_at, 5 from settlement s join invoice t on t.id = s.invoice_id"
    " where t.customer_id = %(customer)s and t.currency = %(currency)s"
    " and s.entry in ('discount', 'write_off', 'void') and " + INVOICE_IN_SCOPE + ")"
)
OPENING: LiteralString = (
    ACCOUNT + " select coalesce(sum(amount), 0) from fact where day < %(date_from)s"  # noqa: S608 - written-out constants
)
ENTRIES: LiteralString = (
    ACCOUNT + " select day, entry, number, reference, document_id, amount from fact"  # noqa: S608 - written-out constants
    " where day between %(date_from)s and %(date_to)s order by day, at, rank limit %(limit)s"
)


async def receivables_ageing(
    tx: ReadTx,
    caller: Caller,
    *,
    as_of: date,
    known_at: datetime | None = None,
    unit_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> pay.Ageing:
    """What was owed at the end of a day, by age, customer and currency."""
    if known_at is not None and known_at.tzinfo is None:
        raise Malformed(field="known_at", reason="an instant needs its time zone")
    values = {
        "as_of": as_of,
        "known_at": known_at,
        "unit": unit_id,
        "customer": customer_id,
        **scope_values(caller, p.REPORT_READ),
    }
    owed = await tx.rows(OWED, starts=list(ageing.STARTS), **values)
    unapplied = await tx.rows(UNAPPLIED, **values)
    table: dict[tuple[UUID, str], dict[str, Decimal]] = {}
    counts: dict[tuple[UUID, str], int] = {}
    for row in owed:
        key = (row.customer_id, row.currency)
        table.setdefault(key, {})[ageing.BUCKETS[row.bucket]] = row.amount
        counts[key] = counts.get(key, 0) + row.invoices
    for row in unapplied:
        if row.amount:
            table.setdefault((row.customer_id, row.currency), {})["unapplied"] = row.amount
    names = {c.id: c for c in await tx.many(Customer, {customer for customer, _ in table})}
    rows = [
        pay.AgeingRow(
            customer_id=customer,
            customer_code=names[customer].code,
            customer_name=names[customer].name,
            currency=currency,
            invoices=counts.get((customer, currency), 0),
            **_columns([parts], currency),
        )
        for (customer, currency), parts in table.items()
    ]
    rows.sort(key=lambda row: (row.customer_name, row.currency))
    currencies = sorted({currency for _, currency in table})
    totals = [_ageing_total(currency, table, counts) for currency in currencies]
    return pay.Ageing(as_of=as_of, known_at=known_at, items=rows, totals=totals)


def _ageing_total(
    currency: str,
    table: dict[tuple[UUID, str], dict[str, Decimal]],
    counts: dict[tuple[UUID, str], int],
) -> pay.AgeingTotal:
    mine = {key: parts for key, parts in table.items() if key[1] == currency}
    return pay.AgeingTotal(
        currency=currency,
        customers=len(mine),
        invoices=sum(counts.get(key, 0) for key in mine),
        **_columns(mine.values(), currency),
    )


def _columns(parts: Iterable[dict[str, Decimal]], currency: str) -> dict[str, Decimal]:
    """The columns of a row, with zeros where nothing is owed."""
    given = list(parts)
    zero = round_money(Decimal(0), currency)
    columns = {
        name: sum((part.get(name, zero) for part in given), zero)
        for name in (*ageing.BUCKETS, "unapplied")
    }
    total = sum((columns[name] for name in ageing.BUCKETS), zero)
    return columns | {"total": total, "net": total - columns["unapplied"]}


async def revenue(
    tx: ReadTx, caller: Caller, *, by: Literal["month", "year"], date_from: date, date_to: date
) -> pay.Revenue:
    """What was billed in each month or year, net of credit notes and void invoices."""
    found = await tx.rows(
        REVENUE,
        format=FORMATS[by],
        date_from=date_from,
        date_to=date_to,
        **scope_values(caller, p.REPORT_READ),
    )
    totals = [
        _revenue_row("total", currency, [row for row in found if row.currency == currency])
        for currency in sorted({row.currency for row in found})
    ]
    rows = [_revenue_row(row.period, row.currency, [row]) for row in found]
    return pay.Revenue(by=by, items=rows, totals=totals)


def _revenue_row(period: str, currency: str, rows: Sequence[Any]) -> pay.RevenueRow:
    def added(name: str) -> Decimal:
        return round_money(sum((getattr(row, name) for row in rows), Decimal(0)), currency)

    net = added("invoiced_net") - added("credited_net") - added("voided_net")
    return pay.RevenueRow(
        period=period,
        currency=currency,
        invoices=int(sum(row.invoices for row in rows)),
        invoiced_net=added("invoiced_net"),
        credited_net=added("credited_net"),
        voided_net=added("voided_net"),
        total_net=net,
        total_tax=added("tax"),
        total=net + added("tax"),
    )


async def tax_report(
    tx: ReadTx, caller: Caller, *, date_from: date, date_to: date
) -> pay.TaxReport:
    """What is owed of each tax for the documents of a period."""
    rows = await tx.rows(
        TAXES, date_from=date_from, date_to=date_to, **scope_values(caller, p.REPORT_READ)
    )
    return pay.TaxReport(date_from=date_from, date_to=date_to, items=pay.TaxReportRow.of_all(rows))


async def statement(
    tx: ReadTx,
    caller: Caller,
    customer_id: UUID,
    *,
    currency: str | None,
    date_from: date,
    date_to: date,
) -> pay.Statement:
    """A customer's account: opening balance, what happened, closing balance."""
    customer = await tx.one(Customer, customer_id)
    chosen = currency or customer.currency or await _main_currency(tx, customer_id)
    values = {
        "customer": customer_id,
        "currency": chosen,
        "date_from": date_from,
        **scope_values(caller, p.REPORT_READ),
    }
    opening = round_money(Decimal(await tx.value(OPENING, **values)), chosen)
    found = await tx.rows(ENTRIES, **values, date_to=date_to, limit=MAX_ENTRIES + 1)
    if len(found) > MAX_ENTRIES:
        raise Malformed(field="date_from", reason="too_many_entries", limit=MAX_ENTRIES)
    balance, entries = opening, []
    for row in found:
        balance += row.amount
        entries.append(pay.StatementEntry.of(row, balance=balance))
    return pay.Statement(
        customer_id=customer_id,
        customer_code=customer.code,
        customer_name=customer.name,
        currency=chosen,
        date_from=date_from,
        date_to=date_to,
        opening=opening,
        entries=entries,
        closing=balance,
    )


async def _main_currency(tx: ReadTx, customer_id: UUID) -> str:
    """The currency a customer is mostly billed in."""
    found = await tx.value(
        "select currency from invoice where customer_id = %(id)s"
        " group by currency order by count(*) desc, currency limit 1",
        id=customer_id,
    )
    seller = await tx.find(Seller, unit_id=None)
    return str(found or (seller.currency if seller else "EUR"))
