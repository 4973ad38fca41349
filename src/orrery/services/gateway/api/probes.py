"""Health and figures: for load balancers, for Prometheus, not for the public."""

import asyncio
import hmac
import time
from ipaddress import ip_address
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from orrery.kernel.types.refusal import NotFound
from orrery.services.gateway import queries
from orrery.services.gateway.api.admission import Admission
from orrery.services.gateway.api.answers import Answers
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.api.journal import AT_WORK, WAITING
from orrery.services.gateway.neighbours import health
from orrery.services.gateway.neighbours.forwarding import Forwarder

JSON = b"application/json"
# Anybody may ask; the neighbours are asked once in this time.
READY_SECONDS = 1.0


class Probes:
    """Answers /health/live, /health/ready and /metrics."""

    def __init__(
        self,
        host: Any,
        answers: Answers,
        forwarder: Forwarder,
        admission: Admission,
        token: str | None,
    ) -> None:
        self._host = host
        self._answers = answers
        self._forwarder = forwarder
        self._admission = admission
        self.token = token
        self._asked: asyncio.Task[dict[str, Any]] | None = None
        self._asked_at = -READY_SECONDS

    async def live(self, exchange: Exchange) -> None:
        """Whether this process runs."""
        await self._answers.give(exchange, b'{"status":"live"}', JSON)

    async def ready(self, exchange: Exchange) -> None:
        """Whether requests can be served: the database and every neighbour, with its state."""
        told = await self._state()
        status = 503 if told["status"] == "unready" else 200
        await self._answers.give(exchange, orjson.dumps(told), JSON, status=status)

    async def metrics(self, exchange: Exchange) -> None:
        """Figures for Prometheus: from this machine, or with the token. Refuses: NotFound."""
        if not self._may_see_metrics(exchange):
            # Who may not see the figures need not know that they are here.
            raise NotFound(path=exchange.path)
        AT_WORK.set(self._admission.at_work)
        WAITING.set(self._admission.waiting)
        await self._answers.give(exchange, generate_latest(), CONTENT_TYPE_LATEST.encode())

    def _may_see_metrics(self, exchange: Exchange) -> bool:
        sent = (exchange.told(b"authorization") or "").removeprefix("Bearer ")
        if self.token and hmac.compare_digest(sent.encode(), self.token.encode()):
            return True
        # Behind a proxy of this machine everybody would come from this machine.
        is_passed_on = b"x-forwarded-for" in exchange.taken or b"forwarded" in exchange.taken
        client = exchange.scope.get("client") or ("", 0)
        return not is_passed_on and _is_loopback(client[0])

    async def _state(self) -> dict[str, Any]:
        now = time.monotonic()
        if self._asked is None or now - self._asked_at >= READY_SECONDS:
            self._asked, self._asked_at = asyncio.create_task(self._ask()), now
        return await asyncio.shield(self._asked)

    async def _ask(self) -> dict[str, Any]:
        services = self._host.runtime.services
        names = [name for name, service in services.items() if not service.is_gateway]
        database, *states = await asyncio.gather(
            queries.database_state(self._host),
            *(health.state_of(self._host.runtime.directory, name) for name in names),
        )
        told = dict(zip(names, states, strict=True))
        breakers = {name: self._forwarder.breaker(name).state for name in names}
        # Without the database and without sign-in nothing works; the rest may be down one by one.
        needed = [name for name in names if services[name].issuer is not None]
        is_ready = database == "up" and all(told[name] == "up" for name in needed)
        is_whole = is_ready and all(state == "up" for state in states)
        return {
            "status": "ready" if is_whole else "degraded" if is_ready else "unready",
            "database": database,
            "services": {name: {"state": told[name], "breaker": breakers[name]} for name in names},
        }


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
