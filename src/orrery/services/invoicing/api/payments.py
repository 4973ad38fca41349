"""Routes of payments and reminders."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, WriteTx, refusals, routes
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import batches, dunning
from orrery.services.invoicing.actions import payments as actions
from orrery.services.invoicing.queries import details, scopes
from orrery.services.invoicing.queries.resources import PAYMENTS
from orrery.services.invoicing.rules import constraints, dates, settlement
from orrery.services.invoicing.schemas import payments as s

router = routes("/payments", tags="payment")
runs = routes("/dunning-runs", tags="dunning_run")

DATES = (dates.DatedInFuture, dates.PeriodClosed, dates.DatedBefore)
APPLYING = (
    NotFound,
    WrongState,
    settlement.NothingOpen,
    settlement.AppliedBeyondOpen,
    settlement.AppliedBeyondPayment,
    settlement.CustomerDiffers,
    settlement.CurrencyDiffers,
    settlement.UnitDiffers,
    settlement.DiscountNotEarned,
    settlement.InvoiceTwice,
    settlement.AmountTooFine,
    *DATES,
)


@router.post("", status_code=201, responses=refusals(constraints.PaymentKnown, *APPLYING))
async def record_payment(
    body: s.PaymentDraft, tx: WriteTx, caller: Annotated[Caller, May(p.PAYMENT_RECORD)]
) -> s.PaymentDetails:
    """Record money received and apply it to invoices; the rest is the customer's credit."""
    ids = [application.invoice_id for application in body.applications]
    await scopes.permit_invoices(tx, caller, p.PAYMENT_RECORD, ids)
    payment = await actions.record_payment(tx, caller, body)
    return await details.payment_details(tx, caller, payment.id)


@router.post("/batch")
async def record_payments(
    body: s.PaymentBatch, tx: WriteTx, caller: Annotated[Caller, May(p.PAYMENT_RECORD)]
) -> s.PaymentBatchResult:
    """Record many payments in one transaction; each that is refused leaves no trace."""
    ids = [a.invoice_id for payment in body.payments for a in payment.applications]
    await scopes.permit_invoices(tx, caller, p.PAYMENT_RECORD, ids)
    return await batches.record_payments(tx, caller, body)


@router.post("/{id}/apply", responses=refusals(Stale, *APPLYING))
async def apply_payment(
    id: UUID, body: s.ApplyDraft, tx: WriteTx, caller: Annotated[Caller, May(p.PAYMENT_RECORD)]
) -> s.PaymentDetails:
    """Apply what is left of a payment to invoices."""
    await PAYMENTS.permit(tx, caller, p.PAYMENT_RECORD, id)
    ids = [application.invoice_id for application in body.applications]
    await scopes.permit_invoices(tx, caller, p.PAYMENT_RECORD, ids)
    await actions.apply_payment(tx, caller, id, body.applications, on=body.applied_on)
    return await details.payment_details(tx, caller, id)


@router.post(
    "/{id}/unapply",
    responses=refusals(NotFound, Stale, WrongState, settlement.NothingApplied, *DATES),
)
async def unapply_payment(
    id: UUID, body: s.UnapplyDraft, tx: WriteTx, caller: Annotated[Caller, May(p.PAYMENT_REVERSE)]
) -> s.PaymentDetails:
    """Take a payment off an invoice; the money becomes the customer's credit."""
    await PAYMENTS.permit(tx, caller, p.PAYMENT_REVERSE, id)
    await actions.unapply_payment(
        tx, caller, id, invoice_id=body.invoice_id, reason=body.reason, on=body.effective_on
    )
    return await details.payment_details(tx, caller, id)


@router.post("/{id}/reverse", responses=refusals(NotFound, Stale, WrongState, *DATES))
async def reverse_payment(
    id: UUID, body: s.ReverseDraft, tx: WriteTx, caller: Annotated[Caller, May(p.PAYMENT_REVERSE)]
) -> s.PaymentDetails:
    """Take a whole payment back, as when the bank returns it; nothing is deleted."""
    await PAYMENTS.permit(tx, caller, p.PAYMENT_REVERSE, id)
    await actions.reverse_payment(tx, caller, id, reason=body.reason, on=body.reversed_on)
    return await details.payment_details(tx, caller, id)


@runs.post("", status_code=201, responses=refusals(dates.DatedInFuture))
async def run_dunning(
    body: s.DunningDraft, tx: WriteTx, caller: Annotated[Caller, May(p.DUNNING_RUN)]
) -> s.DunningResult:
    """Remind customers of late invoices; with dry_run only show who would get which letter."""
    run, left_out = await dunning.run_dunning(tx, caller, body)
    letters = await details.letters_of(tx, run.id)
    return s.DunningResult.of(run, letters=letters, left_out=left_out)
