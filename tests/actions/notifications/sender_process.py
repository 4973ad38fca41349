"""A process of its own that runs the delivery job once, so that a test can kill it."""

import asyncio
import sys

from orrery.kernel.runtime import Runtime
from orrery.kernel.service import discover
from orrery.kernel.settings import Settings
from orrery.services.notifications.actions import delivery


async def main(url: str, tenant: str) -> None:
    """Deliver what is due for one tenant."""
    runtime = Runtime(Settings(), url, services=discover(only=["notifications"]))
    async with runtime.running(), runtime.hosts["notifications"].transaction(tenant) as tx:
        await delivery.deliver_due(tx, tx.caller)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
