"""A real house behind a real port: one process or five, with a real SMTP sink."""

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
from aiosmtpd.controller import Controller

from orrery.kernel.runtime import Runtime
from orrery.kernel.service import discover
from orrery.kernel.settings import Settings
from orrery.kernel.testing import ADMIN_PASSWORD, embedded_database, order
from orrery.kernel.types.ids import new_id
from orrery.platform.importing import sign_in

PASSWORD = "a long enough passphrase"
START_SECONDS = 60
# What a person would wait for an effect in another service.
EVENT_SECONDS = 20
LOGS = Path(tempfile.gettempdir()) / "orrery-scenarios"


class Sink:
    """Keeps every mail that the house sends."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail in, as aiosmtpd wants it."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 kept"

    def to(self, address: str) -> list[EmailMessage]:
        """The mails to an address."""
        return [mail for mail in self.mails if address in str(mail["To"])]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World:
    """A running house, a tenant of its own, and people who sign in to it."""

    mode: str
    url: str
    database: str
    sink: Sink
    processes: list[asyncio.subprocess.Process]
    tenant: str = ""
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    async def administrator(self, tenant: str | None = None) -> httpx2.AsyncClient:
        """The first administrator, signed in."""
        code = tenant or self.tenant
        return await self.person(f"admin@{code}.example", ADMIN_PASSWORD, tenant=code)

    async def person(
        self, email: str, password: str, *, tenant: str | None = None
    ) -> httpx2.AsyncClient:
        """Somebody, signed in for programs (bearer)."""
        client = httpx2.AsyncClient(base_url=self.url, timeout=60)
        self.clients.append(client)
        await sign_in(client, tenant=tenant or self.tenant, email=email, password=password)
        return client

    async def provision(self, code: str | None = None) -> str:
        """A fresh tenant with an administrator."""
        code = code or f"w{new_id().hex[-12:]}"
        runtime = Runtime(Settings(environment="test"), self.database)
        async with runtime.running():
            await runtime.provision(order(code))
        return code

    async def until(
        self, what: str, holds: Callable[[], Awaitable[Any]], *, seconds: float = EVENT_SECONDS
    ) -> Any:
        """Wait until something holds, and answer it; fails with what was waited for."""
        deadline = time.monotonic() + seconds
        while True:
            value = await holds()
            if value:
                return value
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s ({self.mode})"
            await asyncio.sleep(0.1)


async def _start(arguments: Sequence[str], environment: dict[str, str]) -> Any:
    LOGS.mkdir(exist_ok=True)
    with (LOGS / f"{'-'.join(arguments[:2])}-{new_id().hex[-6:]}.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-m", "orrery.platform.start", *arguments),
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )


async def _ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with httpx2.AsyncClient(timeout=5) as client:
        while True:
            try:
                if (await client.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            assert time.monotonic() < deadline, f"{url} did not become ready"
            await asyncio.sleep(0.1)


async def _run(arguments: Sequence[str], environment: dict[str, str]) -> None:
    process = await _start(arguments, environment)
    assert await process.wait() == 0, f"orrery {' '.join(arguments)} failed; see {LOGS}"


def shares(services: Sequence[str], count: int) -> list[list[str]]:
    """Services dealt out to a number of processes."""
    return [list(services[i::count]) for i in range(count)]


async def _start_one(environment: dict[str, str], port: int) -> list[Any]:
    return [await _start(["up", "--no-demo", "--port", str(port)], environment)]


async def _start_split(environment: dict[str, str], port: int) -> list[Any]:
    """Three processes of services, a worker and a gateway: five."""
    manifests = discover()
    gateway = next(name for name, service in manifests.items() if service.is_gateway)
    parts = shares([name for name in manifests if name != gateway], 3)
    ports = [free_port() for _ in parts]
    environment["ORRERY_NEIGHBOURS"] = ",".join(
        f"{name}=http://127.0.0.1:{where}"
        for where, part in zip(ports, parts, strict=True)
        for name in part
    )
    await _run(["migrate"], environment)
    started = [
        await _start(["serve", *part, "--port", str(where)], environment)
        for where, part in zip(ports, parts, strict=True)
    ]
    started.append(await _start(["worker"], environment))
    started.append(await _start(["gateway", "--port", str(port)], environment))
    return started


@asynccontextmanager
async def open_world(mode: str) -> AsyncIterator[World]:
    """Start a house in a mode, give it a tenant, stop it at the end."""
    sink = Sink()
    mail = Controller(sink, hostname="127.0.0.1", port=free_port())
    mail.start()
    port = free_port()
    async with embedded_database() as database:
        environment = {
            "ORRERY_ENVIRONMENT": "test",
            "ORRERY_DATABASE_URL": database,
            "ORRERY_NOTIFICATIONS_SMTP_URL": f"smtp://127.0.0.1:{mail.port}",
            "ORRERY_LOG_FORMAT": "json",
            "ORRERY_GATEWAY_SIGN_IN_PER_MINUTE": "1000",
        }
        start = _start_one if mode == "one process" else _start_split
        processes = await start(environment, port)
        world = World(mode, f"http://127.0.0.1:{port}", database, sink, processes)
        try:
            await _ready(world.url)
            world.tenant = await world.provision()
            yield world
        finally:
            for client in world.clients:
                await client.aclose()
            for process in processes:
                if process.returncode is None:
                    process.terminate()
            await asyncio.gather(*(process.wait() for process in processes))
            mail.stop()
