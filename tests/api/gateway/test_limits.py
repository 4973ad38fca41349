"""Rate limits, load shedding and request limits at a real server."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tests.api.gateway.kit import World, world

ECHO = "/api/v1/upstream/echo"
SLOW = "/api/v1/upstream/slow"
IMPORTS = "/api/v1/upstream/imports"


async def statuses(client: httpx2.AsyncClient, path: str, count: int) -> list[int]:
    return [(await client.get(path)).status_code for _ in range(count)]


async def test_a_user_over_the_limit_gets_429_with_retry_after_and_quota(prepared: str) -> None:
    """GW-2: "429 + Retry-After and remaining-quota headers"."""
    async with world(prepared, user_per_minute=3) as gateway, gateway.client({}) as client:
        first = await client.get(ECHO)
        assert first.headers["x-ratelimit-limit"] == "3"
        assert first.headers["x-ratelimit-remaining"] == "2"
        assert await statuses(client, ECHO, 2) == [200, 200]
        refused = await client.get(ECHO)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "gateway.too_many_requests"
        assert refused.json()["facts"]["limited"] == "user"
        assert 18 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert len(gateway.seen.calls) == 3
        async with gateway.client({}) as other:
            assert (await other.get(ECHO)).status_code == 200


async def test_a_tenant_is_limited_over_all_its_users_and_another_tenant_is_not(
    prepared: str,
) -> None:
    """GW-2: limits per tenant."""
    async with world(prepared, tenant_per_minute=4) as gateway:
        told = []
        for _ in range(6):
            async with gateway.client({}) as client:
                told += await statuses(client, ECHO, 1)
        assert told == [200] * 4 + [429] * 2
        async with gateway.client({}, tenant="globex") as other:
            assert await statuses(other, ECHO, 3) == [200] * 3


async def test_who_hammers_at_a_limit_is_answered_slowly_and_the_others_are_not(
    prepared: str,
) -> None:
    """GW-2: one tenant at its limit does not raise another tenant's waiting time."""
    changes: dict[str, Any] = {"tenant_per_minute": 10, "refused_seconds": 0.2}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        told: list[int] = []

        async def hammer() -> None:
            while True:
                told.append((await client.get(ECHO)).status_code)

        hammers = [asyncio.create_task(hammer()) for _ in range(4)]
        await asyncio.sleep(1)
        async with gateway.client({}, tenant="globex") as other:
            started = time.perf_counter()
            assert await statuses(other, ECHO, 5) == [200] * 5
            took = time.perf_counter() - started
        for task in hammers:
            task.cancel()
        await asyncio.gather(*hammers, return_exceptions=True)
    assert told.count(200) == 10
    # Four clients get five refusals a second each instead of hundreds.
    assert told.count(429) <= 4 * (1 + took) / 0.2 + 4


async def test_signing_in_is_limited_per_address(prepared: str) -> None:
    async with world(prepared, sign_in_per_minute=3) as gateway, gateway.client() as client:
        told = [await client.post("/api/v1/upstream/sessions") for _ in range(5)]
        assert [answer.status_code for answer in told] == [200] * 3 + [429] * 2
        assert told[-1].json()["facts"]["limited"] == "sign_in"
        assert gateway.seen.calls == ["sign-in"] * 3
        assert (await client.get("/api/v1/upstream/public")).status_code == 200


async def test_strangers_are_limited_per_address_also_with_made_up_credentials(
    prepared: str,
) -> None:
    async with world(prepared, address_per_minute=4) as gateway, gateway.client() as client:
        told = []
        for number in range(6):
            header = {"Cookie": f"orrery_session=acme.{number:043}"}
            told.append((await client.get(ECHO, headers=header)).status_code)
        assert told == [401] * 4 + [429] * 2
        assert await statuses(client, "/health/live", 3) == [200] * 3


