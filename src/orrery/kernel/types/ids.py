"""Identifiers: UUIDv7 (RFC 9562 section 5.7), so that ids sort by the time they were made."""

import os
import random
import threading
import time
from uuid import NAMESPACE_URL, UUID, uuid5

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A fresh UUIDv7: 48 bits of milliseconds, a counter of 12 bits, 62 random bits.

    Ids of one process only ever rise, so that rows made together keep their order (RFC 9562,
    section 6.2, method 1): the counter starts in its lower half and runs over into the clock.
    """
    global _last
    with _lock:
        started = (time.time_ns() // 1_000_000) << 12 | random.getrandbits(11)
        _last = max(started, _last + 1)
        milliseconds, counter = _last >> 12, _last & 0xFFF
    rest = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0x2 << 62 | rest)


def demo_id(context: str, word: str) -> UUID:
    """The fixed id of a demo record, so that different services' seeds can name the same."""
    return uuid5(NAMESPACE_URL, f"orrery-demo:{context}:{word}")
