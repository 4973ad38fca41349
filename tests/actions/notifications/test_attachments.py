"""Documents that go with a mail are fetched when it is sent, outside of any lock."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orrery.contracts.invoicing import InvoiceReminded, InvoiceSent
from orrery.kernel import clock
from orrery.kernel.neighbours import MAX_ANSWER_BYTES
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.actions.notifications.conftest import Sink, announce, deliver, messages

PDF = b"%PDF-1.7 the invoice"


class Printer:
    """Stands in for invoicing: answers every path with a status and a document."""

    def __init__(self) -> None:
        self.status, self.content = 200, PDF
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        token = dict(scope["headers"])[b"authorization"].decode()
        self.asked.append((scope["path"], token.partition(" ")[0]))
        headers = [(b"content-type", b"application/pdf")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content})


@pytest.fixture
def printer(house: House) -> Iterator[Printer]:
    """Invoicing, replaced by something that only prints."""
    made, real = Printer(), house.runtime.apps.get("invoicing")
    house.runtime.directory.serve("invoicing", made)
    yield made
    house.runtime.directory.serve("invoicing", real)


def sent(recipient: str, **more: Any) -> InvoiceSent:
    told: dict[str, Any] = {
        "invoice_id": new_id(),
        "number": "INV-2026-00007",
        "recipient": recipient,
        "customer_name": "Northern Lights",
        "due_on": date(2026, 8, 1),
        "currency": "EUR",
        "total": Decimal("119.00"),
        "document": "/invoices/7/pdf",
        "message": None,
    }
    return InvoiceSent(**(told | more))


async def test_an_invoice_goes_out_with_its_document(
    house: House, tenant: str, sink: Sink, printer: Printer
) -> None:
    """4.1: InvoiceSent -> invoice e-mail with the PDF, fetched from the announcing service."""
    await announce(house, tenant, sent("pdf@customer.example", message="See you in May."))
    await house.settle()
    (mail,) = sink.to("pdf@customer.example")
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "INV-2026-00007.pdf"
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_payload(decode=True) == PDF
    assert mail["Subject"] == "Invoice INV-2026-00007 from Meridian Trading"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "€119.00, due on August 1, 2026" in plain.get_content()
    assert "See you in May." in plain.get_content()
    assert printer.asked == [("/api/v1/invoicing/invoices/7/pdf", "Bearer")]


async def test_a_document_that_cannot_be_had_now_is_asked_for_again(
    house: House, tenant: str, sink: Sink, printer: Printer
) -> None:
    """A neighbour that is down delays the mail; it never goes out without its document."""
    printer.status = 503
    await announce(house, tenant, sent("wait@customer.example"))
    await house.settle()
    (message,) = await messages(house, tenant, recipient="wait@customer.example")
    assert message.state == "failed"
    assert "document INV-2026-00007.pdf" in message.error
    assert sink.to("wait@customer.example") == []
    printer.status = 200
    clock.set(message.due_at)
    await deliver(house, tenant)
    (mail,) = sink.to("wait@customer.example")
    assert len(list(mail.iter_attachments())) == 1


@pytest.mark.parametrize(("status", "size"), [(404, 1), (403, 1), (200, MAX_ANSWER_BYTES + 1)])
async def test_a_document_that_will_never_come_makes_a_dead_letter(
    house: House, tenant: str, sink: Sink, printer: Printer, status: int, size: int
) -> None:
    """Trying again would not help: a person has to look, and nothing is sent meanwhile."""
    printer.status, printer.content = status, b"x" * size
    event = sent("never@customer.example")
    await announce(house, tenant, event)
    await house.settle()
    (message,) = await messages(house, tenant, about_id=event.invoice_id)
    assert (message.state, message.attempts) == ("dead", 1)
    assert sink.to("never@customer.example") == []


async def test_a_file_name_cannot_start_a_header(
    house: House, tenant: str, sink: Sink, printer: Printer
) -> None:
    """Header injection impossible: also by the name of an attachment."""
    evil = 'x"\r\nBcc: victim@example.com'
    await announce(house, tenant, sent("file@customer.example", number=evil))
    await house.settle()
    (mail,) = sink.to("file@customer.example")
    assert mail["Bcc"] is None
    (attachment,) = mail.iter_attachments()
    assert attachment["Bcc"] is None
    assert attachment.get_filename() == 'x" Bcc: victim@example.com.pdf'
    assert printer.asked != []


async def test_a_reminder_names_its_level_what_is_open_and_the_fee(
    house: House, tenant: str, sink: Sink
) -> None:
    """InvoiceReminded -> reminder e-mail."""
    event = InvoiceReminded(
        invoice_id=new_id(),
        number="INV-2026-00009",
        customer_id=new_id(),
        customer_name="Northern Lights",
        recipient="slow@customer.example",
        level=3,
        fee=Decimal("7.50"),
        amount_open=Decimal("50.00"),
        currency="EUR",
        due_on=date(2026, 5, 1),
    )
    await announce(house, tenant, event)
    await house.settle()
    (mail,) = sink.to("slow@customer.example")
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert mail["Subject"] == "Reminder 3: invoice INV-2026-00009 is overdue"
    assert "We have not yet received €50.00" in plain.get_content()
    assert "we charge €7.50" in plain.get_content()
