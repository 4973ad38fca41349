"""Sending failed and dead messages again, one by one or many at once (NOT-3)."""

from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.notifications.actions import delivery
from orrery.services.notifications.models import Message
from orrery.services.notifications.rules.delivery import RETRY_LIMIT, STATES
from orrery.services.notifications.schemas import RetriedView, RetryRequest


async def retry(tx: Tx, caller: Caller, id: UUID) -> Message:
    """Put one message back in the queue with all its attempts. Refuses: NotFound, WrongState."""
    message = await tx.lock(Message, id)
    state = STATES.after(message.state, "retry")
    message = await tx.change(message, state=state, attempts=0, due_at=caller.now)
    await tx.defer(delivery.deliver_due)
    return message


async def retry_many(tx: Tx, caller: Caller, wanted: RetryRequest) -> RetriedView:
    """Put failed and dead messages back in the queue, the oldest first, up to the limit."""
    count = await tx.run(
        "update message set state = 'queued', attempts = 0, due_at = %(now)s,"
        " version = version + 1 where id in (select id from message"
        " where state in ('failed', 'dead')"
        " and (%(ids)s::uuid[] is null or id = any(%(ids)s))"
        " and (%(kind)s::text is null or kind = %(kind)s)"
        " and (%(channel)s::text is null or channel = %(channel)s)"
        " and (%(created_from)s::date is null or created_at >= %(created_from)s)"
        " and (%(created_to)s::date is null or created_at < %(created_to)s + 1)"
        " order by id limit %(limit)s for update)",
        now=caller.now,
        limit=RETRY_LIMIT,
        **wanted.model_dump(),
    )
    if count:
        await tx.defer(delivery.deliver_due)
    return RetriedView(retried=count, is_complete=count < RETRY_LIMIT)
