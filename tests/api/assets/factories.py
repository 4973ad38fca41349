"""Records of assets made through the API, and the roles of the source's matrix."""

from typing import Any
from uuid import UUID

import httpx2

from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope

ASSETS = "/api/v1/assets"
Grants = dict[str, Scope]

# TB ERP's matrix, as far as assets goes.
ASSET_MANAGER: Grants = {"assets.*": "all", "people.*.read": "all"}
ACCOUNTANT: Grants = {"assets.*.read": "all", "invoicing.*": "all", "people.*.read": "all"}
EMPLOYEE: Grants = {"assets.*.read": "own", "invoicing.*.read": "own", "people.*.read": "own"}


async def sent(client: httpx2.AsyncClient, path: str, body: Any, status: int = 201) -> Any:
    """The answer to a POST that must succeed."""
    answer = await client.post(f"{ASSETS}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def got(client: httpx2.AsyncClient, path: str, **params: Any) -> Any:
    """The answer to a GET that must succeed."""
    answer = await client.get(f"{ASSETS}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def new_asset(client: httpx2.AsyncClient, **values: Any) -> Any:
    """An asset that cost 1,200.00 EUR, without books."""
    given = {"name": "Laptop", "cost": "1200.00", "currency": "EUR", "books": []}
    return await sent(client, "/assets", given | values)


async def new_category(client: httpx2.AsyncClient, **values: Any) -> Any:
    """A category with one field."""
    fields = [{"key": "cpu", "label": "Processor", "type": "text"}]
    code = f"kind-{new_id().hex[-8:]}"
    return await sent(
        client, "/categories", {"code": code, "name": "Kind", "fields": fields} | values
    )


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def ids_of(page: Any) -> set[UUID]:
    """The ids on a page."""
    return {UUID(item["id"]) for item in page["items"]}
