"""Routes of invoices and credit notes."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions import batches, credit_notes, drafts, payments
from orrery.services.invoicing.actions import invoices as actions
from orrery.services.invoicing.queries import details, printing
from orrery.services.invoicing.queries.resources import CREDIT_NOTES, INVOICES
from orrery.services.invoicing.rules import constraints, crediting, dates, pricing, settlement
from orrery.services.invoicing.rules import states as r
from orrery.services.invoicing.schemas import invoices as s
from orrery.services.invoicing.schemas import payments as pay
from orrery.services.invoicing.schemas.words import Paper

router = routes("/invoices", tags="invoice")
notes = routes("/credit-notes", tags="credit_note")

WRITING = (r.CustomerArchived, pricing.TaxCodeUnknown, pricing.TaxCodeNotValid)
DATES = (dates.DatedInFuture, dates.PeriodClosed, dates.DatedBefore)
ISSUING = (
    r.InvoiceEmpty,
    r.TotalNegative,
    r.CreditLimitExceeded,
    dates.DueBeforeDocument,
    *DATES[:2],
)
WantedLanguage = Annotated[
    str | None,
    Query(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", description="Another language than the document's"),
]
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post(
    "",
    status_code=201,
    responses=refusals(NotFound, constraints.InvoiceKnown, *WRITING, *ISSUING),
)
async def create_invoice(
    body: s.InvoiceDraft, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_WRITE)]
) -> s.InvoiceDetails:
    """Write an invoice with its lines, and issue it at once when the draft says so."""
    return details.shown(caller, await actions.create_invoice(tx, caller, body))


@router.post("/batch")
async def create_invoices(
    body: s.InvoiceBatch, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_WRITE)]
) -> s.BatchResult:
    """Write many invoices in one transaction; each that is refused leaves no trace."""
    return await batches.create_invoices(tx, caller, body)


@router.patch(
    "/{id}",
    responses=refusals(
        NotFound, Stale, WrongState, constraints.InvoiceKnown, dates.DueBeforeDocument, *WRITING
    ),
)
async def change_invoice(
    id: UUID,
    body: s.InvoiceChange,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.INVOICE_WRITE)],
) -> s.InvoiceDetails:
    """Change a draft's header."""
    await INVOICES.permit(tx, caller, p.INVOICE_WRITE, id)
    await drafts.change_draft(tx, caller, id, body.model_dump(exclude_unset=True))
    return await details.invoice_details(tx, caller, id)


@router.put("/{id}/lines", responses=refusals(NotFound, Stale, WrongState, *WRITING[1:]))
async def replace_lines(
    id: UUID, body: s.LinesDraft, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_WRITE)]
) -> s.InvoiceDetails:
    """Replace a draft's lines."""
    await INVOICES.permit(tx, caller, p.INVOICE_WRITE, id)
    await drafts.replace_lines(tx, caller, id, body.lines)
    return await details.invoice_details(tx, caller, id)


@router.delete("/{id}", status_code=204, responses=refusals(NotFound, Stale, WrongState))
async def discard_draft(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_WRITE)]
) -> None:
    """Delete a draft; what was issued stays for good."""
    await INVOICES.permit(tx, caller, p.INVOICE_WRITE, id)
    await drafts.discard_draft(tx, caller, id)


@router.post("/{id}/issue", responses=refusals(NotFound, Stale, WrongState, *WRITING, *ISSUING))
async def issue_invoice(
    id: UUID,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.INVOICE_ISSUE)],
    body: s.Issuing | None = None,
) -> s.InvoiceDetails:
    """Give a draft its number; from then on only its verbs change it."""
    await INVOICES.permit(tx, caller, p.INVOICE_ISSUE, id)
    on = body.document_date if body else None
    return details.shown(caller, await actions.issue_invoice(tx, caller, id, document_date=on))


@router.post("/{id}/send", responses=refusals(NotFound, Stale, WrongState, r.NoRecipient))
async def send_invoice(
    id: UUID,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.INVOICE_SEND)],
    body: s.Sending | None = None,
) -> s.InvoiceDetails:
    """Mail an issued invoice to the customer."""
    await INVOICES.permit(tx, caller, p.INVOICE_SEND, id)
    wanted = body or s.Sending()
    await actions.send_invoice(tx, caller, id, recipient=wanted.recipient, message=wanted.message)
    return await details.invoice_details(tx, caller, id)


