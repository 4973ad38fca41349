"""Fixtures for the gateway's tests: a gateway in each of the two modes."""

from collections.abc import AsyncIterator

import pytest

from orrery.kernel.testing import House
from tests.api.gateway.kit import MODES, World, world


@pytest.fixture(scope="session", params=MODES)
async def usual(house: House, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A gateway with its usual settings, in one process and over HTTP."""
    async with world(house.url, request.param) as opened:
        yield opened


@pytest.fixture
def gateway(usual: World) -> World:
    """The usual gateway; what its services saw before is forgotten."""
    usual.seen.forget()
    return usual


@pytest.fixture
def prepared(house: House) -> str:
    """The address of a migrated database with the tenants acme and globex."""
    return house.url
