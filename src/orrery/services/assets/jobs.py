"""What assets does on a clock."""

from datetime import timedelta

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.assets.actions import depreciation, upkeep
from orrery.services.assets.schemas.depreciation import PostingOrder
from orrery.services.assets.settings import Settings


async def post_depreciation(tx: Tx, caller: Caller) -> None:
    """Post the periods that ended before today; today's use may still be recorded."""
    if tx.settings(Settings).posts_depreciation:
        through = caller.today - timedelta(days=1)
        await depreciation.post_depreciation(tx, caller, PostingOrder(through=through))


async def mark_due(tx: Tx, caller: Caller) -> None:
    """Mark maintenance that became due or overdue over night."""
    await upkeep.mark_due(tx, caller)
