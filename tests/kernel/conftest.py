"""A house with nothing in it but the toy service."""

from collections.abc import AsyncIterator

import pytest

from orrery.kernel import testing
from tests.toy.service import SERVICE


@pytest.fixture(scope="session")
async def toy_house() -> AsyncIterator[testing.House]:
    """The toy on a database of its own."""
    async with (
        testing.embedded_database() as url,
        testing.house(url, services={"toy": SERVICE}) as opened,
    ):
        yield opened
