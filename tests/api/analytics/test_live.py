"""The live stream: the figures, then what changes, within two seconds of the commit (AN-1)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import orjson
import pytest

from orrery.contracts import assets
from orrery.kernel import testing
from orrery.kernel.db import ReadTx
from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope
from orrery.services.analytics.queries import figures, live
from tests.actions.analytics.conftest import announce, asset, wipe

ALL: dict[str, Scope] = {"*": "all"}
PATH = "/api/v1/analytics/live"


class Listener:
    """A client of a stream, spoken to without a network in between."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_over = asyncio.Event()
        self.leaves = asyncio.Event()
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        """The request, then silence until the client leaves."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take in what the service says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        elif message.get("body"):
            self._texts.put_nowait(message["body"].decode())

    async def text(self, seconds: float = 5) -> str:
        """The next thing said, comments included."""
        return await asyncio.wait_for(self._texts.get(), seconds)

    async def event(self, seconds: float = 5) -> tuple[str, dict[str, Any]]:
        """The next event: its name and data."""
        async with asyncio.timeout(seconds):
            while True:
                lines = (await self._texts.get()).strip().split("\n")
                fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
                if "event" in fields:
                    return fields["event"], orjson.loads(fields["data"])


@asynccontextmanager
async def listening(
    house: House, tenant: str, grants: dict[str, Scope] | None = None
) -> AsyncIterator[Listener]:
    """A client that listens until the block ends."""
    listener = Listener()
    token = house.token(ALL if grants is None else grants, tenant=tenant)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }

    async def run() -> None:
        await house(scope, listener.receive, listener.send)
        listener.is_over.set()

    task = asyncio.create_task(run())
    try:
        yield listener
    finally:
        listener.leaves.set()
        await asyncio.wait_for(task, 5)


@pytest.fixture(scope="module")
async def company(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant()


@pytest.fixture
async def tenant(house: House, company: str) -> str:
    """A tenant without any figures yet."""
    await wipe(house, company)
    return company


async def test_the_first_event_is_the_figures_and_then_only_what_changes(
    house: House, tenant: str
) -> None:
    """First event = current figures, then changes."""
    async with listening(house, tenant) as listener:
        name, shown = await listener.event()
        assert listener.status == 200
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        assert name == "figures"
        assert (shown["assets_total"], shown["assets_value"]) == (0, "0.00")
        await announce(house, tenant, asset("250"))
        await house.settle()
        name, changes = await listener.event()
        assert name == "changes"
        assert changes == {
            "assets_total": 1,
            "assets_available": 1,
            "assets_value": "250.00",
            "assets_value.EUR": "250.00",
            "assets_by_status.active": 1,
            "assets_by_category.Laptops": 1,
        }


async def test_every_change_of_the_same_asset_is_told(house: House, tenant: str) -> None:
    """Changes are seen although no row is added, only amounts move in the same ones."""
    created = asset("250")
    async with listening(house, tenant) as listener:
        await listener.event()
        await announce(house, tenant, created)
        await house.settle()
        await listener.event()
        for before, after in (("250", "300"), ("300", "275")):
            told = (created.asset_id, Decimal(before), Decimal(after), "EUR")
            await announce(house, tenant, assets.AssetCostChanged(*told))
            await house.settle()
            _, changes = await listener.event()
            assert changes == {"assets_value": f"{after}.00", "assets_value.EUR": f"{after}.00"}


async def test_a_change_is_seen_within_two_seconds_of_its_commit(house: House, tenant: str) -> None:
    """AN-1: live KPIs (lag < 2 s) from events, with relay and worker running as they do."""
    async with testing.house(house.url) as running:
        running.runtime.start_background()
        async with listening(running, tenant) as listener:
            await listener.event()
            lags = []
            for number in range(1, 4):
                await announce(running, tenant, asset("10"))
                committed = asyncio.get_running_loop().time()
                _, changes = await listener.event()
                lags.append(asyncio.get_running_loop().time() - committed)
                assert changes["assets_total"] == number
    assert max(lags) < 2


async def test_a_stream_shows_only_what_its_reader_may_see(house: House, tenant: str) -> None:
    """Figures of what a role may not see are left out, live as well; no event says nothing."""
    mine: dict[str, Scope] = {"analytics.*": "all", "people.*.read": "all"}
    async with listening(house, tenant, mine) as blind, listening(house, tenant) as seeing:
        _, shown = await blind.event()
        assert shown.keys() == {"as_of", "currency", "head_count"}
        await seeing.event()
        await announce(house, tenant, asset("1"))
        await house.settle()
        await seeing.event()
        with pytest.raises(TimeoutError):
            await blind.event(seconds=0.7)


async def test_many_watchers_share_one_look_and_the_last_one_ends_it(
    house: House, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many clients share one poll per tenant and process; nobody watching, nobody looks."""
    looks = 0
    real = figures.moves_so_far

    async def counted(tx: ReadTx) -> int:
        nonlocal looks
        looks += 1
        return await real(tx)

    monkeypatch.setattr(figures, "moves_so_far", counted)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.1)
    hub = live.hub_of(house.runtime.hosts["analytics"])
    watchers = [listening(house, tenant) for _ in range(20)]
    listeners = [await watcher.__aenter__() for watcher in watchers]
    for listener in listeners:
        await listener.event()
    assert [watch.watchers for watch in hub._watches.values()] == [20]
    before = looks
    await asyncio.sleep(0.55)
    assert 2 <= looks - before <= 7
    for watcher in watchers:
        await watcher.__aexit__(None, None, None)
    assert hub._watches == {}
    assert hub._tasks == {}
    before = looks
    await asyncio.sleep(0.3)
    assert looks == before


