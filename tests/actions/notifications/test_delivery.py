"""Delivery to a real SMTP server: exactly once per event, recipient and channel (NOT-2)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from orrery.contracts.notifications import NotificationFailed, NotificationSent
from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.notifications import reactions
from orrery.services.notifications.rules.delivery import ATTEMPTS_LIMIT, lease, pause_after
from tests.actions.notifications.conftest import (
    Sink,
    announce,
    announced,
    deliver,
    free_port,
    messages,
    paid,
)


async def test_a_paid_invoice_sends_one_receipt(house: House, tenant: str, sink: Sink) -> None:
    """4.1: invoice.paid -> receipt mail, in a real SMTP sink, as text and as HTML."""
    event = paid("Buyer@Customer.example")
    await announce(house, tenant, event)
    await house.settle()
    (mail,) = sink.to("buyer@customer.example")
    (message,) = await messages(house, tenant, recipient="buyer@customer.example")
    assert mail["Subject"] == "Receipt for invoice INV-2026-00001"
    assert mail["From"] == "Meridian Trading <no-reply@localhost.localdomain>"
    assert mail["To"] == "Northern Lights <buyer@customer.example>"
    assert mail["Message-ID"] == f"<{message.id}@localhost.localdomain>"
    assert mail["X-Envelope-From"] == "no-reply@localhost.localdomain"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert "Total paid: €119.00" in plain.get_content()
    assert "<strong>INV-2026-00001</strong>" in rich.get_content()
    assert (message.state, message.attempts, message.due_at) == ("sent", 1, None)
    assert (message.kind, message.about, message.about_id) == (
        "receipt",
        "invoicing.invoice",
        event.invoice_id,
    )
    assert message.id in await announced(house, tenant, NotificationSent.name)


async def test_a_customer_without_an_address_gets_nothing(
    house: House, tenant: str, sink: Sink
) -> None:
    """A receipt without a recipient is no failure."""
    event = paid(None)
    await announce(house, tenant, event)
    await house.settle()
    assert await messages(house, tenant, about_id=event.invoice_id) == []
    assert sink.mails == []


async def test_the_same_event_told_twice_sends_one_mail(
    house: House, tenant: str, sink: Sink
) -> None:
    """NOT-2: exactly one notification per (event, recipient, channel) despite redelivery."""
    event, event_id = paid("twice@customer.example"), new_id()
    for _ in range(3):
        async with house.tx("notifications", tenant=tenant, commits=True) as tx:
            tx.event_id = event_id
            await reactions.send_receipt(tx, tx.caller, event)
    await house.settle()
    await deliver(house, tenant)
    assert len(sink.to("twice@customer.example")) == 1
    assert len(await messages(house, tenant, event_id=event_id)) == 1


async def test_the_database_keeps_the_second_message_out(house: House, tenant: str) -> None:
    """NOT-2 in the database: two workers at the same event at the same time make one message."""
    event, event_id = paid("race@customer.example"), new_id()

    async def react() -> None:
        async with house.tx("notifications", tenant=tenant, commits=True) as tx:
            tx.event_id = event_id
            await reactions.send_receipt(tx, tx.caller, event)
            await asyncio.sleep(0.1)

    ended = await asyncio.gather(react(), react(), return_exceptions=True)
    assert [type(end) for end in ended if end] == [psycopg.errors.UniqueViolation]
    assert len(await messages(house, tenant, event_id=event_id)) == 1


async def test_two_events_to_one_recipient_are_two_mails(
    house: House, tenant: str, sink: Sink
) -> None:
    """NOT-2, the other side: what is not the same event is not left out."""
    await announce(
        house, tenant, paid("regular@customer.example"), paid("regular@customer.example")
    )
    await house.settle()
    mails = sink.to("regular@customer.example")
    assert len(mails) == 2
    assert len({mail["Message-ID"] for mail in mails}) == 2


async def test_a_server_that_is_down_gets_the_mail_when_it_is_up(
    house: House,
    tenant: str,
    serve_mail: Callable[[Sink, int], None],
    use_server: Callable[..., None],
) -> None:
    """Server down then up: attempts with exponential back-off, nothing lost, nothing doubled."""
    port, sink = free_port(), Sink()
    use_server(f"smtp://127.0.0.1:{port}")
    await announce(house, tenant, paid("patient@customer.example"))
    before = clock.now()
    await house.settle()
    (message,) = await messages(house, tenant, recipient="patient@customer.example")
    assert (message.state, message.attempts) == ("failed", 1)
    assert "SMTPConnectError" in message.error
    pause = pause_after(1, message.id)
    assert before + pause <= message.due_at <= clock.now() + pause
    serve_mail(sink, port)
    await deliver(house, tenant)
    assert sink.mails == []
    clock.set(message.due_at)
    await deliver(house, tenant)
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="patient@customer.example")
    assert (message.state, message.attempts, message.error) == ("sent", 2, None)
    assert len(sink.to("patient@customer.example")) == 1


async def test_a_permanent_refusal_is_dead_at_once(house: House, tenant: str, sink: Sink) -> None:
    """Permanent 5xx -> dead at once, and it stays dead."""
    sink.answers["gone@customer.example"] = ["550 No such user"]
    await announce(house, tenant, paid("gone@customer.example"))
    await house.settle()
    (message,) = await messages(house, tenant, recipient="gone@customer.example")
    assert (message.state, message.attempts, message.due_at) == ("dead", 1, None)
    assert message.error == "550 No such user"
    assert message.id in await announced(house, tenant, NotificationFailed.name)
    clock.set(clock.now() + timedelta(days=30))
    await deliver(house, tenant)
    assert sink.to("gone@customer.example") == []


async def test_a_passing_refusal_is_tried_again(house: House, tenant: str, sink: Sink) -> None:
    """4xx -> retry, until the server takes it."""
    sink.answers["busy@customer.example"] = ["451 Try again later", "421 Closing"]
    await announce(house, tenant, paid("busy@customer.example"))
    await house.settle()
    for attempts in (1, 2):
        (message,) = await messages(house, tenant, recipient="busy@customer.example")
        assert (message.state, message.attempts) == ("failed", attempts)
        clock.set(message.due_at)
        await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="busy@customer.example")
    assert (message.state, message.attempts) == ("sent", 3)
    assert len(sink.to("busy@customer.example")) == 1


async def test_one_refused_mail_does_not_hold_up_the_others(
    house: House, tenant: str, sink: Sink
) -> None:
    """A mail that fails leaves the connection usable for the next one."""
    addresses = [f"reader{number}@customer.example" for number in range(12)]
    sink.answers[addresses[3]] = ["550 No"]
    sink.answers[addresses[5]] = ["450 Later"]
    await announce(house, tenant, *(paid(address) for address in addresses))
    await house.settle()
    got = [len(sink.to(address)) for address in addresses]
    assert got == [1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1]


async def test_the_last_attempt_makes_it_a_dead_letter(
    house: House, tenant: str, use_server: Callable[..., None]
) -> None:
    """Attempts are limited; afterwards the dead letter waits for a person."""
    use_server(f"smtp://127.0.0.1:{free_port()}")
    await announce(house, tenant, paid("never@customer.example"))
    await house.settle()
    for _ in range(ATTEMPTS_LIMIT - 1):
        (message,) = await messages(house, tenant, recipient="never@customer.example")
        assert message.state == "failed"
        clock.set(message.due_at)
        await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="never@customer.example")
    assert (message.state, message.attempts, message.due_at) == ("dead", ATTEMPTS_LIMIT, None)


async def test_many_senders_at_once_send_each_mail_once(
    house: House, tenant: str, sink: Sink
) -> None:
    """NOT-2 under load: four runs at the same time, forty mails, each exactly once."""
    addresses = [f"crowd{number}@customer.example" for number in range(40)]
    await announce(house, tenant, *(paid(address) for address in addresses))
    await house.runtime.settle()
    await asyncio.gather(*(deliver(house, tenant) for _ in range(4)))
    assert [len(sink.to(address)) for address in addresses] == [1] * 40


async def test_a_message_that_is_being_sent_is_left_alone_until_its_lease_is_over(
    house: House, tenant: str, sink: Sink
) -> None:
    """``sending`` is written before, so that nobody else sends meanwhile."""
    await announce(house, tenant, paid("leased@customer.example"))
    await house.runtime.settle()
    async with house.tx("notifications", tenant=tenant, commits=True) as tx:
        await tx.run(
            "update message set state = 'sending', attempts = 1, due_at = %(ends)s"
            " where recipient = 'leased@customer.example'",
            ends=clock.now() + lease(60),
        )
    await deliver(house, tenant)
    assert sink.to("leased@customer.example") == []
    clock.set(clock.now() + lease(60) + timedelta(seconds=1))
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="leased@customer.example")
    assert (message.state, message.attempts) == ("sent", 2)
    assert len(sink.to("leased@customer.example")) == 1


async def test_a_message_whose_senders_all_died_is_given_up(
    house: House, tenant: str, sink: Sink
) -> None:
    """A message that kills its sender must not do so forever."""
    await announce(house, tenant, paid("poison@customer.example"))
    await house.runtime.settle()
    async with house.tx("notifications", tenant=tenant, commits=True) as tx:
        await tx.run(
            "update message set state = 'sending', attempts = %(attempts)s"
            " where recipient = 'poison@customer.example'",
            attempts=ATTEMPTS_LIMIT,
        )
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="poison@customer.example")
    assert message.state == "dead"
    assert "died" in message.error
    assert sink.to("poison@customer.example") == []


async def test_line_breaks_in_names_and_subjects_add_no_header(
    house: House, tenant: str, sink: Sink
) -> None:
    """Header injection impossible: CR/LF in a name and in a number that the subject quotes."""
    evil = "Eve\r\nBcc: victim@example.com\r\n\r\nBody"
    await announce(
        house, tenant, paid("honest@customer.example", customer_name=evil, number=f"1{evil}")
    )
    await house.settle()
    (mail,) = sink.to("honest@customer.example")
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Receipt for invoice 1Eve Bcc: victim@example.com Body"
    assert mail["To"].addresses[0].addr_spec == "honest@customer.example"
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].display_name == "Eve Bcc: victim@example.com Body"


@pytest.mark.parametrize(
    "address",
    ["nobody", "a@b.example\r\nBcc: victim@example.com", "a@b.example, victim@example.com"],
)
async def test_an_invalid_recipient_is_dead_from_the_start(
    house: House, tenant: str, sink: Sink, address: str
) -> None:
    """Recipients are validated; what cannot be sent is visible, not lost, and not sent."""
    event = paid(address)
    await announce(house, tenant, event)
    await house.settle()
    (message,) = await messages(house, tenant, about_id=event.invoice_id)
    assert (message.state, message.attempts) == ("dead", 0)
    assert message.error == "The recipient's address is not valid."
    assert "\n" not in message.recipient
    assert message.id in await announced(house, tenant, NotificationFailed.name)
    assert sink.mails == []


async def test_without_a_server_mails_are_files_in_the_mail_folder(
    house: House,
    tenant: str,
    use_server: Callable[..., None],
    tmp_path: Path,
) -> None:
    """Without a URL mails go as .eml files, so that a laptop shows them and nothing is lost."""
    use_server(None, mail_folder=tmp_path)
    await announce(house, tenant, paid("laptop@customer.example"))
    await house.settle()
    (message,) = await messages(house, tenant, recipient="laptop@customer.example")
    assert message.state == "sent"
    (file,) = (tmp_path / tenant).iterdir()
    assert file.name == f"{message.id}.eml"
    assert b"Subject: Receipt for invoice INV-2026-00001" in file.read_bytes()
    assert b"\r\n" in file.read_bytes()


async def test_a_mail_folder_that_cannot_be_written_is_tried_again(
    house: House,
    tenant: str,
    use_server: Callable[..., None],
    tmp_path: Path,
) -> None:
    """Nothing is lost when the disk says no."""
    blocked = tmp_path / "mail"
    blocked.write_text("a file where the folder should be")
    use_server(None, mail_folder=blocked)
    await announce(house, tenant, paid("disk@customer.example"))
    await house.settle()
    (message,) = await messages(house, tenant, recipient="disk@customer.example")
    assert message.state == "failed"
    blocked.unlink()
    clock.set(message.due_at)
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="disk@customer.example")
    assert message.state == "sent"
