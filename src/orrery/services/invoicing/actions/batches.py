"""Many documents in one transaction: each on its own, a refused one leaves no trace."""

from collections.abc import Mapping
from typing import Any

from psycopg import Error as DatabaseError

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.errors import understood
from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.actions import invoices, payments
from orrery.services.invoicing.actions.desk import Desk
from orrery.services.invoicing.actions.drafts import Written
from orrery.services.invoicing.rules.constraints import CONSTRAINTS
from orrery.services.invoicing.schemas.invoices import (
    BatchItem,
    BatchResult,
    InvoiceBatch,
    RefusalView,
)
from orrery.services.invoicing.schemas.payments import (
    PaymentBatch,
    PaymentBatchItem,
    PaymentBatchResult,
)


async def create_invoices(tx: Tx, caller: Caller, batch: InvoiceBatch) -> BatchResult:
    """Write many invoices; those that say so are issued, in the order they came.

    All are checked and written first and numbered at the end, so that the series is locked for as
    short a time as possible. Announces: InvoiceIssued.
    """
    desk = Desk(tx, caller)
    await desk.know_customers(batch.documents)
    written: dict[int, Written] = {}
    refused: dict[int, RefusalView] = {}
    for index, draft in enumerate(batch.documents):
        try:
            async with tx.savepoint():
                written[index] = await invoices.draft_invoice(tx, caller, draft, desk)
        except (Refusal, DatabaseError) as error:
            refused[index] = _refused(error)
    for index, draft in enumerate(batch.documents):
        if draft.issue and index in written:
            written[index] = await invoices.number_invoice(tx, caller, written[index])
    items = [
        _invoice_item(index, written.get(index), refused.get(index))
        for index in range(len(batch.documents))
    ]
    return BatchResult(items=items, created=len(written), refused=len(refused))


async def record_payments(tx: Tx, caller: Caller, batch: PaymentBatch) -> PaymentBatchResult:
    """Book many payments. Announces: PaymentReceived, InvoicePaid, InvoiceWrittenOff."""
    await payments.lock_for(tx, batch.payments)
    recorded: dict[int, Any] = {}
    refused: dict[int, RefusalView] = {}
    for index, draft in enumerate(batch.payments):
        try:
            async with tx.savepoint():
                recorded[index] = await payments.record_payment(tx, caller, draft)
        except (Refusal, DatabaseError) as error:
            refused[index] = _refused(error)
    items = [_payment_item(index, recorded, refused) for index in range(len(batch.payments))]
    return PaymentBatchResult(items=items, recorded=len(recorded), refused=len(refused))


def _refused(error: Exception) -> RefusalView:
    """Why one document was refused; what is not a refusal is our bug and ends the batch."""
    refusal = understood(error, CONSTRAINTS)
    if refusal is None:
        raise error
    return RefusalView(code=refusal.code, facts=dict(refusal.facts))


def _invoice_item(index: int, written: Written | None, refusal: RefusalView | None) -> BatchItem:
    invoice = written.invoice if written else None
    return BatchItem(
        index=index,
        id=invoice.id if invoice else None,
        number=invoice.number if invoice else None,
        state=invoice.state if invoice else None,
        total=invoice.total if invoice else None,
        refusal=refusal,
    )


def _payment_item(
    index: int, recorded: Mapping[int, Any], refused: Mapping[int, RefusalView]
) -> PaymentBatchItem:
    payment = recorded.get(index)
    return PaymentBatchItem(
        index=index,
        id=payment.id if payment else None,
        amount_unapplied=payment.amount_unapplied if payment else None,
        refusal=refused.get(index),
    )