async def test_a_quiet_stream_says_that_it_is_still_there(
    house: House, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeat comments keep proxies from cutting the connection."""
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    async with listening(house, tenant) as listener:
        assert await listener.text() == "retry: 2000\n\n"
        await listener.event()
        assert await listener.text(seconds=1) == ": still here\n\n"


async def test_a_stream_ends_with_the_house(house: House, tenant: str) -> None:
    """Ends cleanly on shutdown: at once, not after the next heartbeat."""
    stopping = house.runtime.stopping
    async with listening(house, tenant) as listener:
        await listener.event()
        stopping.set()
        try:
            await asyncio.wait_for(listener.is_over.wait(), 2)
        finally:
            stopping.clear()


async def test_a_stream_ends_after_a_while_so_that_a_revoked_token_expires(
    house: House, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is checked when the stream begins; the browser comes back with a fresh one."""
    monkeypatch.setattr(live, "STREAM_SECONDS", 0.3)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    async with listening(house, tenant) as listener:
        await listener.event()
        await asyncio.wait_for(listener.is_over.wait(), 2)


async def test_a_stream_ends_when_the_tenant_is_suspended(house: House, tenant: str) -> None:
    """A suspended tenant is shut out everywhere, also from what it was watching."""
    async with listening(house, tenant) as listener:
        await listener.event()
        await house.runtime.set_state(tenant, "suspended")
        try:
            await asyncio.wait_for(listener.is_over.wait(), 3)
        finally:
            await house.runtime.set_state(tenant, "active")


async def test_one_watcher_too_many_is_refused(
    house: House, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything has a limit."""
    monkeypatch.setattr(live, "WATCHERS_LIMIT", 1)
    async with listening(house, tenant) as listener:
        await listener.event()
        async with house.client(ALL, tenant=tenant) as client:
            refused = await client.get(PATH)
        assert (refused.status_code, refused.json()["code"]) == (503, "kernel.unavailable")
    assert cast(Any, live.hub_of(house.runtime.hosts["analytics"]))._watches == {}
