"""Fixtures for every test; the kit itself is ``orrery.kernel.testing``."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

# Cheap password hashing and quiet logs, before any settings are read.
os.environ.setdefault("ORRERY_ENVIRONMENT", "test")
os.environ.setdefault("ORRERY_LOG_LEVEL", "WARNING")
os.environ.setdefault("ORRERY_IDENTITY_ARGON2_MEMORY_KIB", "64")
os.environ.setdefault("ORRERY_IDENTITY_ARGON2_TIME_COST", "1")

from orrery.kernel import clock, log, testing

# Before that, structlog prints tracebacks with local variables, which takes seconds.
log.configure(level="WARNING", form="json")


@pytest.fixture(scope="session")
async def database() -> AsyncIterator[str]:
    """A throw-away PostgreSQL for this test process."""
    async with testing.embedded_database() as url:
        yield url


@pytest.fixture(scope="session")
async def house(database: str) -> AsyncIterator[testing.House]:
    """All services in one process, with the tenants acme and globex."""
    only = [name for name in os.environ.get("ORRERY_TEST_SERVICES", "").split(",") if name]
    async with testing.house(database, only=only) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _released_clock() -> Iterator[None]:
    yield
    clock.set(None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real input from outside the repository; tests skip where it is absent."""
    folder = Path(
        os.environ.get("ORRERY_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
    )
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder
