"""Figures as they change: one look at the tallies per tenant and process, however many watch.

Looking is one small sum twice a second while somebody watches, and nothing otherwise. A watcher
that reads slowly misses steps in between, never the last one; nothing is queued for it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from orrery.kernel import clock, log
from orrery.kernel.caller import Caller
from orrery.kernel.types.refusal import Refusal, Unavailable
from orrery.services.analytics.queries import figures
from orrery.services.analytics.rules.figures import FigureSet, changes

# A change has to be seen within two seconds of its commit; the relay and worker need some of them.
LOOK_SECONDS = 0.5
# Proxies cut connections that say nothing for a minute, some after half of one.
HEARTBEAT_SECONDS = 15.0
# The token was good when the stream began; ending it now and then lets a revoked one expire too.
STREAM_SECONDS = 300.0
WATCHERS_LIMIT = 1000

logger = log.logger("analytics")


@dataclass
class Watch:
    """The latest figures of one tenant; ``turn`` grows whenever they change."""

    figures: FigureSet | None = None
    turn: int = 0
    watchers: int = 0
    is_over: bool = False

    def __post_init__(self) -> None:
        self.news = asyncio.Event()

    def tell(self, latest: FigureSet | None, *, is_over: bool = False) -> None:
        """Wake everybody who waits."""
        self.figures, self.turn, self.is_over = latest, self.turn + 1, is_over
        self.news.set()
        self.news = asyncio.Event()


class Hub:
    """The watches of one process."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._watches: dict[str, Watch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def admit(self) -> None:
        """Refuse one watcher more than this process can serve. Refuses: Unavailable."""
        if sum(watch.watchers for watch in self._watches.values()) >= WATCHERS_LIMIT:
            raise Unavailable(reason="too_many_watchers", limit=WATCHERS_LIMIT)

    @asynccontextmanager
    async def watching(self, tenant: str) -> AsyncIterator[Watch]:
        """Watch a tenant's figures; the first one starts the looking, the last one ends it."""
        watch = self._watches.get(tenant)
        if watch is None:
            watch = self._watches[tenant] = Watch()
            self._tasks[tenant] = asyncio.create_task(self._look(tenant, watch))
        watch.watchers += 1
        try:
            yield watch
        finally:
            watch.watchers -= 1
            if watch.watchers == 0:
                self._forget(tenant, watch)

    def _forget(self, tenant: str, watch: Watch) -> None:
        if self._watches.get(tenant) is watch:
            del self._watches[tenant]
            self._tasks.pop(tenant).cancel()

    async def _look(self, tenant: str, watch: Watch) -> None:
        seen: object = None
        while True:
            try:
                async with self._host.transaction(tenant) as tx:
                    now = (await figures.moves_so_far(tx), tx.caller.today)
                    if now != seen:
                        watch.tell(await figures.all_figures(tx, tx.caller.today))
                        seen = now
            except Refusal as refusal:
                # The tenant is suspended or gone: its watchers are sent away.
                logger.info("watch over", tenant=tenant, reason=refusal.code)
                watch.tell(None, is_over=True)
                return
            except Exception as error:
                logger.warning("looking at the figures failed", tenant=tenant, error=str(error))
            await asyncio.sleep(LOOK_SECONDS)


_hubs: WeakKeyDictionary[Any, Hub] = WeakKeyDictionary()


def hub_of(host: Any) -> Hub:
    """The hub of a process's service."""
    if host not in _hubs:
        _hubs[host] = Hub(host)
    return _hubs[host]


def open_stream(host: Any, caller: Caller) -> AsyncIterator[bytes]:
    """Server-sent events: the figures, then what changes. Refuses: Unavailable."""
    hub_of(host).admit()
    return _stream(host, caller)


async def _stream(host: Any, caller: Caller) -> AsyncIterator[bytes]:
    """Speak until the client or the house goes, or the stream is old enough."""
    stopping: asyncio.Event = host.runtime.stopping
    ends_at = asyncio.get_running_loop().time() + STREAM_SECONDS
    shown: dict[str, int | str] = {}
    turn = 0
    yield b"retry: 2000\n\n"
    async with hub_of(host).watching(caller.tenant) as watch:
        while not stopping.is_set() and asyncio.get_running_loop().time() < ends_at:
            if watch.turn == turn and not await _heard(watch, stopping):
                yield b": still here\n\n"
                continue
            if watch.is_over:
                return
            if watch.turn == turn or watch.figures is None:
                continue
            turn, latest = watch.turn, figures.visible_to(caller, watch.figures)
            told = changes(shown, latest)
            if told:
                yield _event("changes" if shown else "figures", told)
            shown = latest


async def _heard(watch: Watch, stopping: asyncio.Event) -> bool:
    """Wait for news or the end of the house; False when it is time to say something anyway."""
    waits = [asyncio.create_task(event.wait()) for event in (watch.news, stopping)]
    try:
        done, _ = await asyncio.wait(
            waits, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        return bool(done)
    finally:
        for wait in waits:
            wait.cancel()
            with suppress(asyncio.CancelledError):
                await wait


def _event(name: str, data: dict[str, Any]) -> bytes:
    at = int(clock.now().timestamp() * 1000)
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), at, orjson.dumps(data))
