"""Services that exist for the gateway's tests: real applications with awkward manners."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from orrery.kernel import log
from orrery.kernel.caller import Caller
from orrery.kernel.http import May, Public, SignedIn, internal_routes, routes
from orrery.kernel.service import Service
from orrery.kernel.types.permission import Permission

THING_READ = Permission("upstream.thing.read", "See things")
ASSET_READ = Permission("assets.asset.read", "See assets")
EMPLOYEE_READ = Permission("people.employee.read", "See employees")


class Seen:
    """What happened inside the services, for tests to look at."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin again, for the next test."""
        self.calls: list[str] = []
        self.request_ids: list[str] = []
        self.ticks = asyncio.Queue[bytes]()
        self.live_ended = asyncio.Event()
        self.at_work = 0
        self.most_at_work = 0
        self.is_people_broken = False


def service(seen: Seen) -> Service:
    """The awkward one."""
    router = routes("", tags="upstream")
    internal = internal_routes()
    _plain(router, seen)
    _streams(router, seen)

    @internal.get("/secret")
    async def secret() -> dict[str, str]:
        """Nobody outside may read this."""
        return {"secret": "internal"}

    return Service(
        "upstream",
        title="Upstream",
        routers=[router],
        internal=[internal],
        permissions=[THING_READ],
    )


def _plain(router: APIRouter, seen: Seen) -> None:
    async def echo(request: Request, caller: SignedIn) -> dict[str, Any]:
        """What arrived."""
        body = await request.body()
        seen.calls.append(request.url.path)
        seen.request_ids.append(log.request_id.get())
        return {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": dict(request.headers),
            "size": len(body),
            "tenant": caller.tenant,
            "user": str(caller.user_id),
        }

    for method in ("GET", "POST", "PUT", "DELETE"):
        router.add_api_route("/echo", echo, methods=[method])

    @router.get("/echo/{id}")
    async def echo_one(id: UUID, caller: SignedIn) -> dict[str, str]:
        """A path with a variable."""
        return {"id": str(id)}

    @router.get("/things")
    async def things(caller: Annotated[Caller, May(THING_READ)]) -> dict[str, str]:
        """What needs a permission."""
        return {"things": caller.tenant}

    @router.get("/public")
    async def public(request: Request, caller: Public) -> dict[str, Any]:
        """What everybody may read."""
        return {"headers": dict(request.headers)}

    @router.post("/sessions")
    async def sign_in(caller: Public) -> dict[str, str]:
        """What a guesser would call."""
        seen.calls.append("sign-in")
        return {}

    @router.get("/slow")
    async def slow(caller: SignedIn, milliseconds: int = 100) -> dict[str, int]:
        """An answer that takes its time."""
        seen.at_work += 1
        seen.most_at_work = max(seen.most_at_work, seen.at_work)
        seen.calls.append(caller.tenant)
        try:
            await asyncio.sleep(milliseconds / 1000)
        finally:
            seen.at_work -= 1
        return {"milliseconds": milliseconds}

    @router.get("/boom")
    async def boom(caller: SignedIn) -> dict[str, str]:
        """A bug."""
        raise RuntimeError("boom")

    @router.get("/own-headers")
    async def own_headers(caller: SignedIn) -> Response:
        """An answer with headers of its own."""
        headers = {"Cache-Control": "public, max-age=60", "ETag": '"7"', "X-Request-ID": "other"}
        return JSONResponse({}, headers=headers)

    @router.get("/unguarded")
    async def unguarded() -> dict[str, str]:
        """A route that does not say who may call it."""
        seen.calls.append("unguarded")
        return {}


def _streams(router: APIRouter, seen: Seen) -> None:
    @router.get("/live")
    async def live(caller: SignedIn) -> StreamingResponse:
        """Events as they come."""

        async def ticks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield await seen.ticks.get()
            finally:
                seen.live_ended.set()

        return StreamingResponse(ticks(), media_type="text/event-stream")

    @router.get("/export")
    async def export(caller: SignedIn, pieces: int = 3, milliseconds: int = 0) -> StreamingResponse:
        """A long answer."""

        async def lines() -> AsyncIterator[bytes]:
            for number in range(pieces):
                await asyncio.sleep(milliseconds / 1000)
                yield b"%06d\n" % number

        return StreamingResponse(lines(), media_type="text/csv")

    @router.get("/half")
    async def half(caller: SignedIn) -> StreamingResponse:
        """An answer that breaks off."""

        async def broken() -> AsyncIterator[bytes]:
            yield b"first half"
            raise RuntimeError("broke off")

        return StreamingResponse(broken(), media_type="text/plain")

    @router.post("/imports")
    async def imports(request: Request, caller: SignedIn) -> dict[str, int]:
        """A large body, read as it comes."""
        pieces = [len(piece) async for piece in request.stream()]
        return {"size": sum(pieces), "pieces": len([size for size in pieces if size])}


ADA, GRACE = UUID(int=1), UUID(int=2)


def assets(seen: Seen) -> Service:
    """Assets as the composed view sees them."""
    router = routes("/assets", tags="assets")

    @router.get("")
    async def list_assets(
        request: Request, caller: Annotated[Caller, May(ASSET_READ)]
    ) -> dict[str, Any]:
        """A page of assets."""
        seen.calls.append(f"assets?{request.url.query}")
        held = [(1, ADA), (2, None), (3, GRACE), (4, ADA), (5, UUID(int=9))]
        items = [
            {"id": number, "assigned_employee_id": str(holder) if holder else None}
            for number, holder in held
        ]
        return {"items": items, "next": "cursor", "total": 5}

    return Service("assets", title="Assets", routers=[router], permissions=[ASSET_READ])


def people(seen: Seen) -> Service:
    """People as the composed view sees them."""
    router = routes("/employees", tags="people")

    @router.get("")
    async def list_employees(
        request: Request, caller: Annotated[Caller, May(EMPLOYEE_READ)], ids: str
    ) -> dict[str, Any]:
        """Employees by their ids."""
        seen.calls.append(f"people?{request.url.query}")
        if seen.is_people_broken:
            raise RuntimeError("people is broken")
        wanted = ids.split(",")
        known = [(ADA, "Ada"), (GRACE, "Grace")]
        items = [
            {"id": str(id), "code": "E", "full_name": name, "email": None, "salary": "1"}
            for id, name in known
            if str(id) in wanted
        ]
        return {"items": items, "next": None}

    return Service("people", title="People", routers=[router], permissions=[EMPLOYEE_READ])
