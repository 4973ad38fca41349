"""Relay and worker of the toy in a process of their own, to be killed: ``python -m ... URL``.

``claim_first`` commits the claim before the reaction runs: the guard taken out.
"""

import asyncio
import sys
from typing import Any

from orrery.kernel import settings
from orrery.kernel.runtime import Runtime
from orrery.kernel.worker import Worker
from tests.toy.service import SERVICE


async def _claim_first(self: Any, service: str, transaction: Any, claimed: Any) -> Any:
    await transaction.connection.execute("commit")
    await asyncio.sleep(0.05)
    await transaction.connection.execute("begin")
    return await _react(self, service, transaction, claimed)


_react = Worker._react


async def _main(url: str, *, claim_first: bool) -> None:
    if claim_first:
        Worker._react = _claim_first  # type: ignore[method-assign] # the guard is taken out
    runtime = Runtime(settings.Settings(environment="test"), url, services={"toy": SERVICE})
    async with runtime.running():
        runtime.start_background()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], claim_first="claim_first" in sys.argv))