@router.post(
    "/{id}/void",
    responses=refusals(NotFound, Stale, WrongState, r.InvoiceHasSettlements, *DATES),
)
async def void_invoice(
    id: UUID, body: s.Voiding, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_VOID)]
) -> s.InvoiceDetails:
    """Declare an issued invoice void before anything was paid; its number stays used."""
    await INVOICES.permit(tx, caller, p.INVOICE_VOID, id)
    await actions.void_invoice(tx, caller, id, reason=body.reason, on=body.voided_on)
    return await details.invoice_details(tx, caller, id)


@router.post(
    "/{id}/write-off",
    responses=refusals(
        NotFound, Stale, WrongState, settlement.NothingOpen, settlement.AppliedBeyondOpen, *DATES
    ),
)
async def write_off(
    id: UUID, body: s.WriteOff, tx: WriteTx, caller: Annotated[Caller, May(p.INVOICE_WRITE_OFF)]
) -> s.InvoiceDetails:
    """Give up what stays unpaid, or a part of it."""
    await INVOICES.permit(tx, caller, p.INVOICE_WRITE_OFF, id)
    await actions.write_off(
        tx, caller, id, amount=body.amount, reason=body.reason, on=body.effective_on
    )
    return await details.invoice_details(tx, caller, id)


@router.post(
    "/{id}/payments",
    status_code=201,
    responses=refusals(
        NotFound, Stale, WrongState, settlement.NothingOpen, settlement.DiscountNotEarned, *DATES
    ),
)
async def pay_invoice(
    id: UUID,
    body: pay.InvoicePayment,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.PAYMENT_RECORD)],
) -> s.InvoiceDetails:
    """Record a payment for one invoice; what is too much stays as the customer's credit."""
    await INVOICES.permit(tx, caller, p.PAYMENT_RECORD, id)
    await payments.pay_invoice(tx, caller, id, body)
    return await details.invoice_details(tx, caller, id)


@router.post(
    "/{id}/credit-notes",
    status_code=201,
    responses=refusals(
        NotFound,
        Stale,
        WrongState,
        crediting.CreditBeyondOpen,
        crediting.CreditBeyondLine,
        crediting.LineUnknown,
        constraints.CreditNoteKnown,
        *DATES,
    ),
)
async def issue_credit_note(
    id: UUID,
    body: s.CreditNoteDraft,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.CREDIT_NOTE_ISSUE)],
) -> s.CreditNoteDetails:
    """Credit an invoice: all that is open, single lines or an amount."""
    await INVOICES.permit(tx, caller, p.CREDIT_NOTE_ISSUE, id)
    note = await credit_notes.issue_credit_note(tx, caller, id, body)
    return await details.credit_note_details(tx, caller, note.id)


@router.get("/{id}/verbs")
async def read_verbs(
    id: UUID, tx: ReadTx, caller: Annotated[Caller, May(p.INVOICE_READ)]
) -> s.VerbsView:
    """What the caller may do with the invoice in its present state."""
    await INVOICES.permit(tx, caller, p.INVOICE_READ, id)
    return await details.verbs_of_invoice(tx, caller, id)


@router.get("/{id}/pdf", response_class=Response, responses=PDF)
async def print_invoice(
    id: UUID,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.INVOICE_READ)],
    paper: Paper | None = None,
    language: WantedLanguage = None,
) -> Response:
    """The invoice as PDF on A4 or Letter; a draft says so across the page."""
    await INVOICES.permit(tx, caller, p.INVOICE_READ, id)
    content = await printing.invoice_pdf(tx, caller, id, size=paper, language=language)
    return _pdf(content, await printing.file_name(tx, id))


@notes.get("/{id}/pdf", response_class=Response, responses=PDF)
async def print_credit_note(
    id: UUID,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.CREDIT_NOTE_READ)],
    paper: Paper | None = None,
    language: WantedLanguage = None,
) -> Response:
    """The credit note as PDF on A4 or Letter."""
    await CREDIT_NOTES.permit(tx, caller, p.CREDIT_NOTE_READ, id)
    content = await printing.credit_note_pdf(tx, caller, id, size=paper, language=language)
    return _pdf(content, "credit-note.pdf")


def _pdf(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)
