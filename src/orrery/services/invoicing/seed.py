"""The demo company's customers and a year of invoices in every state; dates follow today."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import demo_id
from orrery.services.invoicing.actions import (
    credit_notes,
    customers,
    dunning,
    invoices,
    payments,
)
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer, Seller
from orrery.services.invoicing.schemas.invoices import (
    CreditNoteDraft,
    InvoiceDraft,
    LineDraft,
)
from orrery.services.invoicing.schemas.parties import CustomerDraft
from orrery.services.invoicing.schemas.payments import (
    ApplicationDraft,
    DunningDraft,
    InvoicePayment,
    PaymentDraft,
)

HEADQUARTERS = demo_id("organization", "unit-hq")
# As organization's own seed has it; kept in step by its events from then on.
SELLER = {
    "unit_id": HEADQUARTERS,
    "code": "HQ",
    "title": "Meridian Trading",
    "legal_name": "Meridian Trading GmbH",
    "address_lines": ["Lindenufer 12", "10115 Berlin"],
    "email": "office@demo.example",
    "phone": "+49 30 5550100",
    "website": "https://demo.example",
    "country": "DE",
    "vat_number": "DE812345673",
    "tax_number": "27/123/45678",
    "iban": "DE89370400440532013000",
    "bank_name": "Demo Bank",
    "currency": "EUR",
    "language": "de",
    "rounding": "line",
    "payment_term_days": 30,
    "is_default": True,
}
# Word, name, contact, town, postal code, country, term, language.
CUSTOMERS = (
    ("bakery", "Northern Lights Bakery", "Frida Holm", "Hamburg", "20095", "DE", 30, "de"),
    ("cafe", "Café Morgenrot", "Jonas Albers", "Leipzig", "04109", "DE", 14, "de"),
    ("hotel", "Hotel zur Linde", "Marta Vogel", "Dresden", "01067", "DE", 30, "de"),
    ("brewery", "Alte Braustube", "Peter Sommer", "München", "80331", "DE", 30, "de"),
    ("florist", "Blumenwerk", "Sina Krüger", "Köln", "50667", "DE", 14, "de"),
    ("studio", "Studio Halbton", "Timo Brandt", "Berlin", "10997", "DE", 30, "de"),
    ("clinic", "Praxis am Park", "Dr. Eva Lorenz", "Bremen", "28195", "DE", 30, "de"),
    ("bistro", "Bistrot des Halles", "Lucie Martin", "Lyon", "69002", "FR", 45, "fr"),
    ("winery", "Bodega Río Claro", "Inés Ortega", "Logroño", "26001", "ES", 60, "es"),
    ("grocer", "De Groene Kruidenier", "Bas de Wit", "Utrecht", "3511", "NL", 30, "en"),
    ("outfitter", "Fjellsport", "Ingrid Dahl", "Bergen", "5003", "NO", 30, "en"),
    ("roaster", "Tooley Coffee Roasters", "Amy Clarke", "London", "SE1 2AB", "GB", 30, "en-GB"),
    ("museum", "Stadtmuseum", "Karl Wendt", "Erfurt", "99084", "DE", 30, "de"),
    ("school", "Musikschule Takt", "Nora Beck", "Kassel", "34117", "DE", 14, "de"),
    ("kiosk", "Kiosk 24", "Emre Yildiz", "Essen", "45127", "DE", 14, "de"),
)  # fmt: skip
# Code, description, unit, price.
PRODUCTS = (
    ("COF-1", "Espresso beans, 1 kg", "bag", "18.90"),
    ("TEA-1", "Assam tea, loose, 500 g", "tin", "14.50"),
    ("OIL-5", "Olive oil, 5 l", "can", "42.00"),
    ("CUP-6", "Cups, set of six", "set", "27.80"),
    ("MIL-1", "Coffee grinder, repaired", "h", "64.00"),
    ("SVC-H", "Consulting", "h", "95.00"),
    ("FIL-C", "Filter papers, carton", "ctn", "11.25"),
    ("SYR-V", "Vanilla syrup, 0.7 l", "btl", "8.349"),
    ("BOX-S", "Shipping box, small", "pcs", "0.85"),
    ("MCH-2", "Espresso machine, two groups", "pcs", "2890.00"),
)
TAX_BY_PRODUCT = {"COF-1": "DE7", "TEA-1": "DE7", "OIL-5": "DE7", "SYR-V": "DE7"}


@dataclass(frozen=True)
class Sale:
    """One demo invoice: how long ago it was issued, for whom, and what became of it."""

    days_ago: int
    customer: str
    fate: str


SALES = (
    Sale(355, "bakery", "paid"), Sale(349, "hotel", "paid"), Sale(338, "cafe", "paid"),
    Sale(330, "brewery", "paid_late"), Sale(322, "studio", "paid"), Sale(311, "clinic", "paid"),
    Sale(300, "bistro", "paid"), Sale(291, "winery", "paid"), Sale(280, "bakery", "paid"),
    Sale(268, "grocer", "paid_late"), Sale(255, "roaster", "paid"), Sale(247, "hotel", "credited"),
    Sale(236, "museum", "paid"), Sale(221, "school", "paid"), Sale(208, "brewery", "void"),
    Sale(196, "outfitter", "paid"), Sale(183, "florist", "paid_twice"), Sale(170, "clinic", "paid"),
    Sale(158, "bakery", "paid"), Sale(149, "kiosk", "open"), Sale(133, "cafe", "paid"),
    Sale(121, "studio", "paid"), Sale(112, "winery", "part"), Sale(104, "hotel", "paid"),
    Sale(96, "kiosk", "open"), Sale(88, "museum", "credit_part"), Sale(79, "bistro", "open"),
    Sale(71, "brewery", "paid"), Sale(63, "florist", "open"), Sale(55, "bakery", "over"),
    Sale(47, "roaster", "part"), Sale(40, "clinic", "open"), Sale(33, "grocer", "part"),
    Sale(24, "hotel", "open"), Sale(18, "studio", "part"), Sale(12, "cafe", "open"),
    Sale(9, "bakery", "open"), Sale(6, "winery", "open"), Sale(3, "museum", "open"),
    Sale(1, "brewery", "open"), Sale(0, "school", "draft"), Sale(0, "bistro", "draft"),
)  # fmt: skip


async def seed(tx: Tx, caller: Caller) -> None:
    """Fill the demo tenant; a second run changes nothing."""
    if await tx.find(Customer, id=_customer_id("bakery")) is not None:
        return
    if await tx.find(Seller, unit_id=HEADQUARTERS) is None:
        await tx.add(Seller, **SELLER)
    for row in CUSTOMERS:
        await _customer(tx, caller, *row)
    for number, sale in enumerate(SALES, 1):
        await _sell(tx, caller, number, sale)
    await _pay_several_at_once(tx, caller)
    await dunning.mark_overdue(tx, caller)
    await dunning.run_dunning(tx, caller, DunningDraft(unit_id=HEADQUARTERS))


def _customer_id(word: str) -> UUID:
    return demo_id("invoicing", f"customer-{word}")


def _invoice_id(number: int) -> UUID:
    return demo_id("invoicing", f"invoice-{number}")


async def _customer(
    tx: Tx, caller: Caller, word: str, name: str, contact: str, city: str, postal_code: str,
    country: str, days: int, language: str,
) -> None:  # fmt: skip
    draft = CustomerDraft(
        name=name,
        email=f"office@{word}.example",
        contact_person=contact,
        address_lines=[f"Marktplatz {len(word)}"],
        city=city,
        postal_code=postal_code,
        country=country,
        payment_term_days=days,
        currency="EUR",
        language=language,
        credit_limit=Decimal(60_000) if word == "kiosk" else None,
        is_dunning_blocked=word == "museum",
    )
    await customers.create_customer(tx, caller, draft, id=_customer_id(word))


async def _sell(tx: Tx, caller: Caller, number: int, sale: Sale) -> None:
    document_date = caller.today - timedelta(days=sale.days_ago)
    draft = InvoiceDraft(
        unit_id=HEADQUARTERS,
        customer_id=_customer_id(sale.customer),
        document_date=document_date,
        reference=f"PO {1000 + number}",
        salesperson_id=demo_id("people", f"employee-{(10, 11, 12)[number % 3]}"),
        payment_term="NET30-2" if sale.fate == "paid" and number % 5 == 0 else None,
        lines=_lines(number, sale.customer),
        issue=sale.fate != "draft",
    )
    written = await invoices.create_invoice(tx, caller, draft, id=_invoice_id(number))
    if sale.fate != "draft":
        await _follow(tx, caller, number, sale, written.invoice.due_on)


def _lines(number: int, customer: str) -> list[LineDraft]:
    """Two to five lines that look picked by hand and are the same on every machine."""
    is_abroad = customer in ("bistro", "winery", "grocer", "outfitter", "roaster")
    lines = []
    for place in range(2 + number % 4):
        code, description, unit, price = PRODUCTS[(number * 3 + place * 7) % len(PRODUCTS)]
        tax = "DE0" if is_abroad else TAX_BY_PRODUCT.get(code, "DE19")
        lines.append(
            LineDraft(
                description=description,
                product_code=code,
                quantity=Decimal(1 if code == "MCH-2" else 1 + (number * 5 + place * 3) % 12),
                unit=unit,
                unit_price=Decimal(price),
                discount_percent=Decimal(5 if number % 6 == 0 else 0),
                tax_codes=[tax],
            )
        )
    return lines


async def _follow(tx: Tx, caller: Caller, number: int, sale: Sale, due_on: date) -> None:
    """What became of a sale."""
    id, today = _invoice_id(number), caller.today
    in_time = min(due_on - timedelta(days=2 + number % 5), today)
    late = min(due_on + timedelta(days=9), today)
    body = InvoicePayment(received_on=in_time, reference=f"TRX {40_000 + number}")
    half = Decimal(40 + number)
    match sale.fate:
        case "paid":
            await payments.pay_invoice(tx, caller, id, body)
        case "paid_late":
            await payments.pay_invoice(
                tx, caller, id, body.model_copy(update={"received_on": late})
            )
        case "part":
            part = body.model_copy(update={"amount": half})
            await payments.pay_invoice(tx, caller, id, part)
        case "over":
            invoice = await tx.one(Invoice, id)
            more = body.model_copy(update={"amount": invoice.total + 25})
            await payments.pay_invoice(tx, caller, id, more)
        case "paid_twice":
            # The bank returned the first payment; the second one stayed.
            await payments.pay_invoice(tx, caller, id, body)
            first = await tx.value(
                "select payment_id from settlement where invoice_id = %(id)s", id=id
            )
            await payments.reverse_payment(
                tx, caller, first, reason="Returned by the bank", on=late
            )
            again = body.model_copy(update={"received_on": late, "method": "card"})
            await payments.pay_invoice(tx, caller, id, again)
        case "credited":
            full = CreditNoteDraft(reason="Delivered damaged", document_date=in_time)
            await credit_notes.issue_credit_note(tx, caller, id, full)
        case "credit_part":
            some = CreditNoteDraft(
                reason="Agreed discount", document_date=in_time, amount=Decimal("15.00")
            )
            await credit_notes.issue_credit_note(tx, caller, id, some)
        case "void":
            await invoices.void_invoice(tx, caller, id, reason="Ordered by mistake", on=in_time)


async def _pay_several_at_once(tx: Tx, caller: Caller) -> None:
    """One transfer of the hotel for its oldest open invoice, with something left over."""
    await payments.record_payment(
        tx,
        caller,
        PaymentDraft(
            customer_id=_customer_id("hotel"),
            unit_id=HEADQUARTERS,
            currency="EUR",
            amount=Decimal("60.00"),
            reference="TRX 49999",
            applications=[ApplicationDraft(invoice_id=_invoice_id(34), amount=Decimal("35.00"))],
        ),
    )
