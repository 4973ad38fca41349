"""Every read of notifications."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import Resource
from orrery.kernel.types.refusal import Forbidden, NotFound
from orrery.services.notifications import permissions as p
from orrery.services.notifications import schemas as s
from orrery.services.notifications.models import (
    Account,
    EmployeeAddress,
    Message,
    Preference,
    Sender,
    TemplateVersion,
)
from orrery.services.notifications.rules.delivery import STATES
from orrery.services.notifications.rules.kinds import (
    KINDS,
    LANGUAGE_FALLBACK,
    LANGUAGES,
    Kind,
    UnknownKind,
    kind_named,
)
from orrery.services.notifications.rules.templates import (
    FILTERS,
    LETTER_NAMES,
    Content,
    Letter,
    Template,
    check,
    default_template,
    render,
)

VERSION_DEFAULT = 0  # the number of the template that comes with the package


@dataclass(frozen=True)
class SenderProfile:
    """Who writes; also when nobody has said so yet."""

    name: str
    address: str | None
    reply_to: str | None
    language: str
    time_zone: str

    def letter(self, language: str) -> Letter:
        """What a message says of its sender, in a reader's language."""
        return Letter(company=self.name, language=language, time_zone=self.time_zone)


async def message_details(tx: ReadTx, caller: Caller, id: UUID) -> s.MessageDetailsView:
    """A message with its content, its facts and what may be done with it."""
    message = await tx.one(Message, id)
    retries = STATES.verbs(message.state) if caller.may(p.MESSAGE_RETRY) else []
    attachments = s.AttachmentView.of_all(message.attachments)
    verbs = [verb for verb in retries if verb == "retry"]
    return s.MessageDetailsView.of(message, attachments=attachments, verbs=verbs)


MESSAGES = Resource(
    name="message",
    path="/messages",
    table=Message,
    view=s.MessageView,
    may_read=p.MESSAGE_READ,
    filters=["state", "kind", "channel", "recipient", "about_id", "event_id", "created_at"],
    sorts=["created_at", "state", "kind", "recipient", "attempts"],
    search=["recipient", "recipient_name", "subject"],
    # Somebody whose role says "own" sees what was written to him.
    own="t.user_id = %(caller_user)s",
    details=message_details,
    newest_first=True,
)


async def counts(tx: ReadTx) -> s.CountsView:
    """How many messages are in each state."""
    rows = await tx.rows("select state, count(*) as messages from message group by state")
    return s.CountsView(**(dict.fromkeys(STATES.states, 0) | {r.state: r.messages for r in rows}))


async def sender(tx: ReadTx) -> SenderProfile:
    """Who writes to this tenant's customers and users."""
    row = await tx.find(Sender)
    if row is None:
        return SenderProfile("Orrery", None, None, LANGUAGE_FALLBACK, "UTC")
    return SenderProfile(row.name, row.address, row.reply_to, row.language, row.time_zone)


async def sender_row(tx: ReadTx) -> Sender:
    """The sender's row. Refuses: NotFound when the tenant was made without one."""
    row = await tx.find(Sender)
    if row is None:
        raise NotFound(resource="sender")
    return row


def user_of(caller: Caller) -> UUID:
    """The person who calls. Refuses: Forbidden to services, they have no inbox."""
    if caller.user_id is None:
        raise Forbidden(reason="only_people_have_an_inbox")
    return caller.user_id


async def inbox(
    tx: ReadTx, caller: Caller, *, is_unread: bool | None, below: UUID | None, limit: int
) -> s.InboxView:
    """The caller's own messages, newest first."""
    rows = await tx.rows(
        "select id, kind, subject, body, about, about_id, created_at, read_at from message"
        " where user_id = %(user)s and channel = 'in_app' and state = 'sent'"
        " and (%(unread)s::boolean is null or (read_at is null) = %(unread)s)"
        " and (%(below)s::uuid is null or id < %(below)s) order by id desc limit %(limit)s",
        user=user_of(caller),
        unread=is_unread,
        below=below,
        limit=limit + 1,
    )
    items = s.InboxMessageView.of_all(rows[:limit])
    return s.InboxView(items=items, next=items[-1].id if len(rows) > limit else None)


async def unread(tx: ReadTx, caller: Caller) -> int:
    """How many of the caller's messages are unread."""
    count: int = await tx.value(
        "select count(*) from message where user_id = %(user)s and channel = 'in_app'"
        " and state = 'sent' and read_at is null",
        user=user_of(caller),
    )
    return count


async def wishes(tx: ReadTx, user_id: UUID, kind: str) -> dict[str, bool]:
    """What a user chose for a kind of message, by channel; silence is no entry."""
    rows = await tx.all(Preference, user_id=user_id, kind=kind)
    return {row.channel: row.is_wanted for row in rows}


