"""Invoicing at a glance."""

from typing import Any, LiteralString

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.money import round_money
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.queries.scopes import (
    INVOICE_IN_SCOPE,
    PAYMENT_IN_SCOPE,
    scope_values,
)
from orrery.services.invoicing.schemas import payments as pay

STATES: LiteralString = (
    "select t.state, count(*) as invoices"  # noqa: S608 - written-out constants
    " from invoice t where " + INVOICE_IN_SCOPE + " group by t.state"
)
CUSTOMERS: LiteralString = (
    "select count(*) from customer t where not t.is_archived and (%(scope)s::text <> 'own'"
    " or t.created_by = %(caller_user)s::uuid)"
)
MONEY: LiteralString = (
    "with fact as ("  # noqa: S608 - written-out constants
    " select t.currency, (t.amount_open > 0)::int as open,"
    " (t.amount_open > 0 and t.due_on < %(today)s)::int as late, t.amount_open,"
    " case when t.due_on < %(today)s then t.amount_open else 0 end as amount_overdue,"
    " 0 as unapplied, t.document_date as day, t.total_net as net, 0 as received"
    " from invoice t where t.state <> 'draft' and " + INVOICE_IN_SCOPE + ""
    " union all select n.currency, 0, 0, 0, 0, 0, n.document_date, -n.total_net, 0"
    " from credit_note n join invoice t on t.id = n.invoice_id where " + INVOICE_IN_SCOPE + ""
    " union all select t.currency, 0, 0, 0, 0, 0, t.voided_on, -t.total_net, 0 from invoice t"
    " where t.voided_on is not null and " + INVOICE_IN_SCOPE + ""
    " union all select t.currency, 0, 0, 0, 0, t.amount_unapplied, t.received_on, 0,"
    " case when t.state = 'received' then t.amount else 0 end"
    " from payment t where " + PAYMENT_IN_SCOPE + ")"
    " select currency, sum(open) as invoices_open, sum(late) as invoices_overdue,"
    " sum(amount_open) as amount_open, sum(amount_overdue) as amount_overdue,"
    " sum(unapplied) as amount_unapplied,"
    " sum(case when day >= %(month)s and day <= %(today)s then net else 0 end) as revenue_month,"
    " sum(case when day >= %(year)s and day <= %(today)s then net else 0 end) as revenue_year,"
    " sum(case when day >= %(month)s and day <= %(today)s then received else 0 end)"
    " as received_month from fact group by currency order by currency"
)
AMOUNTS = (
    "amount_open amount_overdue amount_unapplied revenue_month revenue_year received_month"
).split()


async def figures(tx: ReadTx, caller: Caller) -> pay.Figures:
    """Counts by state and money by currency, within the caller's scope."""
    values = scope_values(caller, p.REPORT_READ)
    today = caller.today
    by_state = {row.state: row.invoices for row in await tx.rows(STATES, **values)}
    rows = await tx.rows(
        MONEY, today=today, month=today.replace(day=1), year=today.replace(month=1, day=1), **values
    )
    return pay.Figures(
        as_of=today,
        customers=int(await tx.value(CUSTOMERS, **values)),
        drafts=by_state.get("draft", 0),
        by_state=by_state,
        currencies=[_of_currency(row) for row in rows],
    )


def _of_currency(row: Any) -> pay.CurrencyFigures:
    amounts = {name: round_money(getattr(row, name), row.currency) for name in AMOUNTS}
    return pay.CurrencyFigures(
        currency=row.currency,
        invoices_open=int(row.invoices_open),
        invoices_overdue=int(row.invoices_overdue),
        **amounts,
    )
