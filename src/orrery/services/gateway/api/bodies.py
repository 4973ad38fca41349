"""Request bodies: their size, their pace, and who waits for a slow one."""

import asyncio
import time
from collections import deque
from collections.abc import MutableMapping
from typing import Any

from orrery.kernel.types.refusal import Refusal, TooLarge
from orrery.services.gateway.neighbours.forwarding import Receive

GONE: MutableMapping[str, Any] = {"type": "http.disconnect"}


class BodyTooSlow(Refusal):
    """The body did not come at a reasonable pace."""

    code = "gateway.body_too_slow"
    status = 408


class Body:
    """A body on its way in; what is wrong with it is kept in ``refusal``."""

    def __init__(
        self, receive: Receive, *, limit: int, pause_seconds: float, bytes_per_second: int
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._pause_seconds = pause_seconds
        self._pace = bytes_per_second
        self._held: deque[MutableMapping[str, Any]] = deque()
        self._size = 0
        self._started = time.monotonic()
        self._is_complete = False
        self.refusal: Refusal | None = None

    async def hold(self, most: int) -> None:
        """Read ahead, so that a small body is here before anybody waits for it."""
        while not self._is_complete and self._size < most and self.refusal is None:
            self._held.append(await self._next())

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message for the service."""
        if self._held:
            return self._held.popleft()
        # After the body comes nothing but the client's leaving, and that may take its time.
        return await (self._receive() if self._is_complete else self._next())

    async def _next(self) -> MutableMapping[str, Any]:
        if self.refusal is not None:
            return GONE
        try:
            async with asyncio.timeout(self._pause_seconds):
                message = await self._receive()
        except TimeoutError:
            return self._refuse(BodyTooSlow(pause_seconds=self._pause_seconds))
        if message["type"] == "http.disconnect":
            self._is_complete = True
            return message
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._size > self._limit:
            return self._refuse(TooLarge(limit=self._limit))
        # Whoever sends one byte now and then keeps the pauses short but never gets done.
        waited = time.monotonic() - self._started - self._pause_seconds
        if not self._is_complete and waited > 0 and self._size < waited * self._pace:
            return self._refuse(BodyTooSlow(bytes_per_second=self._pace))
        return message

    def _refuse(self, refusal: Refusal) -> MutableMapping[str, Any]:
        self.refusal = refusal
        self._is_complete = True
        self._held.clear()
        return GONE
