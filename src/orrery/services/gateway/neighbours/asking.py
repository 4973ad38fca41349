"""Questions of the gateway's own: about credentials, and for views composed of several answers."""

import asyncio
from typing import Any

import orjson

from orrery.kernel.caller import service_caller
from orrery.kernel.neighbours import NeighbourRefused
from orrery.kernel.types.refusal import NotFound, Refusal, Unauthenticated, Unavailable
from orrery.services.gateway.neighbours.forwarding import Forwarder

RESOLVE = "/internal/identity/resolve"
ANSWER_BYTES_MAX = 20_000_000
# The reader of a composed view waits for the slowest part of it; rather without that part.
TIMEOUT_SECONDS = 5.0


async def resolve(
    host: Any, *, kind: str, credential: str, tenant: str, address: str, device: str | None
) -> dict[str, Any]:
    """What identity says of a session or API token. Refuses: Unauthenticated, Unavailable."""
    caller = service_caller(tenant, "gateway", behalf=None, request_id="-")
    question = {"kind": kind, "credential": credential, "address": address, "device": device}
    try:
        answer: dict[str, Any] = await host.neighbour("identity", caller).post(
            RESOLVE, json=question
        )
    except NotFound as refusal:
        raise Unauthenticated(reason=f"unknown_{kind}") from refusal
    except NeighbourRefused as refusal:
        if refusal.facts["status"] == 401:
            raise Unauthenticated(reason=f"invalid_{kind}") from refusal
        raise
    return answer


class Refused(Exception):
    """A service understood the question and said no."""

    def __init__(self, status: int, media: bytes, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.media = media
        self.body = body


class Asker:
    """Asks services in a caller's name, for a view composed of several answers."""

    def __init__(self, forwarder: Forwarder, *, authorization: bytes, request_id: bytes) -> None:
        self._forwarder = forwarder
        self._headers = [
            (b"accept", b"application/json"),
            (b"authorization", authorization),
            (b"x-request-id", request_id),
        ]

    async def get(self, service: str, path: str, query: bytes) -> Any:
        """The JSON of a GET. Refuses: Refused, Unavailable."""
        full = f"/api/v1/{service}{path}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": full,
            "raw_path": full.encode(),
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", b"gateway"), *self._headers],
            "client": None,
            "server": None,
            "state": {},
        }
        answer = _Answer(service)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._forwarder.forward(service, scope, answer.receive, answer.take)
        except Refusal:
            raise
        except Exception as error:
            # A service of this process that failed has logged why; what counts is that it did.
            raise Unavailable(service=service, reason=type(error).__name__) from error
        if answer.status >= 500:
            raise Unavailable(service=service, reason=f"answered_{answer.status}")
        if answer.status >= 400:
            raise Refused(answer.status, answer.media, bytes(answer.body))
        return orjson.loads(bytes(answer.body))


class _Answer:
    """Plays the client: sends an empty body and collects what a service answers."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._is_sent = False
        self.status = 0
        self.media = b""
        self.body = bytearray()

    async def receive(self) -> dict[str, Any]:
        """An empty body, and then nothing: this client stays to the end."""
        if self._is_sent:
            await asyncio.Event().wait()
        self._is_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(self, message: Any) -> None:
        """Keep a piece of the answer. Refuses: Unavailable."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media = dict(message["headers"]).get(b"content-type", b"application/json")
            return
        self.body += message.get("body", b"")
        if len(self.body) > ANSWER_BYTES_MAX:
            raise Unavailable(service=self._service, reason="answer_too_large")
