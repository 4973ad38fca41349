"""The fair queue: tenants take turns, and who has most waiting is turned away first."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Requests waiting for a slot, served one tenant after the other."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def waiting(self, tenant: str) -> int:
        """How many of a tenant's requests wait."""
        return len(self._lines.get(tenant, ()))

    def push(self, tenant: str, item: Item) -> Item | None:
        """Queue an item; answers the one that has to leave when the queue is full.

        That is the newest of the longest line, so a tenant that floods the queue cannot keep the
        others out of it.
        """
        self._lines.setdefault(tenant, deque()).append(item)
        self._length += 1
        if self._length <= self._limit:
            return None
        longest = max(self._lines, key=lambda name: (len(self._lines[name]), name == tenant))
        leaving = self._lines[longest].pop()
        self._shorten(longest)
        return leaving

    def pop(self, may_run: Callable[[str], bool]) -> tuple[str, Item] | None:
        """The next item of the next tenant that may run, which then goes to the end."""
        for tenant in self._lines:
            if may_run(tenant):
                item = self._lines[tenant].popleft()
                self._lines.move_to_end(tenant)
                self._shorten(tenant)
                return tenant, item
        return None

    def discard(self, tenant: str, item: Item) -> bool:
        """Take out an item that gave up waiting; False when it is not in the queue any more."""
        line = self._lines.get(tenant)
        if line is None or item not in line:
            return False
        line.remove(item)
        self._shorten(tenant)
        return True

    def _shorten(self, tenant: str) -> None:
        self._length -= 1
        if not self._lines[tenant]:
            del self._lines[tenant]
