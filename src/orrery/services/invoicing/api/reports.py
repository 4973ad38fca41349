"""Routes of reports and of the sellers whose books are closed."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import sellers
from orrery.services.invoicing.queries import figures as glance
from orrery.services.invoicing.queries import reports
from orrery.services.invoicing.queries.resources import SELLERS
from orrery.services.invoicing.rules import dates
from orrery.services.invoicing.schemas import parties
from orrery.services.invoicing.schemas import payments as s

router = routes("", tags="report")

MayReport = Annotated[Caller, May(p.REPORT_READ)]


@router.get("/figures")
async def read_figures(tx: ReadTx, caller: MayReport) -> s.Figures:
    """Invoicing at a glance: documents by state, money by currency."""
    return await glance.figures(tx, caller)


@router.get("/reports/receivables-ageing")
async def read_receivables_ageing(
    tx: ReadTx,
    caller: MayReport,
    as_of: date | None = None,
    known_at: Annotated[
        datetime | None, Query(description="Leave out what was entered after this instant.")
    ] = None,
    unit_id: UUID | None = None,
    customer_id: UUID | None = None,
) -> s.Ageing:
    """What customers owed at the end of a day, by age."""
    return await reports.receivables_ageing(
        tx,
        caller,
        as_of=as_of or caller.today,
        known_at=known_at,
        unit_id=unit_id,
        customer_id=customer_id,
    )


@router.get("/reports/revenue")
async def read_revenue(
    tx: ReadTx,
    caller: MayReport,
    by: Literal["month", "year"] = "month",
    date_from: date | None = None,
    date_to: date | None = None,
) -> s.Revenue:
    """What was billed by month or year, less credit notes and void invoices."""
    return await reports.revenue(
        tx, caller, by=by, date_from=date_from or date.min, date_to=date_to or caller.today
    )


@router.get("/reports/taxes")
async def read_tax_report(
    tx: ReadTx, caller: MayReport, date_from: date, date_to: date
) -> s.TaxReport:
    """What is owed of each tax for the documents of a period."""
    return await reports.tax_report(tx, caller, date_from=date_from, date_to=date_to)


@router.post("/sellers/{id}/close", responses=refusals(dates.ClosedFurther, dates.DatedInFuture))
async def close_books(
    id: UUID, body: parties.Closing, tx: WriteTx, caller: Annotated[Caller, May(p.SELLER_CLOSE)]
) -> parties.SellerView:
    """Close a unit's books through a day; nothing is dated into it any more."""
    await SELLERS.permit(tx, caller, p.SELLER_CLOSE, id)
    return parties.SellerView.of(await sellers.close_books(tx, caller, id, through=body.through))
