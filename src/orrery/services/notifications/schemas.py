"""JSON of notifications: messages, the inbox, templates, preferences and the sender."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import Draft, Instant, View
from orrery.services.notifications.rules.kinds import Channel, Language

State = Literal["queued", "sending", "sent", "failed", "dead"]
Line = Annotated[str, Field(max_length=200)]
Address = Annotated[str, Field(max_length=254)]


class MessageView(View):
    """A message and how its delivery goes."""

    id: UUID
    version: int
    event_id: UUID
    kind: str
    channel: Channel
    recipient: str
    recipient_name: str
    user_id: UUID | None
    language: Language
    about: str | None
    about_id: UUID | None
    subject: str | None
    state: State
    attempts: int
    due_at: Instant | None
    error: str | None
    template_version: int | None
    created_at: Instant
    sent_at: Instant | None


class AttachmentView(View):
    """A document that the announcing service makes when the message is sent."""

    service: str
    path: str
    name: str


class MessageDetailsView(MessageView):
    """A message with its content, the facts it was made from and what may be done with it."""

    body: str | None
    facts: dict[str, Any]
    attachments: list[AttachmentView]
    verbs: list[str]


class CountsView(View):
    """How many messages are in each state."""

    queued: int
    sending: int
    sent: int
    failed: int
    dead: int


class RetryRequest(Draft):
    """Which failed and dead messages to send again; what is left out does not narrow the choice."""

    ids: Annotated[list[UUID], Field(max_length=1000)] | None = None
    kind: str | None = None
    channel: Channel | None = None
    created_from: date | None = None
    created_to: date | None = None


class RetriedView(View):
    """How many messages were put back in the queue, and whether more are left."""

    retried: int
    is_complete: bool


class InboxMessageView(View):
    """A message in the caller's own inbox."""

    id: UUID
    kind: str
    subject: str
    body: str
    about: str | None
    about_id: UUID | None
    created_at: Instant
    read_at: Instant | None


class InboxView(View):
    """One page of the inbox, newest first; ``next`` is the cursor of the following page."""

    items: list[InboxMessageView]
    next: UUID | None


class UnreadView(View):
    """How many messages of the inbox are unread."""

    unread: int


class ChoiceView(View):
    """Whether the caller gets a kind of message over a channel, and whether that may be changed."""

    kind: str
    title: str
    channel: Channel
    is_wanted: bool
    is_mandatory: bool


class PreferencesView(View):
    """What the caller gets over which channel."""

    choices: list[ChoiceView]


class Choice(Draft):
    """One wish of the caller."""

    kind: str
    channel: Channel
    is_wanted: bool


class PreferencesChange(Draft):
    """New wishes; a kind and channel that is not named stays as it is."""

    choices: Annotated[list[Choice], Field(min_length=1, max_length=100)]


class TemplateSummaryView(View):
    """A kind of message in a language: which version counts, and whether it is the tenant's own."""

    kind: str
    title: str
    audience: Literal["customer", "user"]
    channels: list[Channel]
    language: Language
    version: int
    is_own: bool


class TemplateView(TemplateSummaryView):
    """A template with its texts, the names it may use and a sample of their values."""

    subject: str
    text: str
    html: str
    names: list[str]
    filters: list[str]
    sample: dict[str, Any]


class TemplateVersionView(View):
    """One version that was saved; without texts it was a return to the default."""

    number: int
    subject: str | None
    text: str | None
    html: str | None
    note: str | None
    created_at: Instant
    created_by: UUID | None


class TemplateDraft(Draft):
    """The texts of a new version."""

    subject: Line
    text: Annotated[str, Field(max_length=20_000)]
    html: Annotated[str, Field(max_length=20_000)]
    note: Line | None = None


class PreviewRequest(Draft):
    """What to show: unsaved texts or the version that counts, with the sample or a real message."""

    subject: Line | None = None
    text: Annotated[str, Field(max_length=20_000)] | None = None
    html: Annotated[str, Field(max_length=20_000)] | None = None
    message_id: UUID | None = None


class PreviewView(View):
    """A message as its reader would see it."""

    subject: str
    text: str
    html: str


class SenderView(View):
    """Who writes to the tenant's customers and users."""

    version: int
    name: str
    address: str | None
    reply_to: str | None
    language: Language
    time_zone: str


class SenderChange(Draft):
    """The sender as it shall be; without an address the house's own is used."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    address: Address | None = None
    reply_to: Address | None = None
    language: Language
    time_zone: Annotated[str, Field(max_length=60)]