async def test_the_address_of_a_client_behind_a_trusted_proxy_is_the_last_strange_one(
    prepared: str,
) -> None:
    changes: dict[str, Any] = {
        "sign_in_per_minute": 1,
        "trusted_proxies": "127.0.0.0/8, 10.0.0.0/8",
    }
    async with world(prepared, **changes) as gateway, gateway.client() as client:
        path = "/api/v1/upstream/sessions"

        async def sign_in(hops: str) -> int:
            answer = await client.post(path, headers={"X-Forwarded-For": hops})
            return answer.status_code

        assert await sign_in("1.1.1.1, 10.0.0.3") == 200
        assert await sign_in("9.9.9.9, 1.1.1.1, 10.0.0.3") == 429
        assert await sign_in("2.2.2.2, 10.0.0.4") == 200


async def test_no_more_than_the_slots_are_at_work_and_the_rest_wait_their_turn(
    prepared: str,
) -> None:
    async with world(prepared, slots=3, tenant_slots=3) as gateway, gateway.client({}) as client:
        jobs = [client.get(SLOW, params={"milliseconds": 40}) for _ in range(12)]
        answers = await asyncio.gather(*jobs)
        assert [answer.status_code for answer in answers] == [200] * 12
        assert gateway.seen.most_at_work == 3


async def test_a_full_queue_answers_503_with_retry_after(prepared: str) -> None:
    changes: dict[str, Any] = {"slots": 1, "tenant_slots": 1, "queue_length": 2}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        jobs = [client.get(SLOW, params={"milliseconds": 200}) for _ in range(6)]
        answers = await asyncio.gather(*jobs)
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 3
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json()["code"] == "gateway.overloaded"
        assert refused.json()["facts"]["reason"] == "queue_full"
        assert int(refused.headers["retry-after"]) >= 1


async def test_waiting_too_long_answers_503_and_gives_the_place_back(prepared: str) -> None:
    changes: dict[str, Any] = {"slots": 1, "tenant_slots": 1, "queue_seconds": 0.1}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        busy = asyncio.create_task(client.get(SLOW, params={"milliseconds": 400}))
        await asyncio.sleep(0.05)
        refused = await client.get(ECHO)
        assert (refused.status_code, refused.json()["facts"]["reason"]) == (503, "queue_wait")
        assert (await busy).status_code == 200
        assert (await client.get(ECHO)).status_code == 200


async def test_a_flood_of_one_tenant_does_not_keep_another_waiting(prepared: str) -> None:
    """GW-2: one tenant's load is not another tenant's wait: the queue takes turns."""
    changes: dict[str, Any] = {"slots": 2, "tenant_slots": 2, "queue_length": 100}
    async with world(prepared, **changes) as gateway, gateway.client({}) as flood:
        jobs = [
            asyncio.create_task(flood.get(SLOW, params={"milliseconds": 30})) for _ in range(40)
        ]
        await asyncio.sleep(0.05)
        async with gateway.client({}, tenant="globex") as small:
            started = time.perf_counter()
            answers = [await small.get(SLOW, params={"milliseconds": 30}) for _ in range(3)]
            took = time.perf_counter() - started
        assert [answer.status_code for answer in answers] == [200] * 3
        unfinished = sum(not job.done() for job in jobs)
        # In one line the three would wait for the forty before them; in turns each waits for one.
        assert unfinished >= 20, f"{took} s"
        await asyncio.gather(*jobs)


async def test_a_tenant_cannot_take_every_slot(prepared: str) -> None:
    changes: dict[str, Any] = {"slots": 4, "tenant_slots": 3}
    async with world(prepared, **changes) as gateway, gateway.client({}) as flood:
        jobs = [
            asyncio.create_task(flood.get(SLOW, params={"milliseconds": 300})) for _ in range(6)
        ]
        await asyncio.sleep(0.1)
        async with gateway.client({}, tenant="globex") as small:
            started = time.perf_counter()
            assert (await small.get(ECHO)).status_code == 200
            assert time.perf_counter() - started < 0.15
        await asyncio.gather(*jobs)
        assert gateway.seen.most_at_work == 3


