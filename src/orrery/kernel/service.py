"""The manifest of a service, how services are found, and how one becomes a web app."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy import MetaData

from orrery.kernel import errors
from orrery.kernel.correlate import Correlate
from orrery.kernel.types.event import Event
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import Machine

Reaction = Callable[[Any, Any, Any], Awaitable[None]]
Job = Callable[..., Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """All the platform sees of a service; a reader learns the whole service from it."""

    name: str
    title: str = ""
    routers: Sequence[APIRouter] = ()
    internal: Sequence[APIRouter] = ()
    reactions: Mapping[type[Event], Sequence[Reaction]] = field(default_factory=dict)
    jobs: Mapping[str, Job | Sequence[Job]] = field(default_factory=dict)
    deferred: Sequence[Job] = ()
    asks: Sequence[str] = ()
    permissions: Sequence[Permission] = ()
    settings: type[Any] | None = None
    tables: MetaData | None = None
    platform_tables: MetaData | None = None
    projections: Sequence[Any] = ()
    constraints: Mapping[str, type[Refusal]] = field(default_factory=dict)
    machines: Sequence[Machine] = ()
    seed: Callable[[Any, Any], Awaitable[None]] | None = None
    provision: Callable[[Any, Any, Any], Awaitable[None]] | None = None
    issuer: str | None = None
    is_gateway: bool = False
    app: Callable[[Any], Any] | None = None
    home: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the service's source lives; ``home`` names it for services outside the package."""
        if self.home is not None:
            return self.home
        module = importlib.import_module(f"orrery.services.{self.name}")
        return Path(module.__path__[0])

    @property
    def reaction_names(self) -> dict[str, Reaction]:
        """Reactions by the name under which the inbox knows them."""
        return {
            reaction.__name__: reaction
            for reactions in self.reactions.values()
            for reaction in reactions
        }

    @property
    def subscriptions(self) -> dict[str, list[str]]:
        """Event names and the reactions that they set off."""
        return {
            event.name: [reaction.__name__ for reaction in reactions]
            for event, reactions in self.reactions.items()
        }

    def cron(self) -> list[tuple[str, Job]]:
        """Every job with its cron line."""
        return [
            (line, job)
            for line, jobs in self.jobs.items()
            for job in (jobs if isinstance(jobs, Sequence) else [jobs])
        ]


def discover(package: str = "orrery.services", *, only: Sequence[str] = ()) -> dict[str, Service]:
    """Every service by name: each folder with a ``service.py`` is one; no list names them."""
    found = {}
    home = importlib.import_module(package)
    for module in pkgutil.iter_modules(home.__path__):
        if only and module.name not in only:
            continue
        if module.ispkg and (Path(home.__path__[0]) / module.name / "service.py").exists():
            manifest = importlib.import_module(f"{package}.{module.name}.service")
            service: Service = manifest.SERVICE
            if service.name != module.name:
                raise LookupError(f"The folder {module.name} holds a service called {service.name}")
            found[service.name] = service
    return dict(sorted(found.items()))


def create_app(service: Service, host: Any) -> Any:
    """The service as a web app below ``/api/v1/<name>``; its lifespan is the runner's business."""
    if service.app is not None:
        return service.app(host)
    app = FastAPI(
        title=f"Orrery {service.title or service.name}",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # A tenth of the throughput even with nobody listening (STACK 15); traces are opt-in.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.host = host
    for router in service.routers:
        app.include_router(router, prefix=f"/api/v1/{service.name}")
    for router in service.internal:
        app.include_router(router, prefix=f"/internal/{service.name}", include_in_schema=False)
    errors.install(app, service)
    app.add_middleware(Correlate, service=service.name)
    return app


def openapi_of(service: Service, app: Any) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service; equal bytes wherever the service runs."""
    if not isinstance(app, FastAPI):
        return {"openapi": "3.1.0", "info": {"title": service.title, "version": "1"}, "paths": {}}
    return get_openapi(title=app.title, version=app.version, routes=app.routes)
