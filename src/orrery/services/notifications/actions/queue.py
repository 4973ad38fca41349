"""Putting messages in the queue: one per event, recipient and channel, whatever happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orrery.contracts.notifications import NotificationFailed
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.notifications import queries
from orrery.services.notifications.actions import delivery
from orrery.services.notifications.models import Account, Message
from orrery.services.notifications.rules.addresses import InvalidRecipient, mail_address, one_line
from orrery.services.notifications.rules.delivery import STATES
from orrery.services.notifications.rules.kinds import EMAIL, IN_APP, Kind, language_for

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class About:
    """The record that a message is about, such as ``invoicing.invoice``."""

    record: str
    id: UUID


@dataclass(frozen=True)
class Reader:
    """A user as messages reach him."""

    user_id: UUID
    email: str
    name: str
    language: str | None


async def write_to_customer(
    tx: Tx,
    caller: Caller,
    kind: Kind,
    *,
    address: str | None,
    name: str,
    facts: Facts,
    about: About,
    attachments: Sequence[Mapping[str, str]] = (),
) -> None:
    """Queue a mail to a customer, in the company's language. Announces: NotificationFailed."""
    if not address:
        return
    sender = await queries.sender(tx)
    await _queue(
        tx,
        caller,
        kind,
        channel=EMAIL,
        recipient=address,
        name=name,
        user_id=None,
        language=language_for(sender.language),
        facts=facts,
        about=about,
        attachments=attachments,
    )


async def write_to_employee(
    tx: Tx, caller: Caller, kind: Kind, employee_id: UUID, *, facts: Facts, about: About
) -> None:
    """Queue messages to the user behind an employee; nothing when there is none."""
    account = await queries.account_of_employee(tx, employee_id)
    if account is not None and not account.is_disabled:
        reader = Reader(account.id, account.email, account.full_name, account.language)
        await _write_to_user(tx, caller, kind, reader, facts=facts, about=about)


async def write_to_account(
    tx: Tx, caller: Caller, kind: Kind, user_id: UUID, *, email: str, facts: Facts, about: About
) -> None:
    """Queue messages to a user, also when his account is not known here yet."""
    account = await tx.find(Account, id=user_id)
    if account is not None and account.is_disabled:
        return
    reader = Reader(
        user_id, email, account.full_name if account else "", account.language if account else None
    )
    await _write_to_user(tx, caller, kind, reader, facts=facts, about=about)


async def _write_to_user(
    tx: Tx, caller: Caller, kind: Kind, reader: Reader, *, facts: Facts, about: About
) -> None:
    sender = await queries.sender(tx)
    wishes = await queries.wishes(tx, reader.user_id, kind.code)
    for channel, recipient in ((IN_APP, str(reader.user_id)), (EMAIL, reader.email)):
        if kind.wants(channel, choice=wishes.get(channel)):
            await _queue(
                tx,
                caller,
                kind,
                channel=channel,
                recipient=recipient,
                name=reader.name,
                user_id=reader.user_id,
                language=language_for(reader.language, sender.language),
                facts=facts,
                about=about,
            )


async def _queue(
    tx: Tx,
    caller: Caller,
    kind: Kind,
    *,
    channel: str,
    recipient: str,
    name: str,
    user_id: UUID | None,
    language: str,
    facts: Facts,
    about: About,
    attachments: Sequence[Mapping[str, str]] = (),
) -> None:
    address, problem = _addressed(channel, recipient)
    known = {"event_id": tx.event_id, "recipient": address, "channel": channel}
    if await tx.find(Message, **known) is not None:
        return
    state = STATES.after(STATES.start, "give_up") if problem else STATES.start
    message = await tx.add(
        Message,
        **known,
        kind=kind.code,
        recipient_name=one_line(name),
        user_id=user_id,
        language=language,
        facts=dict(facts),
        attachments=[dict(attachment) for attachment in attachments],
        about=about.record,
        about_id=about.id,
        state=state,
        attempts=0,
        due_at=None if problem else caller.now,
        error=problem,
    )
    if problem:
        tx.announce(NotificationFailed(message.id, channel, address, kind.code, problem))
    else:
        await tx.defer(delivery.deliver_due)


def _addressed(channel: str, recipient: str) -> tuple[str, str | None]:
    """The recipient as stored; with a problem the message is dead from the start, but visible."""
    if channel != EMAIL:
        return recipient, None
    try:
        return mail_address(recipient), None
    except InvalidRecipient:
        return one_line(recipient), "The recipient's address is not valid."
