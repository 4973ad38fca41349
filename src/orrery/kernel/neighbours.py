"""Questions between services: over ASGI in one process, over HTTP between processes, same code.

Time-outs, retries with jitter for calls that may be repeated, and a circuit breaker per neighbour;
a service may ask only those that its manifest names.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import stamina
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from orrery.kernel import log
from orrery.kernel.caller import Caller, sign_service_token
from orrery.kernel.types.refusal import Malformed, NotFound, Refusal, Unavailable

# A neighbour that takes longer is as good as down for the one who waits (STYLE rule 12).
TIMEOUT_SECONDS = 2.0
TRIES = 3
BREAKER_FAILURES = 5
BREAKER_SECONDS = 10.0
MAX_ANSWER_BYTES = 20_000_000


class NeighbourNotDeclared(RuntimeError):
    """A service asked a neighbour that its manifest does not name."""


class NeighbourRefused(Refusal):
    """The neighbour understood the question and said no."""

    code = "kernel.neighbour_refused"


class _Trouble(Exception):
    """The neighbour did not answer, or with a server's error."""


class Directory:
    """Where services are: an app of this process, or an address (static or a DNS pattern)."""

    def __init__(self, addresses: str) -> None:
        self._apps: dict[str, Any] = {}
        self._addresses: dict[str, str] = {}
        self._pattern = ""
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=BREAKER_FAILURES, default_ttl=BREAKER_SECONDS
        )
        for part in filter(None, (p.strip() for p in addresses.split(","))):
            name, equals, address = part.partition("=")
            if equals:
                self._addresses[name] = address.rstrip("/")
            else:
                self._pattern = part.rstrip("/")

    def serve(self, service: str, app: Any) -> None:
        """Let a service of this process be called without a network."""
        self._apps[service] = app
        self._clients.pop(service, None)

    def route(self, service: str) -> Any | str | None:
        """The service's ASGI app, its base URL, or None when nobody knows it."""
        if service in self._apps:
            return self._apps[service]
        if service in self._addresses:
            return self._addresses[service]
        return self._pattern.replace("{service}", service) or None

    def client(self, service: str) -> httpx2.AsyncClient:
        """An HTTP client that reaches the service."""
        if service not in self._clients:
            place = self.route(service)
            if place is None:
                raise Unavailable(service=service, reason="unknown_address")
            transport = None
            if not isinstance(place, str):
                # Its bug is its own: a 500, as over a network, and not our exception.
                transport = httpx2.ASGITransport(app=place, raise_app_exceptions=False)
            self._clients[service] = httpx2.AsyncClient(
                transport=transport,
                base_url=place if isinstance(place, str) else f"http://{service}",
                timeout=TIMEOUT_SECONDS,
            )
        return self._clients[service]

    async def breaker(self, service: str) -> Any:
        """The breaker that opens after repeated failures of a service."""
        return await self._breakers.get_breaker(service)

    async def close(self) -> None:
        """Close connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


class Neighbour:
    """One neighbour, asked on behalf of a caller."""

    def __init__(
        self, directory: Directory, *, asking: str, service: str, caller: Caller, key: str
    ) -> None:
        self._directory = directory
        self._asking = asking
        self._service = service
        self._caller = caller
        self._key = key

    async def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """Ask; tried again with jitter when there is no answer. Refuses: Unavailable."""
        for attempt in stamina.retry_context(
            on=_Trouble,
            attempts=TRIES,
            wait_initial=0.05,
            wait_max=0.4,
            wait_jitter=0.1,
            timeout=None,
        ):
            with attempt:
                try:
                    response = await self._send("GET", path, params=params)
                except _Trouble as trouble:
                    if attempt.num >= TRIES:
                        raise Unavailable(service=self._service, reason=str(trouble)) from trouble
                    raise
                return self._answer(response)
        raise Unavailable(service=self._service)

    async def content(self, path: str) -> bytes:
        """Fetch bytes, such as a PDF. Refuses: Unavailable, TooLarge."""
        try:
            response = await self._send("GET", path)
        except _Trouble as trouble:
            raise Unavailable(service=self._service, reason=str(trouble)) from trouble
        if response.status_code >= 400:
            self._answer(response)
        if len(response.content) > MAX_ANSWER_BYTES:
            raise Malformed(service=self._service, reason="answer_too_large")
        return response.content

    async def post(self, path: str, *, json: Any, key: str | None = None) -> Any:
        """Tell; not tried again unless an idempotency key makes that safe. Refuses: Unavailable."""
        tries = TRIES if key else 1
        headers = {"Idempotency-Key": key} if key else {}
        for number in range(1, tries + 1):
            try:
                return self._answer(await self._send("POST", path, json=json, headers=headers))
            except _Trouble as trouble:
                if number == tries:
                    raise Unavailable(service=self._service, reason=str(trouble)) from trouble
        raise Unavailable(service=self._service)

    async def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        full = path if path.startswith("/internal/") else f"/api/v1/{self._service}{path}"
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "X-Request-ID": log.request_id.get(),
            **options.pop("headers", {}),
        }
        try:
            async with await self._directory.breaker(self._service):
                try:
                    # The client's own time-out is for each byte, and none for an app in here.
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        response = await self._directory.client(self._service).request(
                            method, full, headers=headers, **options
                        )
                except (httpx2.TransportError, OSError) as error:
                    raise _Trouble(type(error).__name__) from error
                if response.status_code in (502, 503, 504) or response.status_code == 500:
                    raise _Trouble(f"answered {response.status_code}")
                return response
        except OpenedState as opened:
            raise _Trouble("breaker_open") from opened

    def _token(self) -> str:
        return sign_service_token(
            self._key,
            service=self._asking,
            tenant=self._caller.tenant,
            behalf=self._caller.on_behalf_of or self._caller.actor,
        )

    def _answer(self, response: httpx2.Response) -> Any:
        if response.status_code < 400:
            return response.json() if response.content else None
        told = response.json() if "json" in response.headers.get("content-type", "") else {}
        if response.status_code == 404:
            raise NotFound(service=self._service, **told.get("facts", {}))
        raise NeighbourRefused(
            service=self._service,
            status=response.status_code,
            refused=told.get("code"),
            because=told.get("facts"),
        )
