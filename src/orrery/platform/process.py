"""Processes: everything in one, or some services, the worker or the gateway alone; same code."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from orrery.kernel import errors, log, settings
from orrery.kernel.embedded import Embedded
from orrery.kernel.runtime import Runtime
from orrery.kernel.service import discover
from orrery.kernel.types.provisioning import Provisioning

DEMO = "demo"
logger = log.logger("process")


@asynccontextmanager
async def connected(chosen: settings.Settings) -> AsyncIterator[Runtime]:
    """A runtime on the configured database, or on the embedded one in the data folder."""
    settings.refuse_default_secrets(chosen)
    embedded: Embedded | None = None
    if chosen.database_url is None:
        # The server starts while the services are imported: that is most of a second start.
        starting = asyncio.get_running_loop().run_in_executor(None, Embedded, chosen.data)
        services = discover()
        embedded = await starting
        url = embedded.url
    else:
        services = discover()
        url = chosen.database_url.get_secret_value()
    try:
        runtime = Runtime(chosen, url, services)
        # What was imported stays for good; the collector need not look at it again and again.
        gc.freeze()
        gc.enable()
        async with runtime.running():
            yield runtime
    finally:
        if embedded is not None:
            embedded.stop()


class Door:
    """What a process of services listens with: their routes, and its health."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        response: Response
        path = scope["path"]
        service = path.removeprefix("/api/v1/").removeprefix("/internal/").partition("/")[0]
        if path.startswith(("/api/v1/", "/internal/")) and service in self._runtime.apps:
            await self._runtime.apps[service](scope, receive, send)
            return
        if path == "/health/live":
            response = JSONResponse({"status": "live"})
        elif path == "/health/ready":
            response = await ready(self._runtime)
        elif path == "/metrics":
            response = Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
        else:
            response = errors.problem("kernel.not_found", 404, {"path": path})
        await response(scope, receive, send)


async def ready(runtime: Runtime) -> Response:
    """Whether this process can work: its database answers."""
    try:
        async with asyncio.timeout(2), runtime.database.connection() as connection:
            await connection.execute("select 1")
    except Exception as error:
        told = {"status": "unready", "database": type(error).__name__}
        return JSONResponse(told, status_code=503)
    return JSONResponse({"status": "ready", "database": "ok", "services": sorted(runtime.apps)})


async def listen(runtime: Runtime, app: Any, *, host: str, port: int) -> None:
    """Serve an app until the process is told to stop; requests in flight finish."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        # Who the client is behind a proxy, the gateway decides by its trusted proxies.
        proxy_headers=False,
        date_header=True,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=65_536,
    )
    server = Stoppable(config, runtime)
    try:
        await server.serve()
    finally:
        runtime.stopping.set()


class Stoppable(uvicorn.Server):
    """A server that tells the house at once when it must stop, so that live streams end."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self._runtime = runtime

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: end streams, let requests in flight finish."""
        self._runtime.stopping.set()
        super().handle_exit(sig, frame)


async def ensure_demo(runtime: Runtime) -> bool:
    """Make the demo company unless it is there; tells whether it was made."""
    if any(tenant.code == DEMO for tenant in await runtime.tenants()):
        return False
    await runtime.provision(
        Provisioning(
            tenant=DEMO,
            title="Meridian Trading",
            admin_email="admin@demo.example",
            admin_password=settings.demo_password(),
            admin_name="Ada Lindqvist",
        )
    )
    await runtime.seed(DEMO)
    return True


async def up(chosen: settings.Settings, announce: Any, *, demo: bool = True) -> None:
    """Everything in this process; ``announce`` is called when the address can be opened."""
    async with connected(chosen) as runtime:
        failed = [report for report in await runtime.migrate() if report.error]
        if failed:
            raise RuntimeError(f"{len(failed)} schemas could not be migrated: {failed[0].error}")
        runtime.serve(runtime.services)
        if demo:
            await ensure_demo(runtime)
        runtime.start_background()
        gateway = next(s.name for s in runtime.services.values() if s.is_gateway)
        announce(runtime)
        await listen(runtime, runtime.apps[gateway], host=chosen.host, port=chosen.port)


async def serve(chosen: settings.Settings, names: Sequence[str], *, host: str, port: int) -> None:
    """Only some services in this process; neighbours are found by ORRERY_NEIGHBOURS."""
    async with connected(chosen) as runtime:
        runtime.serve(names)
        only_gateway = len(names) == 1 and runtime.services[names[0]].is_gateway
        app = runtime.apps[names[0]] if only_gateway else Door(runtime)
        logger.info("serving", services=",".join(names), port=port)
        await listen(runtime, app, host=host, port=port)


async def work(chosen: settings.Settings) -> None:
    """Relay, reactions, jobs and cron in this process, until it is told to stop."""
    async with connected(chosen) as runtime:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stop.set)
        runtime.start_background()
        logger.info("working", services=",".join(runtime.services))
        await stop.wait()
