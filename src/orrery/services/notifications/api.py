"""The API of notifications: the inbox, preferences, the queue, templates and the sender."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, SignedIn, WriteTx, refusals, routes
from orrery.kernel.resources import PAGE_DEFAULT, PAGE_MAX
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import NotFound
from orrery.kernel.types.states import WrongState
from orrery.services.notifications import permissions as p
from orrery.services.notifications import queries
from orrery.services.notifications import schemas as s
from orrery.services.notifications.actions import inbox, retries, templates
from orrery.services.notifications.rules.addresses import InvalidRecipient
from orrery.services.notifications.rules.kinds import ChannelMandatory, ChannelUnused, UnknownKind
from orrery.services.notifications.rules.templates import (
    Template,
    TemplateBroken,
    TemplateChangedMeanwhile,
)

router = routes("", tags="notifications")
resources = resource_routes(queries.MESSAGES)
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


@router.get("/inbox")
async def list_inbox(
    tx: ReadTx,
    caller: SignedIn,
    unread: bool | None = None,
    cursor: UUID | None = None,
    limit: Limit = PAGE_DEFAULT,
) -> s.InboxView:
    """The caller's own messages, newest first."""
    return await queries.inbox(tx, caller, is_unread=unread, below=cursor, limit=limit)


@router.get("/inbox/unread")
async def count_unread(tx: ReadTx, caller: SignedIn) -> s.UnreadView:
    """How many of the caller's messages are unread."""
    return s.UnreadView(unread=await queries.unread(tx, caller))


@router.post("/inbox/read")
async def mark_all_read(tx: WriteTx, caller: SignedIn) -> s.UnreadView:
    """Mark everything in the caller's inbox as read."""
    await inbox.mark_all_read(tx, caller)
    return s.UnreadView(unread=await queries.unread(tx, caller))


@router.post("/inbox/{id}/read", responses=refusals(NotFound))
async def mark_read(id: UUID, tx: WriteTx, caller: SignedIn) -> s.InboxMessageView:
    """Mark one of the caller's messages as read."""
    return s.InboxMessageView.of(await inbox.mark_read(tx, caller, id))


@router.get("/preferences")
async def read_preferences(tx: ReadTx, caller: SignedIn) -> s.PreferencesView:
    """What the caller gets over which channel."""
    return await queries.preferences(tx, caller)


@router.patch("/preferences", responses=refusals(UnknownKind, ChannelUnused, ChannelMandatory))
async def change_preferences(
    body: s.PreferencesChange, tx: WriteTx, caller: SignedIn
) -> s.PreferencesView:
    """Choose what to get over which channel."""
    await inbox.change_preferences(tx, caller, body)
    return await queries.preferences(tx, caller)


@router.get("/messages/counts")
async def count_messages(
    tx: ReadTx, caller: Annotated[Caller, May(p.MESSAGE_READ)]
) -> s.CountsView:
    """How many messages are in each state."""
    return await queries.counts(tx)


@router.post("/messages/retry")
async def retry_messages(
    body: s.RetryRequest, tx: WriteTx, caller: Annotated[Caller, May(p.MESSAGE_RETRY)]
) -> s.RetriedView:
    """Send failed and dead messages again, up to a thousand at once."""
    return await retries.retry_many(tx, caller, body)


@router.post("/messages/{id}/retry", responses=refusals(NotFound, WrongState))
async def retry_message(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.MESSAGE_RETRY)]
) -> s.MessageView:
    """Send one failed or dead message again."""
    await queries.MESSAGES.permit(tx, caller, p.MESSAGE_RETRY, id)
    return s.MessageView.of(await retries.retry(tx, caller, id))


@router.get("/templates")
async def list_templates(
    tx: ReadTx, caller: Annotated[Caller, May(p.TEMPLATE_READ)]
) -> list[s.TemplateSummaryView]:
    """Every kind of message in every language, with the version that counts."""
    return await queries.template_summaries(tx)


@router.get("/templates/{kind}/{language}", responses=refusals(UnknownKind))
async def read_template(
    kind: str, language: str, tx: ReadTx, caller: Annotated[Caller, May(p.TEMPLATE_READ)]
) -> s.TemplateView:
    """One template with its texts, and the names and filters it may use."""
    return await queries.template_view(tx, queries.kind_in(kind, language), language)


@router.get("/templates/{kind}/{language}/versions", responses=refusals(UnknownKind))
async def list_template_versions(
    kind: str,
    language: str,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.TEMPLATE_READ)],
    below: int | None = None,
    limit: Limit = PAGE_DEFAULT,
) -> list[s.TemplateVersionView]:
    """What was saved of a template, newest first."""
    known = queries.kind_in(kind, language)
    return await queries.template_versions(tx, known, language, below=below, limit=limit)


@router.put(
    "/templates/{kind}/{language}",
    responses=refusals(UnknownKind, TemplateBroken, TemplateChangedMeanwhile),
)
async def save_template(
    kind: str,
    language: str,
    body: s.TemplateDraft,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.TEMPLATE_WRITE)],
) -> s.TemplateView:
    """Save a version of a template that counts from now on."""
    known, texts = queries.kind_in(kind, language), Template(body.subject, body.text, body.html)
    await templates.save_template(tx, caller, known, language, texts, body.note)
    return await queries.template_view(tx, known, language)


@router.post(
    "/templates/{kind}/{language}/return-to-default",
    responses=refusals(UnknownKind, TemplateChangedMeanwhile),
)
async def return_to_default(
    kind: str, language: str, tx: WriteTx, caller: Annotated[Caller, May(p.TEMPLATE_WRITE)]
) -> s.TemplateView:
    """Let the template that comes with the package count again."""
    known = queries.kind_in(kind, language)
    await templates.return_to_default(tx, caller, known, language)
    return await queries.template_view(tx, known, language)


@router.post(
    "/templates/{kind}/{language}/preview",
    responses=refusals(UnknownKind, NotFound, TemplateBroken),
)
async def preview_template(
    kind: str,
    language: str,
    body: s.PreviewRequest,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.TEMPLATE_READ)],
) -> s.PreviewView:
    """Show a message made of a sample or of a real one, before or after saving."""
    known = queries.kind_in(kind, language)
    return s.PreviewView.of(await queries.preview(tx, caller, known, language, body))


@router.get("/sender", responses=refusals(NotFound))
async def read_sender(tx: ReadTx, caller: Annotated[Caller, May(p.SENDER_READ)]) -> s.SenderView:
    """Who writes to this company's customers and users."""
    return s.SenderView.of(await queries.sender_row(tx))


@router.put("/sender", responses=refusals(NotFound, InvalidRecipient))
async def change_sender(
    body: s.SenderChange, tx: WriteTx, caller: Annotated[Caller, May(p.SENDER_WRITE)]
) -> s.SenderView:
    """Change who writes to this company's customers and users."""
    return s.SenderView.of(await templates.change_sender(tx, caller, body))
