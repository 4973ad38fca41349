"""Routing: only what is published, unchanged on its way, in one process as over HTTP."""

import pytest

from orrery.kernel.testing import House
from tests.api.gateway.kit import World

ECHO = "/api/v1/upstream/echo"


async def test_a_request_arrives_as_it_was_sent(gateway: World) -> None:
    async with gateway.client({}) as client:
        answer = await client.post(f"{ECHO}?a=1&a=2&q=%C3%A4%2F", content=b"x" * 70_000)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["method"], told["path"], told["query"]) == ("POST", ECHO, "a=1&a=2&q=%C3%A4%2F")
    assert (told["size"], told["tenant"]) == (70_000, "acme")


async def test_methods_and_variables_find_their_routes(gateway: World) -> None:
    async with gateway.client({}) as client:
        for method in ("GET", "PUT", "DELETE"):
            assert (await client.request(method, ECHO)).json()["method"] == method
        id = "0192aabb-0000-7000-8000-000000000001"
        assert (await client.get(f"{ECHO}/{id}")).json() == {"id": id}
        assert (await client.get(f"{ECHO}/nonsense")).status_code == 422
        head = await client.head(ECHO)
        assert (head.status_code, head.content) == (200, b"")
        wrong = await client.patch(ECHO)
        assert wrong.status_code == 405
        assert wrong.headers["allow"] == "DELETE, GET, POST, PUT"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/upstream/nothing",
        "/api/v1/upstream/echo/",
        "/api/v1/unknown/things",
        "/api/v1/gateway/x",
        "/internal/upstream/secret",
        "/api/v1/upstream/%2e%2e/%2e%2e/internal/upstream/secret",
        "/api/v1/upstream/..%2f..%2finternal%2fupstream%2fsecret",
        "/api/v1/upstream/echo%00",
        "/api/v1/evil.example:80/x",
    ],
)
async def test_what_is_not_published_is_not_reachable(gateway: World, path: str) -> None:
    """GW-1: default deny."""
    async with gateway.client({"*": "all"}) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "kernel.not_found")
    assert gateway.seen.calls == []


async def test_a_route_without_a_declared_caller_is_not_reachable(gateway: World) -> None:
    """GW-1: "a request without a declared scope is refused (default deny)"."""
    async with gateway.client({"*": "all"}) as client:
        assert (await client.get("/api/v1/upstream/unguarded")).status_code == 404
        document = (await client.get("/openapi.json")).json()
    assert gateway.seen.calls == []
    assert "/api/v1/upstream/unguarded" not in document["paths"]
    assert "/api/v1/upstream/things" in document["paths"]


async def test_internal_headers_of_a_client_are_dropped(gateway: World) -> None:
    """DESIGN 2: nobody outside may speak as a part of the house."""
    sent = {
        "X-Orrery-Tenant": "globex",
        "x-orrery-anything": "1",
        "X-Forwarded-For": "10.9.9.9",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=10.9.9.9",
        "X-Real-IP": "10.9.9.9",
        "X-Kept": "yes",
    }
    async with gateway.client({}) as client:
        arrived = (await client.get(ECHO, headers=sent)).json()["headers"]
    assert not [name for name in arrived if name.startswith("x-orrery-")]
    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert "10.9.9.9" not in str(arrived)
    assert "evil.example" not in str(arrived)
    assert arrived["x-kept"] == "yes"


async def test_the_correlation_id_goes_from_the_edge_to_the_service_and_back(
    gateway: World,
) -> None:
    """GW-5: correlation id from edge to last log line and event."""
    async with gateway.client({}) as client:
        mine = await client.get(ECHO, headers={"X-Request-ID": "order-4711"})
        assert mine.headers.get_list("x-request-id") == ["order-4711"]
        made = await client.get(ECHO, headers={"X-Request-ID": "two words"})
        fresh = made.headers["x-request-id"]
        assert len(fresh) == 32
        assert gateway.seen.request_ids == ["order-4711", fresh]
        refused = await client.get("/api/v1/upstream/nothing", headers={"X-Request-ID": "r-1"})
        assert refused.json()["request_id"] == "r-1"


async def test_the_correlation_id_is_kept_with_what_was_written(
    house: House, gateway: World
) -> None:
    """GW-5: also the event and the history know it."""
    async with gateway.client({"organization.*": "all"}, tenant="globex") as client:
        path = "/api/v1/organization/profile"
        title = (await client.get(path)).json()["logo_text"]
        changed = await client.patch(
            path, json={"logo_text": f"{title[:20]}+"}, headers={"X-Request-ID": "trace-7"}
        )
        assert changed.status_code == 200, changed.text
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select name from organization.outbox where request_id = 'trace-7'"
        )
        assert ("organization.profile_changed.v1",) in await cursor.fetchall()


async def test_a_service_keeps_its_own_headers_and_the_door_adds_the_rest(gateway: World) -> None:
    async with gateway.client({}) as client:
        answer = await client.get("/api/v1/upstream/own-headers")
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "access-control-allow-origin" not in answer.headers
    assert len(answer.headers.get_list("x-request-id")) == 1


async def test_a_bug_of_a_service_is_a_plain_500_and_the_door_lives_on(gateway: World) -> None:
    async with gateway.client({}) as client:
        broken = await client.get("/api/v1/upstream/boom")
        assert (broken.status_code, broken.json()["code"]) == (500, "kernel.bug")
        assert "RuntimeError" not in broken.text
        assert (await client.get(ECHO)).status_code == 200


async def test_large_headers_are_refused(gateway: World) -> None:
    async with gateway.client({}) as client:
        answer = await client.get(ECHO, headers={"X-Large": "x" * 40_000})
    assert (answer.status_code, answer.json()["code"]) == (431, "gateway.headers_too_large")
    assert gateway.seen.calls == []
