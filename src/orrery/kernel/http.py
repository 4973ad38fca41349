"""The edge of a request: who calls, what they may, one transaction that commits before the reply.

Decision 0005: the route class holds the transaction, so that commit, idempotent answer, dry run and
ETag are settled before one byte of the reply leaves.
"""

import hmac
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from orrery.kernel import events, log
from orrery.kernel.caller import Caller, service_caller
from orrery.kernel.db import ReadTx as ReadTransaction
from orrery.kernel.db import Tx
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import (
    Forbidden,
    Malformed,
    NotFound,
    Refusal,
    Stale,
    Unauthenticated,
)

REQUEST_ID = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")
IDEMPOTENCY_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
ANONYMOUS_NAME = "anonymous"


class KeyReused(Refusal):
    """The Idempotency-Key was used before with other input."""

    code = "kernel.idempotency_key_reused"


class _Answered(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Edge(APIRoute):
    """Runs a route inside its transaction: commit, then reply."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def at_the_edge(request: Request) -> Response:
            try:
                response = await handle(request)
                work: Work | None = getattr(request.state, "work", None)
                return response if work is None else await work.finish(response)
            except _Answered as known:
                return known.response
            finally:
                work = getattr(request.state, "work", None)
                if work is not None:
                    await work.close()

        return at_the_edge


class Work:
    """The transaction of one request, with what must be settled before its reply."""

    def __init__(self, request: Request, caller: Caller, host: Any) -> None:
        self._request = request
        self._host = host
        self._manager: AbstractAsyncContextManager[Any] = host.runtime.database.transaction(
            caller.tenant, host.service_name, caller
        )
        self._caller = caller
        self._key: str | None = None
        self._transaction: Any = None
        self.tx: Tx | None = None

    async def open(self, *, writes: bool) -> Tx:
        """Begin; a known idempotency key ends here with the answer given before."""
        self._transaction = await self._manager.__aenter__()
        self.tx = Tx(self._transaction.connection, self._caller, self._host)
        if writes:
            self.tx.if_match = _version_of(self._request.headers.get("if-match"))
            key = self._request.headers.get("idempotency-key")
            if key is not None:
                await self._answer_again(key)
        return self.tx

    async def _answer_again(self, key: str) -> None:
        if not IDEMPOTENCY_KEY.match(key):
            raise Malformed(header="Idempotency-Key", reason="1 to 255 visible characters")
        request, tx = self._request, cast(Tx, self.tx)
        told = f"{request.method} {request.url.path}?{request.url.query}".encode()
        # Keyed, so that nobody can try out what a body may have held, such as a password.
        secret = self._host.runtime.settings.secret_key.get_secret_value().encode()
        digest = hmac.digest(secret, told + b"\n" + await request.body(), "sha256")
        actor = self._caller.actor or ANONYMOUS_NAME
        values = {"tenant": self._caller.tenant, "actor": actor, "key": key, "hash": digest}
        # A second request of the same key waits here until the first one is committed or gone.
        fresh = await tx.value(
            "insert into idempotency_key (tenant, actor, key, request_hash)"
            " values (%(tenant)s, %(actor)s, %(key)s, %(hash)s) on conflict do nothing returning 1",
            **values,
        )
        if fresh:
            self._key = key
            return
        known = await tx.row(
            "select request_hash, status, body from idempotency_key"
            " where tenant = %(tenant)s and actor = %(actor)s and key = %(key)s",
            **values,
        )
        if known is None or bytes(known.request_hash) != digest:
            raise KeyReused(key=key)
        headers = {"Idempotent-Replayed": "true"}
        media = "application/json" if known.body else None
        raise _Answered(Response(bytes(known.body or b""), known.status, headers, media))

    async def finish(self, response: Response) -> Response:
        """Settle the transaction; only then may the answer leave."""
        tx = cast(Tx, self.tx)
        if tx.if_match is not None:
            raise Malformed(header="If-Match", reason="this route has no version to match")
        if getattr(self._request.state, "is_dry", False):
            return _dry_answer(tx, response)
        if tx.events:
            await events.write(tx, tx.events)
        if self._key is not None:
            await tx.run(
                "update idempotency_key set status = %(status)s, body = %(body)s"
                " where tenant = %(tenant)s and actor = %(actor)s and key = %(key)s",
                status=response.status_code,
                body=getattr(response, "body", b""),
                tenant=self._caller.tenant,
                actor=self._caller.actor or ANONYMOUS_NAME,
                key=self._key,
            )
        await self._transaction.commit()
        if tx.events:
            self._host.runtime.announced(self._host.service_name)
        if tx.version is not None:
            response.headers["ETag"] = f'"{tx.version}"'
        return response

    async def close(self) -> None:
        """Give the connection back; what was not committed is undone."""
        manager, self._transaction = self._manager, None
        self._request.state.work = None
        await manager.__aexit__(None, None, None)


def _version_of(header: str | None) -> int | None:
    if header is None or header == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"(\d{1,9})"', header.strip())
    if found is None:
        raise Stale(header="If-Match", reason="expected a version in quotes")
    return int(found[1])


def _dry_answer(tx: Tx, response: Response) -> Response:
    """What would follow, while the transaction is rolled back (DESIGN 4)."""
    body = bytes(getattr(response, "body", b""))
    told = {
        "dry_run": True,
        "status": response.status_code,
        "result": orjson.loads(body) if body else None,
        "events": [letter.cloud_event() for letter in events.letters(tx.caller, tx.events)],
        "numbers": tx.numbers,
    }
    return Response(orjson.dumps(told), 200, media_type="application/json")


def _host(request: Request) -> Any:
    return request.app.state.host


async def current_caller(request: Request) -> Caller:
    """The caller of a valid bearer token. Refuses: Unauthenticated, TenantSuspended."""
    host = _host(request)
    header = request.headers.get("authorization", "")
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated(reason="no_token")
    claims = await host.runtime.claims(token.strip())
    caller = Caller.of_claims(claims, log.request_id.get())
    return cast(Caller, await host.admit(caller))


CurrentCaller = Annotated[Caller, Depends(current_caller)]


def May(permission: Permission) -> Any:  # noqa: N802 - reads as a type in signatures
    """The caller, who must hold a permission: ``Annotated[Caller, May(p.ORDER_APPROVE)]``."""

    async def check(caller: CurrentCaller) -> Caller:
        if not caller.may(permission):
            raise Forbidden(permission=permission.code)
        return caller

    check.__dict__["permission"] = permission
    return Depends(check)


async def _anyone() -> Caller:
    return Caller(tenant="", request_id=log.request_id.get())


async def _any_service(caller: CurrentCaller) -> Caller:
    if caller.service is None:
        raise NotFound(reason="internal")
    return caller


Public = Annotated[Caller, Depends(_anyone)]
SignedIn = CurrentCaller
ServiceOnly = Annotated[Caller, Depends(_any_service)]


async def _read_tx(request: Request, caller: CurrentCaller) -> ReadTransaction:
    return await _begin(request, caller, writes=False)


async def _write_tx(
    request: Request,
    caller: CurrentCaller,
    dry_run: Annotated[  # noqa: FBT002 - FastAPI passes it by name
        bool, Query(description="Show what would follow; change nothing.")
    ] = False,
    _idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", description="Send the same key again to get the same answer."
        ),
    ] = None,
) -> Tx:
    # An import's dry run goes on in the background, so its batch has to be kept.
    request.state.is_dry = dry_run and not getattr(request.state, "dry_run_goes_on", False)
    return await _begin(request, caller, writes=True)


async def _begin(request: Request, caller: Caller, *, writes: bool) -> Tx:
    work = getattr(request.state, "work", None)
    if work is None:
        request.state.work = work = Work(request, caller, _host(request))
        return await work.open(writes=writes)
    return cast(Tx, work.tx)


ReadTx = Annotated[ReadTransaction, Depends(_read_tx)]
WriteTx = Annotated[Tx, Depends(_write_tx)]

Opener = Callable[[str | None], AbstractAsyncContextManager[Tx]]


async def _open_tx(request: Request) -> Opener:
    host = _host(request)

    def open_in(tenant: str | None) -> AbstractAsyncContextManager[Tx]:
        return cast(AbstractAsyncContextManager[Tx], host.transaction(tenant))

    return open_in


OpenTx = Annotated[Opener, Depends(_open_tx)]


@asynccontextmanager
async def own_transaction(
    host: Any, tenant: str | None, caller: Caller | None = None
) -> AsyncIterator[Tx]:
    """A transaction outside the edge: sign-in, jobs, seeds; commits when the block ends well."""
    if caller is None:
        caller = service_caller(
            tenant or "", host.service_name, behalf=None, request_id=log.request_id.get()
        )
    if tenant is not None:
        caller = await host.admit(caller)
    async with host.runtime.database.transaction(tenant, host.service_name, caller) as transaction:
        tx = Tx(transaction.connection, caller, host)
        yield tx
        if tx.events:
            await events.write(tx, tx.events)
        await transaction.commit()
    if tx.events:
        host.runtime.announced(host.service_name)


def routes(prefix: str, *, tags: str | list[str]) -> APIRouter:
    """A router whose routes run at the edge."""
    named: list[Any] = [tags] if isinstance(tags, str) else list(tags)
    return APIRouter(prefix=prefix, tags=named, route_class=Edge)


def internal_routes() -> APIRouter:
    """A router for other services only: never public, never in OpenAPI."""
    return APIRouter(
        route_class=Edge, include_in_schema=False, dependencies=[Depends(_any_service)]
    )


def refusals(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """What a route may refuse, for OpenAPI."""
    told: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = told.setdefault(
            kind.status, {"description": "", "content": {"application/problem+json": {}}}
        )
        sentence = (kind.__doc__ or "").strip().splitlines()[0]
        entry["description"] = f"{entry['description']}`{kind.code}`: {sentence} ".lstrip()
    return told
