"""What is published: the route table at once, the merged document when somebody asks for it."""

import asyncio
import hashlib
from typing import Any

from orrery.services.gateway.api import documents
from orrery.services.gateway.api.documents import VIEW
from orrery.services.gateway.api.published import routes_of
from orrery.services.gateway.rules.routes import Declared, RouteTable
from orrery.services.gateway.settings import Settings

# What the door answers itself. Everything public is counted by address.
OWN = (
    Declared("gateway", "GET", "/", "public"),
    Declared("gateway", "GET", "/docs", "public"),
    Declared("gateway", "GET", "/openapi.json", "public"),
    Declared("gateway", "GET", "/health/live", "public"),
    Declared("gateway", "GET", "/health/ready", "public"),
    Declared("gateway", "GET", "/metrics", "public"),
    # Assets and people each check the caller's permission for their part.
    Declared("gateway", "GET", VIEW, "signed_in"),
)


class Library:
    """Routes and documents of this installation."""

    def __init__(self, host: Any, settings: Settings) -> None:
        self._services = {
            name: service
            for name, service in host.runtime.services.items()
            if not service.is_gateway
        }
        self._limits = limits_of(settings)
        self.table = RouteTable([*OWN, *routes_of(self._services)])
        # Who gives out credentials also ends them.
        self.issuers = {name for name, s in self._services.items() if s.issuer is not None}
        self._made: asyncio.Task[tuple[dict[str, Any], bytes, str]] | None = None

    async def document(self) -> tuple[dict[str, Any], bytes, str]:
        """The merged document, its bytes and its tag; made once, beside the event loop."""
        if self._made is None or (self._made.done() and self._made.exception()):
            self._made = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._made)

    def _make(self) -> tuple[dict[str, Any], bytes, str]:
        document = documents.merged(self._services, self.table, self._limits)
        content = documents.as_bytes(document)
        return document, content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def limits_of(settings: Settings) -> dict[str, Any]:
    """What every route is held to, as the document tells it."""
    return {
        "normal": {
            "tenant_per_minute": settings.tenant_per_minute,
            "user_per_minute": settings.user_per_minute,
            "key_per_minute": settings.key_per_minute,
        },
        "sign_in": {"address_per_minute": settings.sign_in_per_minute},
        "seconds": {
            "normal": int(settings.request_seconds),
            "import": int(settings.import_seconds),
            "export": None,
            "live": None,
        },
        "bytes": {
            "normal": settings.body_bytes,
            "import": settings.import_bytes,
            "export": settings.body_bytes,
            "live": settings.body_bytes,
        },
    }
