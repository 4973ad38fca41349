"""Health, figures, the journal, and pages of other origins."""

import asyncio
import re
from typing import Any

import orjson
import pytest

from orrery.services.gateway.api import journal
from tests.api.gateway.kit import World, world

ECHO = "/api/v1/upstream/echo"


async def test_live_says_that_the_process_runs(gateway: World) -> None:
    async with gateway.client() as client:
        answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_ready_names_the_database_and_every_neighbour(gateway: World) -> None:
    async with gateway.client() as client:
        answer = await client.get("/health/ready")
    told = answer.json()
    assert (answer.status_code, told["status"], told["database"]) == (200, "ready", "up")
    assert sorted(told["services"]) == ["assets", "identity", "organization", "people", "upstream"]
    assert {state["state"] for state in told["services"].values()} == {"up"}


async def test_a_service_that_is_missing_degrades_and_identity_missing_is_unready(
    prepared: str,
) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        directory = gateway.house.runtime.directory
        directory._apps.pop("people")
        degraded = await client.get("/health/ready")
        assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
        assert degraded.json()["services"]["people"]["state"] == "unknown"
        directory._apps.pop("identity")
        await asyncio.sleep(1.05)
        unready = await client.get("/health/ready")
        assert (unready.status_code, unready.json()["status"]) == (503, "unready")


async def test_a_database_that_does_not_answer_is_unready(prepared: str) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        await gateway.house.runtime.database.close()
        unready = await client.get("/health/ready")
        assert unready.status_code == 503
        assert unready.json()["database"] == "PoolClosed"
        assert prepared.rpartition("@")[2] not in unready.text


async def test_figures_are_for_this_machine_or_for_who_has_the_token(prepared: str) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        settings = gateway.house.runtime.settings
        assert (await client.get("/metrics")).status_code == 200
        # Through a proxy of this machine everybody comes from this machine.
        passed_on = {"X-Forwarded-For": "1.2.3.4"}
        hidden = await client.get("/metrics", headers=passed_on)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "kernel.not_found")
        assert settings.metrics_token is None
        gateway.door.probes.token = "figures"
        for token, status in (("figures", 200), ("other", 404), ("ü", 404)):
            header = (b"Authorization", f"Bearer {token}".encode())
            sent = [header, (b"X-Forwarded-For", b"1.2.3.4")]
            assert (await client.get("/metrics", headers=sent)).status_code == status


async def test_requests_are_counted_by_route_and_strangers_invent_no_labels(
    gateway: World,
) -> None:
    async with gateway.client({}) as client:
        before = await client.get("/metrics")
        id = "0192aabb-0000-7000-8000-000000000001"
        await client.get(f"{ECHO}/{id}")
        await client.get("/invented/by/a/stranger")
        after = await client.get("/metrics")
    line = (
        'orrery_gateway_request_seconds_count{method="GET",'
        'route="/api/v1/upstream/echo/{id}",service="upstream",status="200"}'
    )
    assert count(after.text, line) - count(before.text, line) == 1
    assert id not in after.text
    assert "stranger" not in after.text


def count(text: str, line: str) -> float:
    found = re.search(re.escape(line) + r" (\S+)", text)
    return float(found[1]) if found else 0


@pytest.fixture
def lines() -> list[bytes]:
    """Where a journal writes for a test."""
    return []


async def test_every_request_leaves_one_structured_line(prepared: str, lines: list[bytes]) -> None:
    """GW-5, and one access log line per request, with the correlation id."""
    async with world(prepared) as gateway:
        gateway.door.journal = journal.Journal(level="INFO", is_json=True, write=lines.append)
        async with gateway.client({}) as client:
            await client.get(f"{ECHO}?secret=1", headers={"X-Request-ID": "line-1"})
            await client.get("/nowhere", headers={"X-Request-ID": "line-2"})
        gateway.door.journal.flush()
    told = [orjson.loads(line) for line in b"".join(lines).splitlines()]
    assert [(t["request_id"], t["status"], t["route"]) for t in told] == [
        ("line-1", 200, ECHO),
        ("line-2", 404, None),
    ]
    assert (told[0]["tenant"], told[0]["method"], told[0]["path"]) == ("acme", "GET", ECHO)
    assert told[0]["milliseconds"] > 0
    assert "secret" not in str(told)


async def test_a_path_cannot_forge_a_second_line(prepared: str, lines: list[bytes]) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        gateway.door.journal = journal.Journal(level="INFO", is_json=False, write=lines.append)
        await client.get("/a%0aforged%20line")
        gateway.door.journal.flush()
    assert b"".join(lines).count(b"\n") == 1


async def test_a_quiet_level_writes_nothing(prepared: str, lines: list[bytes]) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        gateway.door.journal = journal.Journal(level="WARNING", is_json=True, write=lines.append)
        await client.get("/health/live")
        gateway.door.journal.flush()
    assert lines == []


PREFLIGHT = {"Origin": "https://partner.example", "Access-Control-Request-Method": "POST"}


async def test_other_origins_are_shut_out_by_default(gateway: World) -> None:
    async with gateway.client({}) as client:
        refused = await client.options(ECHO, headers=PREFLIGHT)
        assert refused.status_code == 405
        answer = await client.get(ECHO, headers={"Origin": "https://partner.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_named_origin_may_read_and_others_still_may_not(prepared: str) -> None:
    allowed: dict[str, Any] = {"allowed_origins": "https://partner.example"}
    async with world(prepared, **allowed) as gateway, gateway.client({}) as client:
        preflight = await client.options(ECHO, headers=PREFLIGHT)
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "https://partner.example"
        answer = await client.get(ECHO, headers={"Origin": "https://partner.example"})
        assert answer.headers["access-control-allow-origin"] == "https://partner.example"
        assert answer.headers["vary"] == "Origin"
        evil = await client.get(ECHO, headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers


async def test_production_asks_for_https_and_development_does_not(prepared: str) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        answer = await client.get("/health/live")
        assert "strict-transport-security" not in answer.headers
    async with world(prepared, environment="production") as gateway, gateway.client() as client:
        answer = await client.get("/health/live")
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
