"""The world of the stories, in each mode."""

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.world import World, open_world


@pytest.fixture(scope="module", params=["one process", "five processes"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A running house with a tenant of its own."""
    async with open_world(request.param) as opened:
        yield opened
