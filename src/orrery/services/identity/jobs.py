"""What identity does on a clock."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.identity.actions import keys, sessions


async def forget_sessions(tx: Tx, caller: Caller) -> None:
    """End sessions that ran out and forget those that ended long ago."""
    await sessions.forget_sessions(tx, caller)


async def tend_signing_keys(tx: Tx, caller: Caller) -> None:
    """Publish the next signing key when the present one has served its time.

    The keys are the house's, not a tenant's: each tenant's run looks, one of them finds work.
    """
    async with tx.host.transaction(None) as house:
        await keys.tend_keys(house)
