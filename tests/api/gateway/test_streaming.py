"""Long answers and live updates pass unbuffered, and end when their reader leaves."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx2
import pytest

from tests.api.gateway.kit import MODES, Mode, World, listening, world

LIVE = "/api/v1/upstream/live"
EXPORT = "/api/v1/upstream/export"


async def test_live_updates_arrive_one_by_one_as_they_happen(gateway: World) -> None:
    """Issue 2 B: live over SSE within 2 s: nothing on the way waits for more."""
    async with gateway.client({}) as client, client.stream("GET", LIVE) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        pieces = answer.aiter_raw()
        for number in range(3):
            gateway.seen.ticks.put_nowait(b"data: %d\n\n" % number)
            piece = await asyncio.wait_for(anext(pieces), 2)
            assert piece == b"data: %d\n\n" % number


@pytest.mark.parametrize("mode", MODES)
async def test_the_service_learns_that_a_live_reader_left(prepared: str, mode: Mode) -> None:
    async with world(prepared, mode) as gateway, gateway.client({}) as client:
        async with client.stream("GET", LIVE) as answer:
            pieces = answer.aiter_raw()
            gateway.seen.ticks.put_nowait(b"data: 1\n\n")
            await anext(pieces)
            assert not gateway.seen.live_ended.is_set()
        await asyncio.wait_for(gateway.seen.live_ended.wait(), 3)


async def test_live_connections_take_no_slot_and_have_their_own_limit(prepared: str) -> None:
    changes: dict[str, Any] = {"slots": 1, "tenant_slots": 1, "live_connections_of_user": 2}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        async with client.stream("GET", LIVE), client.stream("GET", LIVE):
            assert (await client.get("/api/v1/upstream/echo")).status_code == 200
            third = await client.get(LIVE)
            assert (third.status_code, third.json()["code"]) == (
                429,
                "gateway.too_many_connections",
            )
            async with gateway.client({}) as other, other.stream("GET", LIVE) as answer:
                assert answer.status_code == 200
        await asyncio.wait_for(gateway.seen.live_ended.wait(), 3)
        async with client.stream("GET", LIVE) as again:
            assert again.status_code == 200


async def test_an_export_begins_before_it_ends(gateway: World) -> None:
    async with gateway.client({}) as client:
        started = time.perf_counter()
        query = {"pieces": 5, "milliseconds": 200}
        async with client.stream("GET", EXPORT, params=query) as answer:
            pieces = answer.aiter_raw()
            first = await anext(pieces)
            assert time.perf_counter() - started < 0.9
            rest = [piece async for piece in pieces]
        assert first + b"".join(rest) == b"000000\n000001\n000002\n000003\n000004\n"


async def test_exports_have_their_own_limit_per_user(prepared: str) -> None:
    async with world(prepared, exports_of_user=1) as gateway, gateway.client({}) as client:
        query = {"pieces": 3, "milliseconds": 100}
        async with client.stream("GET", EXPORT, params=query) as running:
            refused = await client.get(EXPORT)
            assert refused.status_code == 429
            assert len([piece async for piece in running.aiter_raw()]) == 3
        assert (await client.get(EXPORT)).status_code == 200


async def test_a_large_body_streams_in_pieces(gateway: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100_000
            await asyncio.sleep(0)

    async with gateway.client({}) as client:
        answer = await client.post("/api/v1/upstream/imports", content=pieces())
    told = answer.json()
    assert told["size"] == 4_000_000
    assert told["pieces"] > 3


async def test_an_answer_that_breaks_off_does_not_look_complete(gateway: World) -> None:
    async with gateway.client({}) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/api/v1/upstream/half")
        assert (await client.get("/api/v1/upstream/echo")).status_code == 200


async def test_a_service_that_is_down_is_503_by_name_and_opens_the_breaker(prepared: str) -> None:
    """GW-3: breaker opens after N failures, half-opens, and the response names the service."""
    down = world(prepared, "split", neighbours=await nobody())
    async with down as gateway, gateway.client({}) as client:
        reasons = []
        for _ in range(8):
            refused = await client.get("/api/v1/upstream/public")
            assert refused.status_code == 503
            assert refused.json()["facts"]["service"] == "upstream"
            reasons.append(refused.json()["facts"]["reason"])
        assert reasons[0] == "ConnectError"
        assert reasons[-1] == "breaker_open"
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["services"]["upstream"] == {"state": "down", "breaker": "open"}
        assert ready.json()["services"]["people"]["breaker"] == "closed"


async def test_a_breaker_closes_again_when_the_service_is_back(
    prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GW-3: half-opens."""
    monkeypatch.setattr("orrery.services.gateway.neighbours.forwarding.BREAKER_SECONDS", 0.2)
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(listening(_ok))
        gateway = await stack.enter_async_context(world(prepared, "split", neighbours=address))
        breaker = gateway.door.forwarder.breaker("upstream")
        for _ in range(5):
            breaker.failed(time.monotonic_ns())
        async with gateway.client({}) as client:
            path = "/api/v1/upstream/public"
            assert (await client.get(path)).status_code == 503
            await asyncio.sleep(0.25)
            assert (await client.get(path)).status_code == 200
            assert breaker.state == "closed"


