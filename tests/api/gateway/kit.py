"""A gateway before real services, in one process or split over HTTP, for the tests here."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal

import httpx2
import uvicorn

from orrery.kernel import settings, testing
from orrery.kernel.runtime import Host, Runtime
from orrery.kernel.service import Service, discover
from orrery.kernel.types.permission import Scope
from orrery.platform.process import Door as ServicesDoor
from orrery.services.gateway.api.door import Door
from orrery.services.gateway.service import SERVICE
from orrery.services.gateway.settings import Settings
from tests.api.gateway import upstream

Mode = Literal["together", "split"]
MODES: tuple[Mode, ...] = ("together", "split")


class Configured(Host):
    """A host whose gateway has the settings of a test."""

    def __init__(self, runtime: Runtime, chosen: Settings) -> None:
        super().__init__(runtime, SERVICE)
        self._chosen = chosen

    def settings_of(self, kind: type[Any]) -> Any:
        return self._chosen if kind is Settings else super().settings_of(kind)


class World:
    """A gateway at an address, and what is behind it."""

    def __init__(self, door: Door, house: testing.House, seen: upstream.Seen, url: str) -> None:
        self.door = door
        self.house = house
        self.seen = seen
        self.url = url

    def client(
        self, grants: Mapping[str, Scope] | None = None, *, tenant: str = "acme", **claims: Any
    ) -> httpx2.AsyncClient:
        """A client on a real connection; without grants it brings no token."""
        headers = {}
        if grants is not None:
            token = self.house.token(grants, tenant=tenant, **claims)
            headers["Authorization"] = f"Bearer {token}"
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection, for what no client would send."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return await asyncio.open_connection(host, int(port))


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """A real server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            # As the house's own processes: who the client is, the gateway finds out itself.
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[free]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has a flag, not an event
            await asyncio.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await serving


def services(seen: upstream.Seen) -> dict[str, Service]:
    """Identity and organization as they are, and services with awkward manners."""
    made = [upstream.service(seen), upstream.assets(seen), upstream.people(seen)]
    found = discover(only=["gateway", "identity", "organization"])
    return dict(sorted((found | {service.name: service for service in made}).items()))


@asynccontextmanager
async def world(
    database: str,
    mode: Mode = "together",
    *,
    neighbours: str | None = None,
    environment: str = "test",
    **changes: Any,
) -> AsyncIterator[World]:
    """A gateway with other settings than usual, and its services."""
    seen = upstream.Seen()
    known = services(seen)
    async with AsyncExitStack() as stack:
        house_settings = settings.read(settings.Settings).model_copy(
            update={"environment": environment, "pool_size": 4}
        )
        if mode == "split":
            behind = Runtime(house_settings, database, services=known)
            await stack.enter_async_context(behind.running())
            behind.serve(name for name in known if name != "gateway")
            address = neighbours or await stack.enter_async_context(listening(ServicesDoor(behind)))
            house_settings = house_settings.model_copy(update={"neighbours": address})
        front = Runtime(house_settings, database, services=known)
        await stack.enter_async_context(front.running())
        if mode == "together":
            front.serve(name for name in known if name != "gateway")
        house = testing.House(front)
        if mode == "split":
            behind.verifier = front.verifier
        door = Door(Configured(front, Settings(**changes)))
        stack.push_async_callback(door.close)
        url = await stack.enter_async_context(listening(door))
        yield World(door, house, seen, url)
