"""Sending: claim what is due, hand it over outside of any lock, write down what became of it.

Three transactions per mail, because nothing may be locked while a server answers: the first sets
``sending`` and a lease and commits, then the mail goes out, the last sets ``sent``, ``failed`` or
``dead``. A sender that is killed leaves ``sending``; when the lease is over another one takes the
message up. Killed before the server took the mail: it is sent once. Killed between the server's
"250" and the last commit: it is sent again with the same Message-ID. That window, the time of one
commit, is all that is left open, and no client of SMTP can close it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg_pool import PoolTimeout

from orrery.contracts.notifications import NotificationFailed, NotificationSent
from orrery.kernel import log
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.notifications import queries
from orrery.services.notifications.models import Message
from orrery.services.notifications.neighbours import documents
from orrery.services.notifications.neighbours.mail import Mail, MailServer, Postman, Spool
from orrery.services.notifications.rules import delivery as rules
from orrery.services.notifications.rules.addresses import InvalidRecipient
from orrery.services.notifications.rules.kinds import EMAIL
from orrery.services.notifications.rules.templates import Content, TemplateBroken, render
from orrery.services.notifications.settings import Settings

# A run ends after this time, so that it never holds up a shutdown or the next minute's run.
RUN_SECONDS = 50
SETTLE_PAUSES = (0.5, 2, 8)

logger = log.logger("notifications")


@dataclass(frozen=True)
class Outgoing:
    """A mail that this run has claimed; ``attempt`` tells it from a later run's claim."""

    message: Message
    attempt: int
    mail: Mail


async def deliver_due(tx: Tx, caller: Caller) -> None:
    """Send everything that is due; runs each minute and whenever something was queued."""
    settings = tx.settings(Settings)
    ends_at = asyncio.get_running_loop().time() + RUN_SECONDS
    while asyncio.get_running_loop().time() < ends_at:
        async with tx.host.transaction(caller.tenant) as own:
            claimed, outgoing = await claim(own, own.caller, settings)
        await _send_all(tx, caller, outgoing, settings)
        if claimed < rules.batch(settings.smtp_connections):
            return


async def claim(tx: Tx, caller: Caller, settings: Settings) -> tuple[int, list[Outgoing]]:
    """Take what is due; inbox messages are done with that, mails are answered for sending.

    Announces: NotificationSent, NotificationFailed.
    """
    rows = await tx.rows(
        "update message set state = 'sending', attempts = attempts + 1, due_at = %(lease_ends)s,"
        " version = version + 1 where id in (select id from message where due_at <= %(now)s"
        " order by due_at limit %(batch)s for update skip locked) returning id",
        now=caller.now,
        lease_ends=caller.now + rules.lease(settings.smtp_timeout_seconds),
        batch=rules.batch(settings.smtp_connections),
    )
    sender = await queries.sender(tx)
    outgoing = []
    for message in await tx.many(Message, [row.id for row in rows]):
        content = await _content(tx, caller, message, sender)
        if content is not None:
            mail = _mail(caller, message, content, sender, house_address=settings.sender)
            outgoing.append(Outgoing(message, message.attempts, mail))
    return len(rows), outgoing


async def settle(tx: Tx, caller: Caller, claimed: Outgoing, outcome: rules.Outcome) -> Message:
    """Write down how a try ended. Announces: NotificationSent, NotificationFailed."""
    message = await tx.lock(Message, claimed.message.id)
    is_ours = message.state == "sending" and message.attempts == claimed.attempt
    if is_ours or (message.state == "sending" and outcome.verb == "accept"):
        return await _settle(tx, caller, message, outcome)
    # The lease was over and another run has the message, or a person sent it again: theirs counts.
    return message


