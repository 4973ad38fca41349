"""A small company for tests over the API."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx2

PEOPLE = "/api/v1/people"


async def post(client: httpx2.AsyncClient, path: str, body: Any = None, status: int = 201) -> Any:
    """The answer to a POST that must succeed."""
    response = await client.post(f"{PEOPLE}{path}", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def get(client: httpx2.AsyncClient, path: str, status: int = 200) -> Any:
    """The answer to a GET."""
    response = await client.get(f"{PEOPLE}{path}")
    assert response.status_code == status, response.text
    return response.json()


async def hire(client: httpx2.AsyncClient, first_name: str, **more: Any) -> dict[str, Any]:
    """A new employee."""
    body = {"first_name": first_name, "last_name": "Lee", "hired_on": "2026-01-05"} | more
    made: dict[str, Any] = await post(client, "/employees", _plain(body))
    return made


async def refused(
    client: httpx2.AsyncClient, verb: str, path: str, body: Any = None
) -> tuple[int, str]:
    """Status and code of a request that must fail."""
    response = await client.request(verb, f"{PEOPLE}{path}", json=body)
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, UUID) else v for k, v in body.items()}
