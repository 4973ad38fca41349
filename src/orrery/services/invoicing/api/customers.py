"""Routes of customers."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import customers as actions
from orrery.services.invoicing.queries import reports
from orrery.services.invoicing.queries.resources import CUSTOMERS
from orrery.services.invoicing.rules import constraints, parties
from orrery.services.invoicing.schemas import parties as s
from orrery.services.invoicing.schemas import payments as pay

router = routes("/customers", tags="customer")
# A statement goes back a quarter when nothing else is asked for.
STATEMENT_DAYS = 92
CHECKS = refusals(
    parties.CountryUnknown,
    parties.VatNumberInvalid,
    parties.IbanInvalid,
    parties.CurrencyUnknown,
    constraints.CustomerKnown,
)


@router.post("", status_code=201, responses=CHECKS)
async def create_customer(
    body: s.CustomerDraft, tx: WriteTx, caller: Annotated[Caller, May(p.CUSTOMER_WRITE)]
) -> s.CustomerView:
    """Enter a customer."""
    return s.CustomerView.of(await actions.create_customer(tx, caller, body))


@router.patch("/{id}", responses=CHECKS)
async def change_customer(
    id: UUID,
    body: s.CustomerChange,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.CUSTOMER_WRITE)],
) -> s.CustomerView:
    """Change a customer's particulars."""
    await CUSTOMERS.permit(tx, caller, p.CUSTOMER_WRITE, id)
    changes = body.model_dump(exclude_unset=True)
    return s.CustomerView.of(await actions.change_customer(tx, caller, id, changes))


@router.post("/{id}/archive")
async def archive_customer(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.CUSTOMER_WRITE)]
) -> s.CustomerView:
    """Take a customer out of use; open invoices can still be paid."""
    await CUSTOMERS.permit(tx, caller, p.CUSTOMER_WRITE, id)
    return s.CustomerView.of(await actions.archive_customer(tx, caller, id, is_archived=True))


@router.post("/{id}/restore")
async def restore_customer(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.CUSTOMER_WRITE)]
) -> s.CustomerView:
    """Bring an archived customer back."""
    await CUSTOMERS.permit(tx, caller, p.CUSTOMER_WRITE, id)
    return s.CustomerView.of(await actions.archive_customer(tx, caller, id, is_archived=False))


@router.get("/{id}/statement")
async def read_statement(
    id: UUID,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.REPORT_READ)],
    date_from: date | None = None,
    date_to: date | None = None,
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None,
) -> pay.Statement:
    """A customer's account over a period with its opening and closing balance."""
    await CUSTOMERS.permit(tx, caller, p.CUSTOMER_READ, id)
    end = date_to or caller.today
    begin = date_from or end - timedelta(days=STATEMENT_DAYS)
    return await reports.statement(tx, caller, id, currency=currency, date_from=begin, date_to=end)
