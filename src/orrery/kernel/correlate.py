"""The outermost layer of a service: the request id for logs and events, and the time it took."""

import time
from typing import Any

from orrery.kernel import log, metrics
from orrery.kernel.types.ids import new_id

MAX_ID = 64
# By this id an import finds what it did; nobody may slip in something of their own.
RESERVED = "import:"


def acceptable(value: str) -> bool:
    """Whether a request id from outside may go into logs: short, visible, no spaces, its own."""
    is_plain = value.isascii() and value.isprintable() and " " not in value
    return 0 < len(value) <= MAX_ID and is_plain and not value.startswith(RESERVED)


def request_id_of(scope: Any) -> str:
    """The request id that came with a request, or a fresh one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and acceptable(value.decode("latin-1")):
            return str(value.decode("latin-1"))
    return new_id().hex


class Correlate:
    """Pure ASGI: sets the request id and measures; costs a few microseconds."""

    def __init__(self, app: Any, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = request_id_of(scope)
        token = log.request_id.set(told)
        started, status = time.perf_counter(), 500

        async def measured_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", told.encode()))
            await send(message)

        try:
            await self._app(scope, receive, measured_send)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            metrics.REQUESTS.labels(self._service, route, scope["method"], status).observe(
                time.perf_counter() - started
            )
            log.request_id.reset(token)
