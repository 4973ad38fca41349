"""An office over the API: what tests of invoicing's routes say in one line."""

from typing import Any

import httpx2

BASE = "/api/v1/invoicing"


async def got(client: httpx2.AsyncClient, path: str, **params: Any) -> Any:
    """What a GET answers; it must be 200."""
    answer = await client.get(f"{BASE}{path}", params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def posted(client: httpx2.AsyncClient, path: str, status: int = 201, **body: Any) -> Any:
    """What a POST answers; it must have the status."""
    answer = await client.post(f"{BASE}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def customer(client: httpx2.AsyncClient, **values: Any) -> Any:
    """A customer in euros."""
    return await posted(
        client, "/customers", **({"name": "Alfreds Futterkiste", "currency": "EUR"} | values)
    )


async def invoice(
    client: httpx2.AsyncClient, customer_id: str, total: str = "100", **values: Any
) -> Any:
    """An issued invoice of one line."""
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "lines": [{"description": "Chai", "unit_price": total}],
        "issue": True,
    }
    return await posted(client, "/invoices", **(body | values))