async def test_a_service_that_hangs_opens_its_breaker_and_then_holds_up_nobody(
    prepared: str,
) -> None:
    """GW-3: a time-out is a failure too."""

    async def hang(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(30)

    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(listening(hang))
        changes: dict[str, Any] = {"neighbours": address, "request_seconds": 0.1}
        gateway = await stack.enter_async_context(world(prepared, "split", **changes))
        client = await stack.enter_async_context(gateway.client())
        path = "/api/v1/upstream/public"
        for _ in range(5):
            assert (await client.get(path)).status_code == 504
        refused = await client.get(path)
        assert (refused.status_code, refused.json()["facts"]["reason"]) == (503, "breaker_open")


@pytest.mark.parametrize(
    "written",
    [
        b"GET /api/v1/upstream/public HTTP/1.1\r\nHost: x\r\nX-Bad: a\x01b\r\n\r\n",
        b"GET /api/v1/upstream/public?q=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/upstream/public?q=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/upstream/public HTTP/1.1\r\nHost: x\r\nX-Bad: \xc3\xa4\r\n\r\n",
        b"GET /api/v1/upstream/public?" + b"q" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_nobody_can_open_a_breaker_by_what_they_write(prepared: str, written: bytes) -> None:
    async with world(prepared, "split") as gateway:
        for _ in range(6):
            reader, writer = await gateway.connect()
            writer.write(written)
            told = await asyncio.wait_for(reader.readline(), 5)
            writer.close()
            assert told.split()[1] in (b"200", b"400", b"422"), told
        assert gateway.door.forwarder.breaker("upstream").state == "closed"


async def test_date_and_server_are_said_once(gateway: World) -> None:
    async with gateway.client() as client:
        answer = await client.get("/api/v1/upstream/public")
    assert len(answer.headers.get_list("date")) == 1
    assert len(answer.headers.get_list("content-length")) == 1


async def test_a_kept_connection_that_was_closed_is_no_failure_for_the_reader(
    prepared: str,
) -> None:
    """The service hangs up after every answer; a GET that meets that is sent again."""
    closing = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal closing
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            await writer.drain()
            closing += 1
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with world(prepared, "split", neighbours=f"http://127.0.0.1:{port}") as gateway:
        async with gateway.client() as client:
            for _ in range(10):
                told = await client.get("/api/v1/upstream/public")
                assert (told.status_code, told.text) == (200, "ok")
        assert closing == 10
    server.close()


@pytest.mark.parametrize("mode", MODES)
async def test_the_doors_own_cost_is_small(prepared: str, mode: Mode) -> None:
    """A guard against accidents, not a benchmark: hundreds of requests a second pass."""
    async with world(prepared, mode) as gateway, gateway.client({}) as client:
        await client.get("/api/v1/upstream/echo")
        started = time.perf_counter()
        for _ in range(50):
            assert (await client.get("/api/v1/upstream/echo")).status_code == 200
        assert time.perf_counter() - started < 5


async def nobody() -> str:
    """An address where nobody listens."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


async def _ok(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
