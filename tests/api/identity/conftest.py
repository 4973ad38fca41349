"""Fixtures of identity's API tests."""

import pytest

from orrery.kernel.testing import House
from tests.api.identity.visitors import HOME


@pytest.fixture(scope="package", autouse=True)
async def _keys(house: House) -> None:
    """The first signing key is made today, not on the day that some test sets the clock to."""
    async with house.client() as client:
        assert (await client.get(f"{HOME}/jwks")).status_code == 200
