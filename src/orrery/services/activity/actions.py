"""Every write of activity: entries come with events and go with age."""

from uuid import UUID

import orjson

from orrery.contracts.identity import UserChanged, UserCreated
from orrery.kernel import events
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.event import Event
from orrery.services.activity import rules


async def record_event(tx: Tx, event: Event) -> None:
    """Put an event into the feed, once, with who did it as its envelope tells."""
    data, letter = events.encode(event), tx.letter
    await tx.run(
        "insert into entry (id, name, service, subject, at, user_id, actor, on_behalf_of,"
        " request_id, summary, data) values (%(id)s, %(name)s, %(service)s, %(subject)s, %(at)s,"
        " %(user)s, %(actor)s, %(behalf)s, %(request)s, %(summary)s, %(data)s::jsonb)"
        " on conflict (id) do nothing",
        id=tx.event_id,
        name=event.name,
        service=event.name.partition(".")[0],
        subject=event.subject,
        at=tx.event_at,
        user=rules.person_behind(letter.actor, letter.on_behalf_of),
        actor=letter.actor,
        behalf=letter.on_behalf_of,
        request=letter.request_id,
        summary=rules.summary(event.name, data),
        data=orjson.dumps(data).decode(),
    )
    if isinstance(event, UserCreated | UserChanged):
        await _keep_name(tx, event.user_id, event.full_name)


async def forget_old_entries(tx: Tx, caller: Caller, *, keep_days: int | None) -> int:
    """Drop what is older than allowed, nothing without a limit; answers how many entries."""
    before = rules.forget_before(caller.now, keep_days)
    if before is None:
        return 0
    return await tx.run("delete from entry where at < %(before)s", before=before)


async def _keep_name(tx: Tx, user_id: UUID, name: str) -> None:
    await tx.run(
        "insert into person (id, name) values (%(user)s, %(name)s)"
        " on conflict (id) do update set name = excluded.name",
        user=user_id,
        name=name,
    )