async def test_a_client_that_leaves_the_queue_gives_its_place_back(prepared: str) -> None:
    changes: dict[str, Any] = {"slots": 1, "tenant_slots": 1, "queue_length": 1}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        busy = asyncio.create_task(client.get(SLOW, params={"milliseconds": 250}))
        await asyncio.sleep(0.05)
        with pytest.raises(httpx2.TimeoutException):
            await client.get(ECHO, timeout=0.05)
        # uvicorn does not stop a request whose client left, so it still waits; it ends in turn.
        assert (await busy).status_code == 200
        assert (await client.get(ECHO)).status_code == 200


async def test_a_body_over_the_limit_is_413_before_it_is_read(gateway: World) -> None:
    """Issue 2 B: request size limits; 10 MB, imports 100 MB."""
    async with gateway.client({}) as client:
        refused = await client.post(ECHO, content=b"x" * 10_000_001)
        assert refused.status_code == 413
        assert refused.json()["facts"] == {"limit": 10_000_000}
        assert gateway.seen.calls == []
    async with gateway.client({}) as client:
        assert (await client.post(ECHO, content=b"x" * 10_000_000)).json()["size"] == 10_000_000
        imported = await client.post(IMPORTS, content=b"x" * 10_000_001)
        assert imported.json()["size"] == 10_000_001


async def test_a_body_of_unknown_length_is_413_as_soon_as_it_is_too_large(prepared: str) -> None:
    async with world(prepared, import_bytes=500_000) as gateway, gateway.client({}) as client:
        reader, writer = await gateway.connect()
        token = client.headers["Authorization"]
        writer.write(
            f"POST {IMPORTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        reading = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        pieces = 0
        while not reading.done() and pieces < 1000:
            writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
            pieces += 1
        told = await asyncio.wait_for(reading, 5)
        writer.close()
        assert told.startswith(b"HTTP/1.1 413")
        # Told soon after the fiftieth piece, long before a client that never stops would stop.
        assert 50 < pieces < 1000


async def test_a_request_that_takes_too_long_is_504_and_names_the_service(prepared: str) -> None:
    async with world(prepared, request_seconds=0.2) as gateway, gateway.client({}) as client:
        late = await client.get(SLOW, params={"milliseconds": 5000})
        assert (late.status_code, late.json()["code"]) == (504, "gateway.timed_out")
        assert late.json()["facts"]["service"] == "upstream"
        # What was started was stopped, not left running.
        assert gateway.seen.at_work == 0
        export = await client.get(
            "/api/v1/upstream/export", params={"pieces": 6, "milliseconds": 60}
        )
        assert export.text.count("\n") == 6


async def test_a_body_that_stops_coming_is_408_and_holds_no_slot(prepared: str) -> None:
    """A slow client must not keep others from being served."""
    changes: dict[str, Any] = {"slots": 1, "tenant_slots": 1, "pause_seconds": 0.4}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        reader, writer = await gateway.connect()
        token = client.headers["Authorization"]
        writer.write(
            f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Content-Length: 1000\r\n\r\nonly this".encode()
        )
        await writer.drain()
        await asyncio.sleep(0.1)
        assert (await client.get(ECHO)).status_code == 200
        told = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert told.startswith(b"HTTP/1.1 408")
        assert b"gateway.body_too_slow" in told
        assert len(gateway.seen.calls) == 1


async def test_a_body_that_drips_is_408(prepared: str) -> None:
    changes: dict[str, Any] = {"pause_seconds": 0.2, "body_bytes_per_second": 100_000}
    async with world(prepared, **changes) as gateway, gateway.client({}) as client:
        reader, writer = await gateway.connect()
        token = client.headers["Authorization"]
        writer.write(
            f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            "Content-Length: 1000\r\n\r\n".encode()
        )
        reading = asyncio.create_task(reader.read())
        for _ in range(40):
            if reading.done():
                break
            writer.write(b"x")
            await asyncio.sleep(0.05)
        told = await asyncio.wait_for(reading, 5)
        writer.close()
        assert told.startswith(b"HTTP/1.1 408")
        assert gateway.seen.calls == []
