"""Load shedding: a bounded number of requests at work, and a short, fair queue before them."""

import asyncio
from collections import Counter

from orrery.kernel.types.refusal import Refusal, Unavailable
from orrery.services.gateway.rules.fairness import FairQueue


class Overloaded(Unavailable):
    """More is asked than can be done; the same request may be sent again a little later."""

    code = "gateway.overloaded"


class TooManyConnections(Refusal):
    """The user has as many live connections as one may have."""

    code = "gateway.too_many_connections"
    status = 429


class Admission:
    """Slots, given to tenants in turns."""

    def __init__(
        self, *, slots: int, tenant_slots: int, queue_length: int, queue_seconds: float
    ) -> None:
        self._slots = slots
        self._tenant_slots = min(tenant_slots, slots)
        self._seconds = queue_seconds
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue(queue_length)
        self._running: Counter[str] = Counter()
        self.at_work = 0

    @property
    def waiting(self) -> int:
        """How many requests are in the queue."""
        return len(self._queue)

    async def enter(self, tenant: str) -> None:
        """Take a slot, in turn. Refuses: Overloaded."""
        if self.at_work < self._slots and not self._queue and self._may_run(tenant):
            self._start(tenant)
            return
        await self._wait(tenant)

    def leave(self, tenant: str) -> None:
        """Give the slot to the next in turn."""
        self.at_work -= 1
        self._running[tenant] -= 1
        if not self._running[tenant]:
            del self._running[tenant]
        self._go_on()

    async def _wait(self, tenant: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        leaving = self._queue.push(tenant, turn)
        if leaving is not None and not leaving.done():
            leaving.set_exception(Overloaded(reason="queue_full", waiting=len(self._queue)))
        # Slots may be free although others wait: those of a tenant that has its share already.
        self._go_on()
        try:
            async with asyncio.timeout(self._seconds):
                await turn
        except TimeoutError:
            self._give_up(tenant, turn)
            raise Overloaded(reason="queue_wait", waiting=len(self._queue)) from None
        except asyncio.CancelledError:
            self._give_up(tenant, turn)
            raise

    def _give_up(self, tenant: str, turn: asyncio.Future[None]) -> None:
        if self._queue.discard(tenant, turn) or not turn.done() or turn.cancelled():
            return
        # The slot came in the same moment; it goes to the next.
        if turn.exception() is None:
            self.leave(tenant)

    def _go_on(self) -> None:
        while self.at_work < self._slots:
            turn = self._queue.pop(self._may_run)
            if turn is None:
                return
            tenant, waiting = turn
            if not waiting.done():
                self._start(tenant)
                waiting.set_result(None)

    def _start(self, tenant: str) -> None:
        self.at_work += 1
        self._running[tenant] += 1

    def _may_run(self, tenant: str) -> bool:
        return self._running[tenant] < self._tenant_slots


class LiveConnections:
    """Connections that stay open; they cost memory but no slot."""

    def __init__(self, *, most: int, most_of_user: int) -> None:
        self._most = most
        self._most_of_user = most_of_user
        self._open: Counter[str] = Counter()

    def enter(self, user: str) -> None:
        """Count a connection. Refuses: Overloaded, TooManyConnections."""
        if self._open.total() >= self._most:
            raise Overloaded(reason="live_connections", limit=self._most)
        if self._open[user] >= self._most_of_user:
            raise TooManyConnections(limit=self._most_of_user)
        self._open[user] += 1

    def leave(self, user: str) -> None:
        """A counted connection ended."""
        self._open[user] -= 1
        if not self._open[user]:
            del self._open[user]
