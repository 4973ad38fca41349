"""What activity does on a clock."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.activity import actions
from orrery.services.activity.settings import Settings


async def forget_old_entries(tx: Tx, caller: Caller) -> None:
    """Let the feed forget what is older than the setting says, if it says anything."""
    keep_days = tx.settings(Settings).keep_days
    await actions.forget_old_entries(tx, caller, keep_days=keep_days)
