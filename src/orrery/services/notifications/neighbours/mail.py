"""Mail: composed once, handed to an SMTP server, or put in a folder when there is none.

A mail has the same Message-ID at every try. When a sender dies after the server took the mail and
before that was written down, the next try sends it again; SMTP has no way to ask. Whoever receives
both can tell by the Message-ID that they are one.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib

from orrery.services.notifications.rules.addresses import mail_address, one_line
from orrery.services.notifications.rules.delivery import (
    ACCEPTED,
    Outcome,
    not_reached,
    refused_by_server,
)
from orrery.services.notifications.rules.templates import Content


@dataclass(frozen=True)
class Attachment:
    """A document that goes with a mail."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """A mail ready to be composed; addresses were checked before, headers are checked again."""

    message_id: UUID
    tenant: str
    sender: str
    sender_name: str
    reply_to: str | None
    recipient: str
    recipient_name: str
    written_at: datetime
    content: Content
    attachments: Sequence[Attachment] = ()

    def with_attachments(self, attachments: Sequence[Attachment]) -> "Mail":
        """The same mail with its documents."""
        return replace(self, attachments=attachments)

    def compose(self) -> bytes:
        """The mail as bytes. Refuses: InvalidRecipient."""
        message = EmailMessage(policy=SMTP_POLICY)
        domain = mail_address(self.sender).partition("@")[2]
        message["Message-ID"] = f"<{self.message_id}@{domain}>"
        message["Date"] = format_datetime(self.written_at)
        message["From"] = _party(self.sender_name, self.sender)
        message["To"] = _party(self.recipient_name, self.recipient)
        if self.reply_to:
            message["Reply-To"] = _party("", self.reply_to)
        message["Subject"] = one_line(self.content.subject)
        # Keeps holiday answers and mailing lists from replying to a machine (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.content.text)
        message.add_alternative(self.content.html, subtype="html")
        for attachment in self.attachments:
            message.add_attachment(
                attachment.content,
                maintype="application",
                subtype="pdf" if attachment.name.endswith(".pdf") else "octet-stream",
                filename=one_line(attachment.name),
            )
        return message.as_bytes()


class Postman(Protocol):
    """Takes mails, one after the other, and says what became of each."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def send(self, mail: Mail) -> Outcome:
        """Hand over one mail."""
        ...


class Spool:
    """Puts each mail in a folder as ``<tenant>/<message id>.eml``; a second try overwrites it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    async def send(self, mail: Mail) -> Outcome:
        """Write the file, or say why that failed."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            return not_reached(f"mail folder: {error.strerror}")
        return ACCEPTED

    def _write(self, mail: Mail) -> None:
        folder = self._folder / mail.tenant
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{mail.message_id}.part"
        with draft.open("wb") as file:
            file.write(mail.compose())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / f"{mail.message_id}.eml")


class MailServer:
    """One connection to an SMTP server, opened for the first mail and reopened when it broke."""

    def __init__(self, url: str, *, timeout_seconds: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("ORRERY_NOTIFICATIONS_SMTP_URL is not smtp://host:port or smtps://")
        self._is_tls = parts.scheme == "smtps"
        self._starts_tls = parse_qs(parts.query).get("starttls", ["0"])[-1] in ("1", "true")
        self._host = parts.hostname
        self._port = parts.port or (465 if self._is_tls else 587 if self._starts_tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._timeout = timeout_seconds
        self._connection: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._hang_up()

    async def send(self, mail: Mail) -> Outcome:
        """Send one mail; the server's answer decides whether it is tried again."""
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connected()
                await connection.sendmail(mail.sender, [mail.recipient], mail.compose())
        except aiosmtplib.SMTPRecipientsRefused as refused:
            outcome = refused_by_server(refused.recipients[0].code, refused.recipients[0].message)
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refused:
            outcome = refused_by_server(refused.code, refused.message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            outcome = not_reached(f"{type(error).__name__}: {one_line(str(error))}")
        else:
            return ACCEPTED
        await self._hang_up()
        return outcome

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._connection is None or not self._connection.is_connected:
            self._connection = aiosmtplib.SMTP(
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._is_tls,
                # Only when asked for, but then a server without it is refused, not trusted.
                start_tls=self._starts_tls,
                timeout=self._timeout,
            )
            await self._connection.connect()
        return self._connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _party(name: str, address: str) -> Address:
    local, _, domain = mail_address(address).rpartition("@")
    return Address(display_name=one_line(name), username=local, domain=domain)
