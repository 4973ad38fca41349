"""kill -9 of the sender in mid-flight: nothing is lost, and what is doubled can be told."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.services.notifications.rules.delivery import lease
from tests.actions.notifications.conftest import Sink, announce, deliver, free_port, messages, paid

ROOT = Path(__file__).parents[3]


class KillingSink(Sink):
    """Kills the sending process when it speaks a word of SMTP, before or after taking the mail."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word
        self.sender: asyncio.subprocess.Process | None = None

    def kill(self) -> None:
        """Kill the sender, once."""
        sender, self.sender = self.sender, None
        if sender is not None:
            os.kill(sender.pid, signal.SIGKILL)

    async def handle_RCPT(self, *told: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Kill before the mail is taken, when that is the word."""
        if self.word == "RCPT":
            self.kill()
        return await super().handle_RCPT(*told)

    async def handle_DATA(self, *told: Any) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Take the mail, and kill before the sender hears of it, when that is the word."""
        answer = await super().handle_DATA(*told)
        if self.word == "DATA":
            self.kill()
        return answer


async def _send_and_die(house: House, tenant: str, sink: KillingSink, port: int) -> None:
    """Run the delivery in a process of its own, which the server kills."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    process = sink.sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.actions.notifications.sender_process",
        house.url,
        tenant,
        cwd=ROOT,
        env=os.environ
        | {
            "ORRERY_NOTIFICATIONS_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        },
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


async def test_a_sender_killed_before_the_server_took_the_mail_doubles_nothing(
    house: House,
    tenant: str,
    serve_mail: Callable[[Sink, int], None],
    use_server: Callable[..., None],
) -> None:
    """NOT-2: kill -9 before acceptance; another sender sends the mail, once."""
    sink, port = KillingSink("RCPT"), free_port()
    serve_mail(sink, port)
    use_server(f"smtp://127.0.0.1:{port}")
    await announce(house, tenant, paid("early@customer.example"))
    await house.runtime.settle()
    await _send_and_die(house, tenant, sink, port)
    (message,) = await messages(house, tenant, recipient="early@customer.example")
    assert (message.state, message.attempts, message.sent_at) == ("sending", 1, None)
    await deliver(house, tenant)
    assert sink.mails == []
    clock.set(clock.now() + lease(60) + timedelta(seconds=1))
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="early@customer.example")
    assert (message.state, message.attempts) == ("sent", 2)
    assert len(sink.to("early@customer.example")) == 1


async def test_a_sender_killed_after_the_server_took_the_mail_sends_the_same_mail_again(
    house: House,
    tenant: str,
    serve_mail: Callable[[Sink, int], None],
    use_server: Callable[..., None],
) -> None:
    """NOT-2 at the limit of SMTP: killed between the "250" and the commit, the mail goes out
    again, but with the same Message-ID, date and content: whoever gets both can tell.
    """
    sink, port = KillingSink("DATA"), free_port()
    serve_mail(sink, port)
    use_server(f"smtp://127.0.0.1:{port}")
    await announce(house, tenant, paid("late@customer.example"))
    await house.runtime.settle()
    await _send_and_die(house, tenant, sink, port)
    (message,) = await messages(house, tenant, recipient="late@customer.example")
    assert (message.state, message.attempts, message.sent_at) == ("sending", 1, None)
    assert len(sink.to("late@customer.example")) == 1
    clock.set(clock.now() + lease(60) + timedelta(seconds=1))
    await deliver(house, tenant)
    await deliver(house, tenant)
    (message,) = await messages(house, tenant, recipient="late@customer.example")
    assert (message.state, message.attempts) == ("sent", 2)
    first, second = sink.to("late@customer.example")
    assert first["Message-ID"] == second["Message-ID"] == f"<{message.id}@localhost.localdomain>"
    assert first["Date"] == second["Date"]
    assert len(await messages(house, tenant, recipient="late@customer.example")) == 1
