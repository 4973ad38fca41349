"""The way through the door: who calls, how often, how much, in what order, and on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from orrery.kernel.types.refusal import Refusal, TooLarge, Unauthenticated
from orrery.services.gateway.api.admission import Admission, LiveConnections
from orrery.services.gateway.api.answers import Answers
from orrery.services.gateway.api.bodies import Body
from orrery.services.gateway.api.credentials import Credentials, Principal
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.neighbours.forwarding import Forwarder, Receive
from orrery.services.gateway.rules import csrf
from orrery.services.gateway.rules.limits import Bucket, Limiter, Rate
from orrery.services.gateway.rules.routes import Declared, Pace
from orrery.services.gateway.settings import Settings

# Whoever has not proved who they are waits in one line, however many addresses they have.
ANONYMOUS = "@anonymous"
# More waiting refusals than this would cost more memory than their haste costs time.
PAUSED_MAX = 5_000


class TooManyRequests(Refusal):
    """A rate limit is used up; Retry-After says when there is room again."""

    code = "gateway.too_many_requests"
    status = 429


class TimedOut(Refusal):
    """The service did not finish in the time that a request may take."""

    code = "gateway.timed_out"
    status = 504


class Passage:
    """Checks a request, waits for its turn and hands it to its service."""

    def __init__(
        self,
        settings: Settings,
        *,
        answers: Answers,
        credentials: Credentials,
        limiter: Limiter,
        admission: Admission,
        forwarder: Forwarder,
        issuers: set[str],
    ) -> None:
        self._settings = settings
        self._answers = answers
        self._credentials = credentials
        self._limiter = limiter
        self._admission = admission
        self._forwarder = forwarder
        self._issuers = issuers
        self._paused = 0
        self._allowed = frozenset(split(settings.allowed_origins))
        self._address_rate = Rate(settings.address_per_minute)
        self._sign_in_rate = Rate(settings.sign_in_per_minute)
        self._seconds: dict[Pace, float | None] = {
            "normal": settings.request_seconds,
            "import": settings.import_seconds,
            "export": None,
            "live": None,
        }
        self._open: dict[Pace, LiveConnections] = {
            "live": LiveConnections(
                most=settings.live_connections, most_of_user=settings.live_connections_of_user
            ),
            "export": LiveConnections(most=settings.exports, most_of_user=settings.exports_of_user),
        }

    async def admit(self, exchange: Exchange, route: Declared) -> Principal | None:
        """Who calls, within their rates. Refuses: Unauthenticated, CrossSite, TooManyRequests."""
        principal = await self._identify(exchange, route)
        exchange.principal = principal
        if principal is None:
            buckets: tuple[Bucket, ...] = (self._of_address(exchange),)
        else:
            buckets = principal.buckets
        if route.meter == "sign_in":
            key = f"sign_in:{exchange.address}"
            buckets = (*buckets, Bucket.of(key, self._sign_in_rate))
        await self._take(exchange, buckets)
        if principal is None and route.auth != "public":
            raise Unauthenticated(reason="no_credentials")
        return principal

    async def through(self, exchange: Exchange, route: Declared, receive: Receive) -> None:
        """Let the route's service answer. Refuses: what the door refuses, and Unavailable."""
        principal = await self.admit(exchange, route)
        body = await self._body(exchange, route, receive)
        inward = exchange.inward(
            principal.authorization if principal else None,
            keeps_cookie=route.service in self._issuers,
        )
        try:
            work = self._forward(exchange, route, inward, receive, body)
            await self.in_turn(principal, route.pace, work)
        finally:
            # Whatever the service made of a body that broke off, this is why it did.
            if body is not None and body.refusal is not None:
                raise body.refusal
        if principal is not None and self._may_end_sessions(exchange, route):
            self._credentials.forget(principal.tenant)

    async def in_turn(
        self, principal: Principal | None, pace: Pace, work: Coroutine[Any, Any, None]
    ) -> None:
        """Do work in a slot, or for what lasts in a place of its kind. Refuses: Overloaded."""
        held = self._open.get(pace)
        tenant = principal.tenant if principal else ANONYMOUS
        try:
            if held is None:
                await self._admission.enter(tenant)
            else:
                held.enter(principal.user if principal else ANONYMOUS)
        except BaseException:
            work.close()
            raise
        try:
            await work
        finally:
            if held is None:
                self._admission.leave(tenant)
            else:
                held.leave(principal.user if principal else ANONYMOUS)

    async def _identify(self, exchange: Exchange, route: Declared) -> Principal | None:
        is_change = exchange.method not in csrf.SAFE_METHODS
        presented = self._credentials.presented(exchange)
        if is_change and (presented is None or presented[0] == "session"):
            # Also where nobody is signed in yet: another site may not sign its visitors in here.
            csrf.check_origin(
                origin=exchange.told(b"origin"),
                site=exchange.told(b"sec-fetch-site"),
                host=exchange.told(b"host") or "",
                allowed=self._allowed,
            )
        # A public route needs nobody; an old cookie must not keep anyone from signing in anew.
        if route.auth == "public" or presented is None:
            return None
        kind, text = presented
        if not self._credentials.is_remembered(kind, text):
            await self._take(exchange, (self._of_address(exchange),))
        return await self._credentials.resolve(exchange, kind, text)

    def _of_address(self, exchange: Exchange) -> Bucket:
        return Bucket.of(f"address:{exchange.address}", self._address_rate)

    async def _take(self, exchange: Exchange, buckets: tuple[Bucket, ...]) -> None:
        verdict = await self._limiter.take(buckets, time.monotonic_ns())
        exchange.extra = verdict.headers()
        if not verdict.is_allowed:
            await self._pause()
            limited = verdict.key.partition(":")[0]
            raise TooManyRequests(
                limited=limited, limit=verdict.limit, retry_seconds=verdict.retry_seconds
            )

    async def _pause(self) -> None:
        """Keep somebody over a limit waiting for a moment, without a slot.

        A client that asks again at once would otherwise take the time of the others (GW-2).
        """
        if self._paused >= PAUSED_MAX:
            return
        self._paused += 1
        try:
            await asyncio.sleep(self._settings.refused_seconds)
        finally:
            self._paused -= 1

    async def _body(self, exchange: Exchange, route: Declared, receive: Receive) -> Body | None:
        if exchange.length == 0:
            return None
        settings = self._settings
        limit = settings.import_bytes if route.pace == "import" else settings.body_bytes
        if exchange.length > limit:
            raise TooLarge(limit=limit)
        body = Body(
            receive,
            limit=limit,
            pause_seconds=settings.pause_seconds,
            bytes_per_second=settings.body_bytes_per_second,
        )
        await body.hold(settings.held_bytes)
        if body.refusal is not None:
            raise body.refusal
        return body

    async def _forward(
        self,
        exchange: Exchange,
        route: Declared,
        inward: MutableMapping[str, Any],
        receive: Receive,
        body: Body | None,
    ) -> None:
        send = self._passing(exchange, body)
        passed_on = self._forwarder.forward(
            route.service,
            inward,
            receive if body is None else body.receive,
            send,
            is_long=route.pace in self._open,
        )
        seconds = self._seconds[route.pace]
        if seconds is None:
            await passed_on
            return
        try:
            async with asyncio.timeout(seconds) as limit:
                await passed_on
        except TimeoutError:
            if not limit.expired() or exchange.status:
                raise
            raise TimedOut(service=route.service, seconds=int(seconds)) from None

    def _passing(
        self, exchange: Exchange, body: Body | None
    ) -> Callable[[MutableMapping[str, Any]], Awaitable[None]]:
        """The service's way to the client, past the door's own headers."""
        head, send = self._answers.head, exchange.send

        async def passing(message: MutableMapping[str, Any]) -> None:
            if body is not None and body.refusal is not None:
                # The service saw the body break off; what it says about that is not the reason.
                return
            if message["type"] == "http.response.start":
                message = head(exchange, message)
            else:
                exchange.answer_bytes += len(message.get("body", b""))
                exchange.is_complete = not message.get("more_body", False)
            await send(message)

        return passing

    def _may_end_sessions(self, exchange: Exchange, route: Declared) -> bool:
        is_change = exchange.method not in csrf.SAFE_METHODS
        return is_change and route.service in self._issuers and exchange.status < 400


def split(text: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in text.split(",") if part.strip()]