async def _content(
    tx: Tx, caller: Caller, message: Message, sender: queries.SenderProfile
) -> Content | None:
    """What a mail says; None when the message is settled here and now."""
    if message.attempts > rules.ATTEMPTS_LIMIT:
        lost = rules.not_deliverable("Every sender of this message died while sending it.")
        await _settle(tx, caller, message, lost)
        return None
    template, number = await queries.template(tx, message.kind, message.language)
    try:
        content = render(template, message.facts, sender.letter(message.language))
    except TemplateBroken as broken:
        await _settle(tx, caller, message, rules.not_deliverable(str(broken)))
        return None
    message = await tx.change(
        message, subject=content.subject, body=content.text, template_version=number
    )
    if message.channel == EMAIL:
        return content
    # The inbox is a table of this service: being written is being delivered.
    await _settle(tx, caller, message, rules.ACCEPTED)
    return None


def _mail(
    caller: Caller,
    message: Message,
    content: Content,
    sender: queries.SenderProfile,
    *,
    house_address: str,
) -> Mail:
    return Mail(
        message_id=message.id,
        tenant=caller.tenant,
        sender=sender.address or house_address,
        sender_name=sender.name,
        reply_to=sender.reply_to,
        recipient=message.recipient,
        recipient_name=message.recipient_name,
        written_at=message.created_at,
        content=content,
    )


async def _settle(tx: Tx, caller: Caller, message: Message, outcome: rules.Outcome) -> Message:
    final = rules.settled(outcome, attempts=message.attempts)
    state = rules.STATES.after(message.state, final.verb)
    pause = rules.pause_after(message.attempts, message.id)
    message = await tx.change(
        message,
        state=state,
        due_at=caller.now + pause if state == "failed" else None,
        error=(final.error or "")[: rules.ERROR_LIMIT] or None,
        sent_at=caller.now if state == "sent" else None,
    )
    about = (message.id, message.channel, message.recipient, message.kind)
    if state == "sent":
        tx.announce(NotificationSent(*about))
    if state == "dead":
        tx.announce(NotificationFailed(*about, message.error or ""))
    return message


async def _send_all(
    tx: Tx, caller: Caller, outgoing: Sequence[Outgoing], settings: Settings
) -> None:
    """Hand mails over, several at a time, each connection with its own share."""
    lanes = min(len(outgoing), settings.smtp_connections)
    # One at a time: a run must not take the whole process's database connections.
    writing = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for lane in range(lanes):
            post = _postman(tx, settings)
            group.create_task(_send_some(tx, caller, outgoing[lane::lanes], post, writing))


async def _send_some(
    tx: Tx, caller: Caller, outgoing: Sequence[Outgoing], post: Postman, writing: asyncio.Lock
) -> None:
    async with post:
        for claimed in outgoing:
            outcome = await _send(tx, post, claimed)
            async with writing:
                await _write_down(tx, caller, claimed, outcome)


async def _send(tx: Tx, post: Postman, claimed: Outgoing) -> rules.Outcome:
    attachments, trouble = await documents.fetch(tx, claimed.message.attachments)
    if trouble is not None:
        return trouble
    try:
        return await post.send(claimed.mail.with_attachments(attachments))
    except InvalidRecipient as refusal:
        return rules.not_deliverable(str(refusal))
    except Exception as error:
        # One mail that cannot be handled must not stop the others of this run.
        logger.error("mail failed", message=str(claimed.message.id), exc_info=error)
        return rules.not_reached(type(error).__name__)


async def _write_down(tx: Tx, caller: Caller, claimed: Outgoing, outcome: rules.Outcome) -> None:
    """Settle, and try again when the database is busy: a mail that went out must be known."""
    for pause in (*SETTLE_PAUSES, None):
        try:
            async with tx.host.transaction(caller.tenant) as own:
                message = await settle(own, own.caller, claimed, outcome)
        except (psycopg.OperationalError, PoolTimeout):
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            tell = logger.debug if message.state == "sent" else logger.warning
            tell(
                "mail",
                message=str(message.id),
                state=message.state,
                attempt=claimed.attempt,
                error=message.error,
            )
            return


def _postman(tx: Tx, settings: Settings) -> Postman:
    """The way that mails go: to the server of the settings, or to the folder."""
    if settings.smtp_url is None:
        return Spool(settings.mail_folder or tx.host.runtime.settings.data / "mail")
    return MailServer(
        settings.smtp_url.get_secret_value(), timeout_seconds=settings.smtp_timeout_seconds
    )
