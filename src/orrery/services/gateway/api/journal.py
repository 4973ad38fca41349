"""What is noted of every request: one structured line, and how long the route took.

A line per request would cost more through the logging machinery than the rest of the door, so the
lines are made here and written together, at most a twentieth of a second late.
"""

import asyncio
import logging
import sys
from collections.abc import Callable

import orjson
from prometheus_client import Counter, Gauge, Histogram

from orrery.kernel import clock
from orrery.services.gateway.api.exchange import Exchange

FLUSH_SECONDS = 0.05
LINES_MAX = 500
# The client left before it was answered; nobody saw a status (the number is nginx's).
CLIENT_GONE = 499

SECONDS = Histogram(
    "orrery_gateway_request_seconds",
    "Time from the first byte in to the last byte out, by service, route and status.",
    ["service", "route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSED = Counter(
    "orrery_gateway_refused", "Requests that went no further than the door, by reason.", ["reason"]
)
AT_WORK = Gauge("orrery_gateway_at_work", "Requests that have a slot.")
WAITING = Gauge("orrery_gateway_waiting", "Requests in the fair queue.")


def to_stderr(text: bytes) -> None:
    """Where the house's logs go."""
    sys.stderr.buffer.write(text)
    sys.stderr.buffer.flush()


class Journal:
    """Writes the lines and counts the seconds."""

    def __init__(
        self, *, level: str, is_json: bool, write: Callable[[bytes], None] = to_stderr
    ) -> None:
        self._is_on = logging.getLevelName(level) <= logging.INFO
        self._is_json = is_json
        self._write = write
        self._lines: list[bytes] = []
        self._flush_at: asyncio.TimerHandle | None = None
        self._children: dict[tuple[object, int], Histogram] = {}

    def note(self, exchange: Exchange, ended: int) -> None:
        """Note an answered request; times are nanoseconds."""
        seconds = (ended - exchange.started) / 1e9
        self._child(exchange).observe(seconds)
        if self._is_on:
            self._lines.append(self._line(exchange, seconds))
            if len(self._lines) >= LINES_MAX:
                self.flush()
            elif self._flush_at is None:
                loop = asyncio.get_running_loop()
                self._flush_at = loop.call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what was noted."""
        if self._flush_at is not None:
            self._flush_at.cancel()
            self._flush_at = None
        lines, self._lines = self._lines, []
        if lines:
            self._write(b"".join(lines))

    def _child(self, exchange: Exchange) -> Histogram:
        route, status = exchange.route, exchange.status or CLIENT_GONE
        child = self._children.get((route, status))
        if child is None:
            # A path that is not published has no label of its own: strangers invent them freely.
            service = route.service if route else "gateway"
            template = route.template if route else "unmatched"
            method = route.method if route else "-"
            child = SECONDS.labels(service, template, method, str(status))
            self._children[(route, status)] = child
        return child

    def _line(self, exchange: Exchange, seconds: float) -> bytes:
        principal = exchange.principal
        told = {
            "timestamp": clock.now().isoformat(),
            "level": "info",
            "part": "gateway",
            "event": "request",
            "request_id": exchange.request_id.decode("latin-1"),
            "method": exchange.method,
            "path": exchange.path,
            "route": exchange.route.template if exchange.route else None,
            "status": exchange.status or CLIENT_GONE,
            "milliseconds": round(seconds * 1000, 2),
            "bytes": exchange.answer_bytes,
            "address": exchange.address,
            "tenant": principal.tenant if principal else None,
            "user": principal.user.partition(":")[2] if principal else None,
        }
        if self._is_json:
            return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)
        # The path is the client's text: written as JSON, it cannot forge a second line.
        path = orjson.dumps(exchange.path).decode()
        return (
            f"{told['timestamp']} [info] request {told['method']} {path} {told['status']}"
            f" {told['milliseconds']} ms tenant={told['tenant']} user={told['user']}"
            f" address={exchange.address} request_id={told['request_id']}\n"
        ).encode()
