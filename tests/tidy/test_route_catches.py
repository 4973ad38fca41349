"""The route check catches a bare route on a real app, and lets a dressed one pass."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, Public, ReadTx, SignedIn, internal_routes, routes
from orrery.kernel.types.permission import Permission
from tests.tidy.routes import bare_routes

ORDER_READ = Permission("shop.order.read", "See orders")
Endpoint = Callable[..., Any]


async def permitted(tx: ReadTx, caller: Annotated[Caller, May(ORDER_READ)]) -> list[str]:
    """List the orders."""
    return []


async def public(caller: Public) -> list[str]:
    """List the orders."""
    return []


async def signed_in(caller: SignedIn) -> None:
    """Sign out."""


async def unguarded() -> list[str]:
    """List the orders."""
    return []


async def guarded_by_its_transaction_only(tx: ReadTx) -> list[str]:
    """List the orders: the token is checked, the permission is not."""
    return []


async def untold(caller: Public) -> list[str]:
    return []


async def untyped(caller: Public):  # type: ignore[no-untyped-def]  # what the check must catch
    """List the orders."""
    return []


async def loosely_typed(caller: Public) -> Any:
    """List the orders."""
    return []


def offences(endpoint: Endpoint, router: APIRouter, prefix: str) -> list[str]:
    router.get("/orders")(endpoint)
    app = FastAPI()
    app.include_router(router, prefix=prefix)
    return [offence.key for offence in bare_routes(app.routes)]


@pytest.mark.parametrize("endpoint", [permitted, public, signed_in])
def test_a_dressed_route_passes(endpoint: Endpoint) -> None:
    assert offences(endpoint, routes("/shop", tags="shop"), "/api/v1/shop") == []


@pytest.mark.parametrize(
    "endpoint, what",
    [
        (unguarded, "neither May(...) nor Public nor SignedIn in its signature"),
        (
            guarded_by_its_transaction_only,
            "neither May(...) nor Public nor SignedIn in its signature",
        ),
        (untold, "no docstring"),
        (untyped, "no answer type"),
        (loosely_typed, "no answer type"),
    ],
)
def test_a_bare_route_is_caught(endpoint: Endpoint, what: str) -> None:
    found = offences(endpoint, routes("/shop", tags="shop"), "/api/v1/shop")
    assert found == [f"GET /api/v1/shop/shop/orders: {what}"]


def test_an_internal_route_needs_no_permission_but_a_service() -> None:
    assert offences(unguarded, internal_routes(), "/internal/shop") == []
    assert offences(unguarded, APIRouter(), "/internal/shop") == [
        "GET /internal/shop/orders: internal, but open to anybody"
    ]
