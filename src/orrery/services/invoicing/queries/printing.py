"""Invoices and credit notes on paper: the record's own words and figures, laid out by Typst."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import typst

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.refusal import NotFound
from orrery.services.invoicing import neighbours
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer, Seller
from orrery.services.invoicing.models.settlements import CreditNote, CreditNoteLine, CreditNoteTax
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.rules import paper

TEMPLATES = Path(__file__).parents[1] / "templates"
PRINTED_OF_SELLER = (
    "code title legal_name address_lines email phone website country vat_number tax_number"
    " iban bank_name"
).split()
PRINTED_OF_CUSTOMER = (
    "code name legal_name email phone contact_person contact_title address_lines city region"
    " postal_code country vat_number"
).split()
WATERMARKS = {"draft": "draft", "void": "void"}


async def invoice_pdf(
    tx: ReadTx, caller: Caller, id: UUID, *, size: str | None, language: str | None
) -> bytes:
    """An invoice as PDF; a draft says so across the page."""
    invoice: Any = await tx.one(Invoice, id)
    document = paper.Document(
        kind="invoice",
        heading=invoice,
        lines=await details.lines_of(tx, id),
        taxes=await details.taxes_of(tx, id),
        customer=invoice.billed_to or await _customer(tx, invoice.customer_id),
        seller=invoice.billed_by or await _seller(tx, invoice.unit_id),
        watermark=WATERMARKS.get(invoice.state),
    )
    return await _print(tx, document, size=size, language=language or invoice.language)


async def credit_note_pdf(
    tx: ReadTx, caller: Caller, id: UUID, *, size: str | None, language: str | None
) -> bytes:
    """A credit note as PDF, with the parties of the invoice it corrects."""
    note: Any = await tx.one(CreditNote, id)
    invoice: Any = await tx.one(Invoice, note.invoice_id)
    lines: list[Any] = await tx.all(CreditNoteLine, credit_note_id=id)
    taxes: list[Any] = await tx.all(CreditNoteTax, credit_note_id=id)
    document = paper.Document(
        kind="credit_note",
        heading=note,
        lines=sorted(lines, key=lambda row: row.position),
        taxes=sorted(taxes, key=lambda row: row.position),
        customer=invoice.billed_to,
        seller=invoice.billed_by or await _seller(tx, invoice.unit_id),
        watermark=None,
        invoice_number=invoice.number,
    )
    return await _print(tx, document, size=size, language=language or note.language)


async def file_name(tx: ReadTx, id: UUID) -> str:
    """What an invoice's PDF is called when it is saved."""
    number = await tx.value(
        "select coalesce(number, 'draft') from invoice where id = %(id)s", id=id
    )
    if number is None:
        raise NotFound(resource="invoice", id=id)
    return f"{number}.pdf"


async def _customer(tx: ReadTx, id: UUID) -> dict[str, Any]:
    row = await tx.one(Customer, id)
    return {name: getattr(row, name) for name in PRINTED_OF_CUSTOMER}


async def _seller(tx: ReadTx, unit_id: UUID | None) -> dict[str, Any]:
    row = await tx.find(Seller, unit_id=unit_id) or await tx.find(Seller, unit_id=None)
    return {name: getattr(row, name) for name in PRINTED_OF_SELLER} if row else {}


async def _print(tx: ReadTx, document: paper.Document, *, size: str | None, language: str) -> bytes:
    look = await neighbours.look(tx)
    speech = paper.tongue(language, _labels())
    content = paper.content(document, speech, asdict(look), size or look.paper)
    at = getattr(document.heading, "issued_at", None) or document.heading.created_at
    # Typst is native code and takes milliseconds; in a thread it holds up nobody else.
    return await asyncio.to_thread(_compile, content, at)


def _compile(content: Mapping[str, Any], at: datetime) -> bytes:
    """The same document gives the same bytes: its timestamp is its own, not the clock's."""
    made = typst.compile(
        str(TEMPLATES / "document.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"data": orjson.dumps(content).decode()},
        format="pdf",
        timestamp=int(at.timestamp()),
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst gave no PDF")
    return made


@cache
def _fonts() -> typst.Fonts:
    # Only the fonts inside the wheel, so that a document looks the same on every machine.
    return typst.Fonts(include_system_fonts=False)


@cache
def _labels() -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = orjson.loads((TEMPLATES / "labels.json").read_bytes())
    return labels
