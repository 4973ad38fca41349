"""A real SMTP server for the tests of notifications, and short ways to announce and deliver."""

import email
import socket
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from orrery.contracts.invoicing import InvoicePaid
from orrery.kernel import settings
from orrery.kernel.testing import House
from orrery.kernel.types.event import Event
from orrery.kernel.types.ids import new_id
from orrery.services.notifications.actions import delivery
from orrery.services.notifications.models import Message
from orrery.services.notifications.settings import Settings


class Sink:
    """What the SMTP server took; ``answers`` holds what it says to a recipient instead of 250."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, list[str]] = {}
        self.on_data: Callable[[], None] = lambda: None

    # The names and arguments are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self,
        server: Any,  # noqa: ARG002 - aiosmtpd passes it
        session: Any,  # noqa: ARG002 - aiosmtpd passes it
        envelope: Any,
        address: str,
        options: Any,  # noqa: ARG002 - aiosmtpd passes it
    ) -> str:
        waiting = self.answers.get(address, [])
        if waiting:
            return waiting.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self,
        server: Any,  # noqa: ARG002 - aiosmtpd passes it
        session: Any,  # noqa: ARG002 - aiosmtpd passes it
        envelope: Any,
    ) -> str:
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Envelope-From"] = envelope.mail_from
        message["X-Envelope-To"] = ",".join(envelope.rcpt_tos)
        self.mails.append(message)
        self.on_data()
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails that one recipient got."""
        return [mail for mail in self.mails if mail["X-Envelope-To"] == address]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def serve_mail() -> Iterator[Callable[[Sink, int], None]]:
    """Start an SMTP server on a port; all of them stop at the end."""
    running: list[Controller] = []

    def start(sink: Sink, port: int) -> None:
        controller = Controller(sink, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def use_server(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the service other settings for the length of a test."""

    def use(url: str | None, **more: Any) -> None:
        chosen = Settings(smtp_url=SecretStr(url) if url else None, **more)
        monkeypatch.setitem(settings._known, Settings, chosen)

    return use


@pytest.fixture
def sink(serve_mail: Callable[[Sink, int], None], use_server: Callable[..., None]) -> Sink:
    """A mail server that takes everything, and the service pointed at it."""
    port, made = free_port(), Sink()
    serve_mail(made, port)
    use_server(f"smtp://127.0.0.1:{port}")
    return made


@pytest.fixture(scope="module")
async def tenant(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant(title="Meridian Trading", time_zone="Europe/Berlin")


def paid(address: str | None, **more: Any) -> InvoicePaid:
    """An invoice that was paid, of a customer with an address."""
    told: dict[str, Any] = {
        "invoice_id": new_id(),
        "number": "INV-2026-00001",
        "customer_id": new_id(),
        "customer_name": "Northern Lights",
        "customer_email": address,
        "paid_on": date(2026, 7, 14),
        "currency": "EUR",
        "total_net": Decimal("100.00"),
        "total_tax": Decimal("19.00"),
        "total": Decimal("119.00"),
    }
    return InvoicePaid(**(told | more))


async def announce(house: House, tenant: str, *events: Event) -> None:
    """Let the services announce, as if their actions had; nothing is delivered yet."""
    for event in events:
        service = event.name.partition(".")[0]
        async with house.tx(service, tenant=tenant, commits=True) as tx:
            tx.announce(event)


async def deliver(house: House, tenant: str) -> None:
    """Run the delivery job once."""
    async with house.tx("notifications", tenant=tenant, commits=True) as tx:
        await delivery.deliver_due(tx, tx.caller)


async def messages(house: House, tenant: str, **equal: Any) -> list[Any]:
    """The messages of a tenant that match."""
    async with house.tx("notifications", tenant=tenant) as tx:
        return list(await tx.all(Message, **equal))


async def announced(house: House, tenant: str, name: str) -> list[UUID]:
    """The messages that an event of this name was announced for."""
    async with house.tx("notifications", tenant=tenant) as tx:
        rows = await tx.rows(
            "select data->>'notification_id' as id from outbox where name = %(name)s order by seq",
            name=name,
        )
        return [UUID(row.id) for row in rows]
