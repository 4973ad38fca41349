"""What activity does when others announce: it remembers, whatever it is."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.event import Event
from orrery.services.activity import actions


async def record(tx: Tx, _caller: Caller, event: Event) -> None:
    """Put an event into the feed."""
    await actions.record_event(tx, event)