async def preferences(tx: ReadTx, caller: Caller) -> s.PreferencesView:
    """What the caller gets and where, and what of it he may change."""
    user_id = user_of(caller)
    rows = await tx.all(Preference, user_id=user_id)
    chosen = {(row.kind, row.channel): row.is_wanted for row in rows}
    choices = [
        s.ChoiceView(
            kind=kind.code,
            title=kind.title,
            channel=channel,
            is_wanted=kind.wants(channel, choice=chosen.get((kind.code, channel))),
            is_mandatory=channel in kind.mandatory,
        )
        for kind in KINDS.values()
        if kind.audience == "user"
        for channel in sorted(kind.channels)
    ]
    return s.PreferencesView(choices=choices)


async def account_of_employee(tx: ReadTx, employee_id: UUID) -> Account | None:
    """The account of an employee: the one that names him, else the one of equal address."""
    named = await tx.find(Account, employee_id=employee_id)
    if named is not None:
        return named
    address = await tx.find(EmployeeAddress, id=employee_id)
    if address is None or address.email is None:
        return None
    return await tx.find(Account, email=address.email)


async def template(tx: ReadTx, kind: str, language: str) -> tuple[Template, int]:
    """The template that counts, and its version: the tenant's newest, else the default (0)."""
    row = await newest_version(tx, kind, language)
    if row is None or row.subject is None or row.text is None or row.html is None:
        return default_template(kind, language), row.number if row else VERSION_DEFAULT
    return Template(row.subject, row.text, row.html), row.number


async def newest_version(tx: ReadTx, kind: str, language: str) -> TemplateVersion | None:
    """The version that was saved last; None when the tenant never had its own."""
    row: TemplateVersion | None = await tx.row(
        "select * from template_version where kind = %(kind)s and language = %(language)s"
        " order by number desc limit 1",
        kind=kind,
        language=language,
    )
    return row


async def template_summaries(tx: ReadTx) -> list[s.TemplateSummaryView]:
    """Every kind in every language, with the version that counts."""
    rows = await tx.rows(
        "select distinct on (kind, language) kind, language, number, subject from template_version"
        " order by kind, language, number desc"
    )
    newest = {(row.kind, row.language): row for row in rows}
    return [
        s.TemplateSummaryView(**_summary(kind, language, newest.get((kind.code, language))))
        for kind in KINDS.values()
        for language in LANGUAGES
    ]


async def template_view(tx: ReadTx, kind: Kind, language: str) -> s.TemplateView:
    """One template with its texts and what it may use."""
    row = await newest_version(tx, kind.code, language)
    texts, _ = await template(tx, kind.code, language)
    return s.TemplateView(
        **_summary(kind, language, row),
        subject=texts.subject,
        text=texts.text,
        html=texts.html,
        names=sorted(LETTER_NAMES | kind.sample.keys()),
        filters=sorted(FILTERS),
        sample=dict(kind.sample),
    )


async def template_versions(
    tx: ReadTx, kind: Kind, language: str, *, below: int | None, limit: int
) -> list[s.TemplateVersionView]:
    """What was saved, newest first."""
    rows = await tx.rows(
        "select * from template_version where kind = %(kind)s and language = %(language)s"
        " and number < coalesce(%(below)s::bigint, 9223372036854775807)"
        " order by number desc limit %(limit)s",
        kind=kind.code,
        language=language,
        below=below,
        limit=limit,
    )
    return s.TemplateVersionView.of_all(rows)


async def preview(
    tx: ReadTx, caller: Caller, kind: Kind, language: str, wanted: s.PreviewRequest
) -> Content:
    """What a message would look like. Refuses: UnknownKind, NotFound, TemplateBroken."""
    facts = kind.sample
    if wanted.message_id is not None:
        await MESSAGES.permit(tx, caller, p.MESSAGE_READ, wanted.message_id)
        message = await tx.one(Message, wanted.message_id)
        if message.kind != kind.code:
            raise UnknownKind(kind=message.kind, wanted=kind.code)
        facts = message.facts
    saved, _ = await template(tx, kind.code, language)
    unsaved = Template(
        subject=saved.subject if wanted.subject is None else wanted.subject,
        text=saved.text if wanted.text is None else wanted.text,
        html=saved.html if wanted.html is None else wanted.html,
    )
    check(kind, unsaved)
    return render(unsaved, facts, (await sender(tx)).letter(language))


def kind_in(code: str, language: str) -> Kind:
    """A kind that has a template in a language. Refuses: UnknownKind."""
    kind = kind_named(code)
    if language not in LANGUAGES:
        raise UnknownKind(kind=code, language=language, known=list(LANGUAGES))
    return kind


def _summary(kind: Kind, language: str, row: TemplateVersion | None) -> dict[str, Any]:
    return {
        "kind": kind.code,
        "title": kind.title,
        "audience": kind.audience,
        "channels": sorted(kind.channels),
        "language": language,
        "version": row.number if row else VERSION_DEFAULT,
        "is_own": row is not None and row.subject is not None,
    }
