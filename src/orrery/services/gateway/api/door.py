"""The door: every request from outside passes here, and only what is published goes on."""

import time
from ipaddress import ip_network
from typing import Any

import orjson

from orrery.kernel import log
from orrery.kernel.types.refusal import NotFound, Refusal, TooLarge
from orrery.services.gateway import queries
from orrery.services.gateway.api.admission import Admission
from orrery.services.gateway.api.answers import Answers
from orrery.services.gateway.api.credentials import Credentials, Rates
from orrery.services.gateway.api.cross_origin import CrossOrigin
from orrery.services.gateway.api.documents import VIEW
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.api.journal import REFUSED, Journal
from orrery.services.gateway.api.library import Library
from orrery.services.gateway.api.pages import Pages
from orrery.services.gateway.api.passage import Passage, split
from orrery.services.gateway.api.probes import JSON, Probes
from orrery.services.gateway.neighbours.asking import Asker, Refused
from orrery.services.gateway.neighbours.forwarding import (
    ClientGone,
    Forwarder,
    Receive,
    Scope,
    Send,
)
from orrery.services.gateway.rules.limits import MemoryLimiter, Rate
from orrery.services.gateway.rules.paths import is_strange
from orrery.services.gateway.rules.routes import Declared
from orrery.services.gateway.settings import Settings

logger = log.logger("gateway")
# Probes are never refused for being frequent: a load balancer would take that for being down.
PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
GOING_AWAY = 1001


class MethodNotAllowed(Refusal):
    """The path exists, but not with this method."""

    code = "gateway.method_not_allowed"
    status = 405


class HeadersTooLarge(Refusal):
    """The headers are larger than the limit named in the facts."""

    code = "gateway.headers_too_large"
    status = 431


class Door:
    """The gateway as an ASGI application."""

    def __init__(self, host: Any) -> None:
        self._host = host
        house, settings = host.runtime.settings, host.settings_of(Settings)
        is_production = house.environment not in ("development", "test")
        self._header_bytes = settings.header_bytes
        self._proxies = [ip_network(proxy) for proxy in split(settings.trusted_proxies)]
        self._answers = Answers(is_production=is_production)
        self._library = Library(host, settings)
        self.forwarder = Forwarder(host.runtime.directory)
        self._cross_origin = CrossOrigin(split(settings.allowed_origins))
        self._pages = Pages(self._answers)
        self.journal = Journal(level=house.log_level, is_json=house.log_format == "json")
        admission = Admission(
            slots=settings.slots,
            tenant_slots=settings.tenant_slots,
            queue_length=settings.queue_length,
            queue_seconds=settings.queue_seconds,
        )
        self._passage = Passage(
            settings,
            answers=self._answers,
            credentials=_credentials(host, settings),
            limiter=MemoryLimiter(),
            admission=admission,
            forwarder=self.forwarder,
            issuers=self._library.issuers,
        )
        token = house.metrics_token.get_secret_value() if house.metrics_token else None
        self.probes = Probes(host, self._answers, self.forwarder, admission, token)
        self._own = {
            "/": self._pages.welcome,
            "/docs": self._docs,
            "/openapi.json": self._openapi,
            "/health/live": self.probes.live,
            "/health/ready": self.probes.ready,
            "/metrics": self.probes.metrics,
            VIEW: self._view,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            # Live updates are server-sent events; there is nothing here to upgrade to.
            await receive()
            await send({"type": "websocket.close", "code": GOING_AWAY})

    async def close(self) -> None:
        """Close connections to the services and write the last lines."""
        self.journal.flush()
        await self.forwarder.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, send, time.perf_counter_ns())
        exchange.find_address(self._proxies)
        known = log.request_id.set(exchange.request_id.decode("latin-1"))
        try:
            await self._guarded(exchange, receive)
        finally:
            self.journal.note(exchange, time.perf_counter_ns())
            log.request_id.reset(known)

    async def _guarded(self, exchange: Exchange, receive: Receive) -> None:
        """Whatever goes wrong becomes an answer, or an answer that visibly breaks off."""
        try:
            await self._dispatch(exchange, receive)
        except Refusal as refusal:
            REFUSED.labels(refusal.code).inc()
            if exchange.status:
                raise
            unread = receive if isinstance(refusal, TooLarge) else None
            await self._answers.refuse(exchange, refusal, *_more(refusal), unread=unread)
        except ClientGone:
            return
        except Exception as error:
            if exchange.is_complete:
                # The service told its client already, and its log the reason.
                return
            if exchange.status:
                raise
            logger.error("bug", path=exchange.path, exc_info=error)
            await self._answers.fail(exchange)

    async def _dispatch(self, exchange: Exchange, receive: Receive) -> None:
        if exchange.size > self._header_bytes:
            raise HeadersTooLarge(limit=self._header_bytes)
        if self._cross_origin.is_on and await self._cross_origin.answer(exchange):
            return
        if is_strange(exchange.path):
            raise NotFound(path=exchange.path)
        found = self._library.table.find(_read_as(exchange.method), exchange.path)
        if not isinstance(found, Declared):
            raise self._unknown(exchange, found)
        exchange.route = found
        own = self._own.get(exchange.path)
        if own is None:
            await self._passage.through(exchange, found, receive)
            return
        if exchange.path not in PROBES:
            await self._passage.admit(exchange, found)
        await own(exchange)

    def _unknown(self, exchange: Exchange, methods: frozenset[str]) -> Refusal:
        if not methods:
            return NotFound(path=exchange.path)
        exchange.extra = [(b"allow", ", ".join(sorted(methods)).encode())]
        return MethodNotAllowed(method=exchange.method, allowed=sorted(methods))

    async def _docs(self, exchange: Exchange) -> None:
        document, _, _ = await self._library.document()
        await self._pages.docs(exchange, document)

    async def _openapi(self, exchange: Exchange) -> None:
        _, content, tag = await self._library.document()
        fresh = [(b"etag", tag.encode()), (b"cache-control", b"no-cache")]
        if exchange.header(b"if-none-match") == tag:
            await self._answers.give(exchange, b"", JSON, *fresh, status=304)
        else:
            await self._answers.give(exchange, content, JSON, *fresh)

    async def _view(self, exchange: Exchange) -> None:
        """Assets with their owners, composed in the caller's name."""
        principal = exchange.principal
        asker = Asker(
            self.forwarder,
            authorization=principal.authorization,
            request_id=exchange.request_id,
        )
        await self._passage.in_turn(principal, "normal", self._compose(exchange, asker))

    async def _compose(self, exchange: Exchange, asker: Asker) -> None:
        try:
            page = await queries.assets_with_owners(asker, exchange.scope["query_string"])
        except Refused as refused:
            await self._answers.give(exchange, refused.body, refused.media, status=refused.status)
        else:
            await self._answers.give(exchange, orjson.dumps(page), JSON)


def _credentials(host: Any, settings: Settings) -> Credentials:
    return Credentials(
        host,
        rates=Rates(
            tenant=Rate(settings.tenant_per_minute),
            user=Rate(settings.user_per_minute),
            key=Rate(settings.key_per_minute),
        ),
        seconds=settings.credential_seconds,
        secret=host.runtime.settings.secret_key.get_secret_value(),
    )


def _read_as(method: str) -> str:
    """HEAD is answered where GET is."""
    return "GET" if method == "HEAD" else method


def _more(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """What a refusal needs beside its body."""
    if refusal.status in (408, 413, 431):
        # The rest of the body is not read, so the connection cannot be used again.
        return [(b"connection", b"close")]
    return []
