"""Passing requests on: directly to an app of this process, or streamed over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, cast

import httpx2

from orrery.kernel.neighbours import BREAKER_FAILURES, BREAKER_SECONDS, Directory
from orrery.kernel.types.refusal import Malformed, Unavailable
from orrery.services.gateway.rules.breaker import Breaker

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONNECT_SECONDS = 2.0
CONNECTIONS_MAX = 256
# Shorter than uvicorn's five seconds, so that we are the ones who hang up.
KEEPALIVE_SECONDS = 3.0
# They describe one connection and end with it (RFC 9110 section 7.6.1).
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)

# The server that answers the client says these itself.
OURS = HOP_BY_HOP | {b"date", b"server"}
BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
# The client's framing stays (the body is passed on as it came), the rest is this connection's.
REPLACED = HOP_BY_HOP - BODY_HEADERS | {b"host"}


class ClientGone(Exception):
    """The client left before its request was complete."""


class Forwarder:
    """Hands a request to the service that owns its path."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._transport: httpx2.AsyncHTTPTransport | None = None
        self._addresses: dict[str, httpx2.URL] = {}
        self._breakers: dict[str, Breaker] = {}

    def breaker(self, service: str) -> Breaker:
        """The breaker of a service."""
        if service not in self._breakers:
            self._breakers[service] = Breaker(
                service, failures=BREAKER_FAILURES, pause=int(BREAKER_SECONDS * 1e9)
            )
        return self._breakers[service]

    async def forward(
        self, service: str, scope: Scope, receive: Receive, send: Send, *, is_long: bool = False
    ) -> None:
        """Let a service answer. Refuses: Unavailable, which names the service (GW-3)."""
        place = self._directory.route(service)
        if place is None:
            raise Unavailable(service=service, reason="unknown_address")
        if not isinstance(place, str):
            await place(scope, receive, send)
            return
        response = await self._open(service, place, scope, receive)
        try:
            if is_long:
                await _pass_while_wanted(response, receive, send)
            else:
                await _pass(response, send)
        except httpx2.TransportError as error:
            raise Unavailable(service=service, reason="broke_off") from error
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close connections."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _open(
        self, service: str, place: str, scope: Scope, receive: Receive
    ) -> httpx2.Response:
        """Send the request and wait for the head of the answer."""
        has_body = any(name in BODY_HEADERS for name, _ in scope["headers"])
        # A kept connection may be closed under our hands; what changes nothing is sent again.
        tries = 2 if scope["method"] in ("GET", "HEAD") and not has_body else 1
        while True:
            body = _Body(receive) if has_body else httpx2.ByteStream(b"")
            tries -= 1
            try:
                return await self._attempt(service, self._request(place, scope, body))
            except httpx2.LocalProtocolError as error:
                raise Malformed(reason="not_http") from error
            except httpx2.TransportError as error:
                if tries == 0:
                    raise Unavailable(service=service, reason=type(error).__name__) from error

    async def _attempt(self, service: str, request: httpx2.Request) -> httpx2.Response:
        breaker = self.breaker(service)
        breaker.enter(time.monotonic_ns())
        try:
            response = await self._reached().handle_async_request(request)
        except (httpx2.LocalProtocolError, httpx2.PoolTimeout, ClientGone):
            # What a client wrote, our own crowd, a client that left: not the service's doing.
            breaker.abandoned()
            raise
        except (httpx2.TransportError, asyncio.CancelledError):
            # Cancelled is who waited for longer than a request may take.
            breaker.failed(time.monotonic_ns())
            raise
        except BaseException:
            breaker.abandoned()
            raise
        breaker.succeeded()
        return response

    def _reached(self) -> httpx2.AsyncHTTPTransport:
        # The transport without the client around it: redirects, cookies and hooks are not ours.
        if self._transport is None:
            limits = httpx2.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=CONNECTIONS_MAX,
                keepalive_expiry=KEEPALIVE_SECONDS,
            )
            self._transport = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)
        return self._transport

    def _request(self, place: str, scope: Scope, body: Any) -> httpx2.Request:
        address = self._addresses.get(place)
        if address is None:
            address = self._addresses[place] = httpx2.URL(place)
        target = scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        try:
            url = address.copy_with(raw_path=target)
        except (httpx2.InvalidURL, ValueError) as error:
            raise Malformed(reason="not_a_url") from error
        kept = [header for header in scope["headers"] if header[0] not in REPLACED]
        return httpx2.Request(
            scope["method"],
            url,
            headers=[(b"host", address.netloc), *kept],
            stream=body,
            # Waiting for the answer is bounded by the door, which knows what is asked.
            extensions={"timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS}},
        )


class _Body(httpx2.AsyncByteStream):
    """The client's body, piece by piece."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return


async def _pass(response: httpx2.Response, send: Send) -> None:
    """Pass the answer on as it comes."""
    headers = [(name.lower(), value) for name, value in response.headers.raw]
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [header for header in headers if header[0] not in OURS],
        }
    )
    async for piece in cast(httpx2.AsyncByteStream, response.stream):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _pass_while_wanted(response: httpx2.Response, receive: Receive, send: Send) -> None:
    """Pass on an answer that may never end, and stop when the client leaves."""
    passing = asyncio.create_task(_pass(response, send))
    leaving = asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (passing, leaving):
            task.cancel()
        outcomes = await asyncio.gather(passing, leaving, return_exceptions=True)
    if isinstance(outcomes[0], Exception):
        raise outcomes[0]


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
