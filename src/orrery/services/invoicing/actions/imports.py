"""Invoices from a file: one row for each line, or one for each document with its lines inside."""

from collections.abc import Sequence
from typing import Any, LiteralString

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Malformed
from orrery.services.invoicing.actions import drafts, invoices
from orrery.services.invoicing.actions.desk import Desk
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.schemas.imports import InvoiceImport
from orrery.services.invoicing.schemas.invoices import InvoiceDraft, LineDraft

KNOWN: LiteralString = "select id from invoice where external_id = any(%(wanted)s)"


async def import_invoices(
    tx: Tx, caller: Caller, pairs: Sequence[tuple[InvoiceImport, Any]]
) -> list[Any]:
    """Write rows as invoices; rows of one external id are the lines of one document.

    A document is issued once it has as many lines as its rows say, with its own date. What was
    issued before is refused: a file never changes it. Refuses and announces as create_invoice.
    """
    rows = [draft for draft, _ in pairs]
    desk = Desk(tx, caller)
    await desk.know_customers([_draft([row]) for row in rows])
    known = await _known(tx, rows)
    written: dict[int, Any] = {}
    for group in _groups(rows):
        members = [rows[place] for place in group]
        former = known.get(members[0].external_id or "")
        invoice = (
            await _create(tx, caller, members, desk)
            if former is None
            else await _extend(tx, caller, former, members)
        )
        written |= dict.fromkeys(group, invoice)
    return [written[place] for place in range(len(rows))]


async def _known(tx: Tx, rows: Sequence[InvoiceImport]) -> dict[str, Any]:
    """The invoices of these external ids, locked in id order."""
    wanted = [row.external_id for row in rows if row.external_id]
    found = await tx.rows(KNOWN, wanted=wanted)
    locked: list[Any] = await tx.lock_many(Invoice, [row.id for row in found])
    return {row.external_id: row for row in locked}


def _groups(rows: Sequence[InvoiceImport]) -> list[list[int]]:
    """The places of the rows of each document, in the order of the file."""
    groups: dict[Any, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(row.external_id or place, []).append(place)
    return list(groups.values())


async def _create(tx: Tx, caller: Caller, rows: Sequence[InvoiceImport], desk: Desk) -> Any:
    draft = _draft(rows)
    draft.issue = _is_complete(rows[0], len(draft.lines))
    written = await invoices.draft_invoice(tx, caller, draft, desk)
    if draft.issue:
        written = await invoices.number_invoice(tx, caller, written)
    return written.invoice


async def _extend(tx: Tx, caller: Caller, invoice: Any, rows: Sequence[InvoiceImport]) -> Any:
    """More lines of a document that an earlier row began; a line's position may name an old one."""
    lines: list[Any] = list(await details.lines_of(tx, invoice.id))
    for row in rows:
        for line in row.all_lines():
            if row.position is not None and row.position <= len(lines):
                lines[row.position - 1] = line
            else:
                lines.append(line)
    changed = await drafts.replace_lines(tx, caller, invoice.id, [_line(line) for line in lines])
    if _is_complete(rows[0], len(lines)):
        return (await invoices.issue_invoice(tx, caller, invoice.id)).invoice
    return changed


def _draft(rows: Sequence[InvoiceImport]) -> InvoiceDraft:
    """The header of the first row with the lines of all."""
    header = rows[0].model_dump(include=InvoiceDraft.model_fields.keys() - {"lines", "issue"})
    return InvoiceDraft(**header, lines=[line for row in rows for line in row.all_lines()])


def _is_complete(row: InvoiceImport, lines: int) -> bool:
    """Whether a document may be issued: nothing of it was refused or is still to come."""
    if not row.issue:
        return False
    if row.lines:
        return True
    if row.line_count is not None and lines > row.line_count:
        raise Malformed(field="line_count", lines=lines, line_count=row.line_count)
    return lines == row.line_count


def _line(line: Any) -> LineDraft:
    if isinstance(line, LineDraft):
        return line
    return LineDraft(**{name: getattr(line, name) for name in LineDraft.model_fields})
