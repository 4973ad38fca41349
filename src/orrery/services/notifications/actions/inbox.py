"""The inbox and what a user wishes to find in it."""

from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import NotFound
from orrery.services.notifications import queries
from orrery.services.notifications.models import Message, Preference
from orrery.services.notifications.rules.kinds import IN_APP, kind_named
from orrery.services.notifications.schemas import PreferencesChange


async def mark_read(tx: Tx, caller: Caller, id: UUID) -> Message:
    """Mark one message of the caller's own inbox as read. Refuses: NotFound."""
    user_id = queries.user_of(caller)
    message = await tx.lock(Message, id)
    is_own = message.user_id == user_id and message.channel == IN_APP
    if not is_own or message.state != "sent":
        raise NotFound(resource="message", id=id)
    return message if message.read_at else await tx.change(message, read_at=caller.now)


async def mark_all_read(tx: Tx, caller: Caller) -> int:
    """Mark everything in the caller's inbox as read; answers how much was not."""
    return await tx.run(
        "update message set read_at = %(now)s, version = version + 1 where user_id = %(user)s"
        " and channel = 'in_app' and state = 'sent' and read_at is null",
        now=caller.now,
        user=queries.user_of(caller),
    )


async def change_preferences(tx: Tx, caller: Caller, change: PreferencesChange) -> None:
    """Keep what the caller wishes. Refuses: UnknownKind, ChannelUnused, ChannelMandatory."""
    user_id = queries.user_of(caller)
    for choice in change.choices:
        kind_named(choice.kind).permit_choice(choice.channel, is_wanted=choice.is_wanted)
        key = {"user_id": user_id, "kind": choice.kind, "channel": choice.channel}
        known = await tx.find(Preference, **key)
        if known is None:
            await tx.add(Preference, **key, is_wanted=choice.is_wanted)
        elif known.is_wanted != choice.is_wanted:
            await tx.change(known, is_wanted=choice.is_wanted)
