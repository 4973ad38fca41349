"""A worker of the depot in a process of its own, to be killed: ``python -m ... URL``."""

import asyncio
import sys

from orrery.kernel import settings
from orrery.kernel.runtime import Runtime
from tests.actions.kernel.depot.service import SERVICE


async def _main(url: str) -> None:
    runtime = Runtime(settings.Settings(environment="test"), url, services={"depot": SERVICE})
    async with runtime.running():
        await runtime.jobs.work(concurrency=1)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
