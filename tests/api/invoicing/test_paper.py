"""Invoices and credit notes on paper: whole pages, repeated headings, totals in one piece."""

import io
import re
from typing import Any

import httpx2
from pypdf import PdfReader

from orrery.kernel.testing import House
from tests.api.invoicing.office import BASE, customer, invoice, posted

A4 = (595, 842)
LETTER = (612, 792)


async def printed(client: httpx2.AsyncClient, path: str) -> tuple[list[str], PdfReader]:
    """The text of each page."""
    answer = await client.get(f"{BASE}{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(answer.content))
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages], reader


def size(reader: PdfReader) -> tuple[int, int]:
    box = reader.pages[0].mediabox
    return round(box.width), round(box.height)


async def test_an_invoice_is_printed_with_all_the_law_asks_for(house: House) -> None:
    """Parties, number, dates, lines, taxes with base and rate, totals, page number 1 / 1."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(
            client, name="Bäckerei Groß & Söhne", legal_name="Groß & Söhne GmbH", city="Köln",
            postal_code="50667", country="DE", address_lines=["Hohe Str. 1"], language="de",
            vat_number="136695976",
        )  # fmt: skip
        lines = [
            {"description": "Käse *alt*, #1", "product_code": "K-1", "quantity": "2.5",
             "unit": "kg", "unit_price": "12.345", "discount_percent": "10",
             "tax_codes": ["DE7"]},
            {"description": "Beratung", "unit_price": "100", "tax_codes": ["DE19"]},
        ]  # fmt: skip
        bill = await invoice(
            client, buyer["id"], lines=lines, document_date="2026-01-15", reference="PO 4711",
            notes="Vielen Dank für Ihren Auftrag.",
        )  # fmt: skip
        (text,), reader = await printed(client, f"/invoices/{bill['id']}/pdf?paper=a4")
        for part in (
            f"Rechnung {bill['number']}", "Groß & Söhne GmbH", "Hohe Str. 1", "50667 Köln",
            "Deutschland", "15.01.2026", "14.02.2026", "PO 4711", "DE136695976", buyer["code"],
            "Käse *alt*, #1", "K-1", "2,5 kg", "12,345", "10 %", "27,78", "Beratung",
            "Summe netto 127,78 EUR", "zzgl. USt 7 % auf 27,78 1,94 EUR",
            "zzgl. USt 19 % auf 100,00 19,00 EUR", "Gesamtbetrag 148,72 EUR",
            "Vielen Dank für Ihren Auftrag.", "1 / 1",
        ):  # fmt: skip
            assert part in text, (part, text)
        assert "ENTWURF" not in text
        assert size(reader) == A4
        assert reader.metadata is not None
        assert reader.metadata.title == f"Rechnung {bill['number']}"


async def test_the_same_invoice_on_letter_and_in_another_language(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"], "1234.5", document_date="2026-01-15")
        path = f"/invoices/{bill['id']}/pdf"
        (text,), reader = await printed(client, f"{path}?paper=letter&language=en-US")
        assert size(reader) == LETTER
        assert "Total 1,234.50 EUR" in text
        assert "Jan 15, 2026" in text
        (french,), _ = await printed(client, f"{path}?language=fr")
        assert "Facture" in french
        # A language without labels is answered in English, not with an error.
        (greek,), _ = await printed(client, f"{path}?language=el")
        assert "Invoice" in greek
        wrong = await client.get(f"{BASE}{path}?paper=a5")
        assert wrong.status_code == 422


async def test_a_draft_and_a_void_invoice_say_so_across_the_page(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        draft = await invoice(client, buyer["id"], issue=False)
        (text,), _ = await printed(client, f"/invoices/{draft['id']}/pdf")
        assert "DRAFT" in text
        bill = await invoice(client, buyer["id"])
        await posted(client, f"/invoices/{bill['id']}/void", 200, reason="Mistake")
        (text,), _ = await printed(client, f"/invoices/{bill['id']}/pdf")
        assert "VOID" in text
        assert "Payment" not in text


async def test_a_long_invoice_repeats_its_heading_and_keeps_its_totals_together(
    house: House,
) -> None:
    """Page numbers "1 / n", the table's header on every page with lines, the totals on one page,
    whatever the number of lines."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        seen = set()
        for count in (1, *range(14, 30), 90):
            lines: list[dict[str, Any]] = [
                {"description": f"Item number {n}.", "unit_price": "1", "tax_codes": ["DE19"]}
                for n in range(1, count + 1)
            ]
            bill = await invoice(client, buyer["id"], lines=lines)
            pages, _ = await printed(client, f"/invoices/{bill['id']}/pdf")
            seen.add(len(pages))
            for number, text in enumerate(pages, 1):
                assert f"{number} / {len(pages)}" in text
                if "Item number" in text:
                    assert "Unit price" in text, (count, number)
            parts = ("Net total", "plus USt 19 %", f"Total {bill['total']} EUR")
            places = {tuple(n for n, t in enumerate(pages) if part in t) for part in parts}
            assert len(places) == 1, (count, places)
            every = " ".join(pages)
            assert all(f"Item number {n}." in every for n in range(1, count + 1))
        assert {1, 2} < seen


async def test_what_is_paid_is_on_the_paper_and_a_credit_note_has_its_own(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        lines = [{"description": "Tea", "unit_price": "100", "tax_codes": ["DE19I"]}]
        bill = await invoice(client, buyer["id"], lines=lines)
        await posted(client, f"/invoices/{bill['id']}/payments", amount="30")
        note = await posted(
            client, f"/invoices/{bill['id']}/credit-notes", reason="Stale tea", amount="20"
        )
        (text,), _ = await printed(client, f"/invoices/{bill['id']}/pdf")
        for part in (
            "included USt 19 % of 84.03 15.97 EUR", "Total 100.00 EUR", "Paid -30.00 EUR",
            "Credited -20.00 EUR", "Still to pay 50.00 EUR",
        ):  # fmt: skip
            assert part in text, (part, text)
        (text,), _ = await printed(client, f"/credit-notes/{note['id']}/pdf")
        for part in (f"Credit note {note['number']}", bill["number"], "Reason: Stale tea",
                     "Total 20.00 EUR"):  # fmt: skip
            assert part in text, (part, text)


async def test_an_issued_invoice_prints_the_same_bytes_every_time(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        path = f"{BASE}/invoices/{bill['id']}/pdf"
        assert (await client.get(path)).content == (await client.get(path)).content
