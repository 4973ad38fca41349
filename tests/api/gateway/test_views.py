"""Composition: assets with their owners, as TB ERP describes it, and gracefully without people."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import pytest

from orrery.kernel.types.permission import Scope
from tests.api.gateway.kit import World, world
from tests.api.gateway.upstream import ADA, GRACE

VIEW = "/api/v1/views/assets-with-owners"
BOTH: dict[str, Scope] = {"assets.*": "all", "people.*.read": "all"}


def owners(answer: Any) -> list[str | None]:
    return [item["owner"] and item["owner"]["full_name"] for item in answer.json()["items"]]


async def test_one_call_to_assets_one_batched_call_to_people_merged(gateway: World) -> None:
    """Seed 4, section 7: the composition algorithm, steps 1 to 7."""
    async with gateway.client(BOTH) as client:
        answer = await client.get(VIEW)
    assert answer.status_code == 200, answer.text
    assert owners(answer) == ["Ada", None, "Grace", "Ada", None]
    assert answer.json()["missing"] == []
    assert len(gateway.seen.calls) == 2
    asked = parse_qs(gateway.seen.calls[1].partition("?")[2])["ids"][0].split(",")
    assert asked[:2] == [str(ADA), str(GRACE)]
    assert len(asked) == len(set(asked)) == 3


async def test_the_query_goes_to_assets_as_it_came_and_paging_is_kept(gateway: World) -> None:
    async with gateway.client(BOTH) as client:
        answer = await client.get(f"{VIEW}?status=active&status=assigned&limit=5&q=%C3%A4")
    assert gateway.seen.calls[0] == "assets?status=active&status=assigned&limit=5&q=%C3%A4"
    assert (answer.json()["next"], answer.json()["total"]) == ("cursor", 5)


async def test_the_view_is_partial_when_people_is_broken(gateway: World) -> None:
    """Issue 2 B: graceful when people is down."""
    gateway.seen.is_people_broken = True
    async with gateway.client(BOTH) as client:
        answer = await client.get(VIEW)
    assert answer.status_code == 200
    assert answer.json()["missing"] == ["people"]
    assert owners(answer) == [None] * 5
    assert answer.json()["items"][0]["assigned_employee_id"] == str(ADA)


async def test_the_view_is_partial_for_who_may_not_read_employees(gateway: World) -> None:
    async with gateway.client({"assets.*": "all"}) as client:
        answer = await client.get(VIEW)
    assert (answer.status_code, answer.json()["missing"]) == (200, ["people"])
    assert owners(answer) == [None] * 5


async def test_who_may_not_read_assets_gets_what_assets_says(gateway: World) -> None:
    async with gateway.client({"people.*.read": "all"}) as client:
        answer = await client.get(VIEW)
    assert (answer.status_code, answer.json()["code"]) == (403, "kernel.forbidden")
    assert answer.headers["content-type"] == "application/problem+json"
    assert gateway.seen.calls == []
    async with gateway.client() as client:
        assert (await client.get(VIEW)).status_code == 401


async def test_people_that_does_not_answer_in_time_is_left_out(
    prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orrery.services.gateway.neighbours.asking.TIMEOUT_SECONDS", 0.2)
    async with world(prepared) as gateway, gateway.client(BOTH) as client:

        async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
            await asyncio.sleep(30)

        gateway.house.runtime.directory.serve("people", silent)
        answer = await client.get(VIEW)
        assert (answer.status_code, answer.json()["missing"]) == (200, ["people"])


async def test_assets_being_down_is_503_by_name(prepared: str) -> None:
    """GW-3: the response names the service that failed."""
    async with world(prepared) as gateway, gateway.client(BOTH) as client:

        async def broken(_scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        gateway.house.runtime.directory.serve("assets", broken)
        answer = await client.get(VIEW)
        assert (answer.status_code, answer.json()["facts"]["service"]) == (503, "assets")
