"""Templates and the sender: what a tenant says in its own words."""

from zoneinfo import available_timezones

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.kernel.types.refusal import Malformed
from orrery.services.notifications import queries
from orrery.services.notifications.models import Sender, TemplateVersion
from orrery.services.notifications.rules.addresses import mail_address, one_line
from orrery.services.notifications.rules.kinds import Kind, language_for
from orrery.services.notifications.rules.templates import Template, check
from orrery.services.notifications.schemas import SenderChange


async def save_template(
    tx: Tx, caller: Caller, kind: Kind, language: str, texts: Template, note: str | None
) -> TemplateVersion:
    """Add a version that counts from now on. Refuses: TemplateBroken, TemplateChangedMeanwhile."""
    check(kind, texts)
    return await _add_version(tx, kind, language, texts, note)


async def return_to_default(tx: Tx, caller: Caller, kind: Kind, language: str) -> TemplateVersion:
    """Let the template of the package count again. Refuses: TemplateChangedMeanwhile."""
    return await _add_version(tx, kind, language, None, None)


async def change_sender(tx: Tx, caller: Caller, change: SenderChange) -> Sender:
    """Change who writes. Refuses: InvalidRecipient, Malformed for an unknown time zone."""
    if change.time_zone not in available_timezones():
        raise Malformed(field="time_zone", value=change.time_zone)
    row = await tx.lock(Sender, (await queries.sender_row(tx)).id)
    return await tx.change(
        row,
        name=one_line(change.name),
        address=mail_address(change.address) if change.address else None,
        reply_to=mail_address(change.reply_to) if change.reply_to else None,
        language=change.language,
        time_zone=change.time_zone,
    )


async def introduce(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Give a new tenant its sender: its own title, language and time zone."""
    await tx.add(
        Sender,
        name=one_line(order.title),
        address=None,
        reply_to=None,
        language=language_for(order.language),
        time_zone=order.time_zone,
    )


async def _add_version(
    tx: Tx, kind: Kind, language: str, texts: Template | None, note: str | None
) -> TemplateVersion:
    newest = await queries.newest_version(tx, kind.code, language)
    return await tx.add(
        TemplateVersion,
        kind=kind.code,
        language=language,
        number=newest.number + 1 if newest else queries.VERSION_DEFAULT + 1,
        subject=texts.subject if texts else None,
        text=texts.text if texts else None,
        html=texts.html if texts else None,
        note=note,
    )
