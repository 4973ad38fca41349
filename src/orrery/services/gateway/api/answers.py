"""What the door answers by itself, and what it adds to every answer."""

import asyncio
from contextlib import suppress
from typing import Any

from orrery.kernel import errors
from orrery.kernel.types.refusal import Refusal
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.neighbours.forwarding import Receive
from orrery.services.gateway.rules import headers as rules
from orrery.services.gateway.rules.headers import Header

SAID_BY_SERVICES = frozenset({b"content-security-policy", b"cache-control"})
# How long somebody who sends too much may go on sending after being told so.
LINGER_SECONDS = 2.0


class Answers:
    """Sends answers with the house's security headers."""

    def __init__(self, *, is_production: bool) -> None:
        self._security = rules.security(is_production=is_production)
        # A service may say these itself.
        self._usual = [
            (b"content-security-policy", rules.API_POLICY),
            (b"cache-control", b"no-store"),
        ]
        self._all = [*self._usual, *self._security]

    def head(self, exchange: Exchange, message: Any) -> Any:
        """A service's response head with what the door adds."""
        own = [header for header in message["headers"] if header[0] != b"x-request-id"]
        added = self._all
        said = [name for name, _ in own if name in SAID_BY_SERVICES]
        if said:
            added = [header for header in added if header[0] not in said]
        exchange.status = message["status"]
        told = (b"x-request-id", exchange.request_id)
        headers = [*own, *added, *exchange.extra, *exchange.always, told]
        return {**message, "headers": headers}

    async def refuse(
        self, exchange: Exchange, refusal: Refusal, *more: Header, unread: Receive | None = None
    ) -> None:
        """Say no, as problem+json; an ``unread`` body is let in for a while and thrown away."""
        response = errors.refusal_response(refusal)
        told = {name for name, _ in more} | {name for name, _ in exchange.extra}
        own = [header for header in response.raw_headers if header[0] not in told]
        content = bytes(response.body)
        await self._send(exchange, response.status_code, [*own, *more], content, unread)

    async def fail(self, exchange: Exchange) -> None:
        """Admit a bug of the door's own, without its traces."""
        response = errors.problem("kernel.bug", 500, {})
        await self._send(exchange, 500, list(response.raw_headers), bytes(response.body))

    async def give(
        self,
        exchange: Exchange,
        body: bytes,
        media: bytes,
        *more: Header,
        status: int = 200,
    ) -> None:
        """Answer with content of the door's own."""
        length = (b"content-length", b"%d" % len(body))
        await self._send(exchange, status, [(b"content-type", media), length, *more], body)

    async def _send(
        self,
        exchange: Exchange,
        status: int,
        headers: list[Header],
        body: bytes,
        unread: Receive | None = None,
    ) -> None:
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await exchange.send(self.head(exchange, start))
        shown = b"" if exchange.method == "HEAD" else body
        exchange.answer_bytes = len(shown)
        if unread is not None:
            # Hanging up on a client that still sends would destroy the answer before it is read.
            await exchange.send({"type": "http.response.body", "body": shown, "more_body": True})
            await _drain(unread)
            shown = b""
        exchange.is_complete = True
        await exchange.send({"type": "http.response.body", "body": shown})


async def _drain(unread: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await unread()).get("more_body"):
                pass
