"""The test kit: a whole house on a real PostgreSQL, two tenants, callers with any grants."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
from joserfc import jwt
from joserfc.jwk import ECKey

from orrery.kernel import clock, errors, settings
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.embedded import Embedded
from orrery.kernel.runtime import Runtime
from orrery.kernel.service import Service, discover
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from orrery.kernel.types.provisioning import Provisioning

KEY_ID = "test"
TENANTS = ("acme", "globex")
ADMIN_PASSWORD = "correct horse battery"
# A test database may be lost, so it need not wait for the disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class House:
    """A running house for tests."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._key = ECKey.generate_key("P-256")
        runtime.verifier.add(KEY_ID, self._key)

    @property
    def url(self) -> str:
        """The address of the database, for tests that connect by themselves."""
        return self.runtime.database.url

    def token(
        self,
        grants: Mapping[str, Scope],
        *,
        tenant: str = "acme",
        user_id: UUID | None = None,
        employee_id: UUID | None = None,
        **claims: Any,
    ) -> str:
        """A bearer token such as identity would issue."""
        told = {
            "iss": "orrery",
            "sub": str(user_id or new_id()),
            "tenant": tenant,
            "email": "tester@acme.example",
            "name": "Tester",
            "employee_id": str(employee_id) if employee_id else None,
            "grants": dict(grants),
            "exp": int(clock.now().timestamp()) + 300,
        }
        told |= orjson.loads(orjson.dumps(claims, default=str))
        return jwt.encode({"alg": "ES256", "kid": KEY_ID}, told, self._key)

    def client(
        self, grants: Mapping[str, Scope] | None = None, *, tenant: str = "acme", **claims: Any
    ) -> httpx2.AsyncClient:
        """A client of every service's API; without grants it has no token."""
        headers = {}
        if grants is not None:
            headers["Authorization"] = f"Bearer {self.token(grants, tenant=tenant, **claims)}"
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self, raise_app_exceptions=False),
            base_url="http://house",
            headers=headers,
            timeout=30,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Route by path, as the gateway does but without its checks."""
        part = scope["path"].removeprefix("/api/v1/").removeprefix("/internal/").partition("/")[0]
        app = self.runtime.apps.get(part)
        if app is None:
            response = errors.problem("kernel.not_found", 404, {"service": part})
            await response(scope, receive, send)
            return
        await app(scope, receive, send)

    @asynccontextmanager
    async def tx(
        self,
        service: str,
        *,
        tenant: str = "acme",
        grants: Mapping[str, Scope] | None = None,
        commits: bool = False,
        **more: Any,
    ) -> AsyncIterator[Tx]:
        """A transaction for testing actions; rolled back at the end unless it ``commits``."""
        host = self.runtime.hosts[service]
        caller = Caller(
            tenant=tenant,
            user_id=more.pop("user_id", None) or new_id(),
            grants=grants if grants is not None else {"*": "all"},
            request_id=more.pop("request_id", "test"),
            **more,
        )
        with suppress(_RollBack):
            async with host.transaction(tenant, caller) as tx:
                yield tx
                if not commits:
                    raise _RollBack

    async def settle(self) -> None:
        """Carry and react to everything announced, run every job that is due."""
        await self.runtime.settle()
        await self.runtime.jobs.drain()
        await self.runtime.settle()

    async def rebuild(self, service: str, tenant: str = "acme") -> int:
        """Rebuild a service's projections from the log."""
        return await self.runtime.rebuild(service, tenant)

    async def new_tenant(self, **more: Any) -> str:
        """A fresh tenant for a test that wants nobody else's data."""
        code = f"t{new_id().hex[-12:]}"
        await self.runtime.provision(order(code, **more))
        return code


class _RollBack(Exception):
    pass


def order(tenant: str, **more: Any) -> Provisioning:
    """The order for a test tenant."""
    told: dict[str, Any] = {
        "title": tenant.capitalize(),
        "admin_email": f"admin@{tenant}.example",
        "admin_password": ADMIN_PASSWORD,
    }
    return Provisioning(tenant=tenant, **(told | more))


@asynccontextmanager
async def embedded_database() -> AsyncIterator[str]:
    """A throw-away PostgreSQL; yields its address."""
    with tempfile.TemporaryDirectory(prefix="orrery-test-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # the server runs as another user when we are root
        server = Embedded(Path(folder), more=FAST)
        try:
            yield server.url
        finally:
            server.stop()


@asynccontextmanager
async def house(
    url: str,
    *,
    services: Mapping[str, Service] | None = None,
    only: Sequence[str] = (),
    tenants: Sequence[str] = TENANTS,
) -> AsyncIterator[House]:
    """Open a house on a database: migrated, served, with its test tenants."""
    chosen = settings.read(settings.Settings).model_copy(update={"environment": "test"})
    found = services if services is not None else discover(only=only)
    runtime = Runtime(chosen, url, services=found)
    async with runtime.running():
        failed = [report for report in await runtime.migrate() if report.error]
        if failed:
            raise RuntimeError(f"Migration failed: {failed}")
        runtime.serve(runtime.services)
        known = {tenant.code for tenant in await runtime.tenants()}
        for tenant in tenants:
            if tenant not in known:
                await runtime.provision(order(tenant))
        yield House(runtime)
