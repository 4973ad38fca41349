"""Identifiers: UUIDv7 (RFC 9562 section 5.7), so that ids sort by the time they were made."""

import os
import time
from uuid import NAMESPACE_URL, UUID, uuid5


def new_id() -> UUID:
    """A fresh UUIDv7: 48 bits of milliseconds, then randomness."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def demo_id(context: str, word: str) -> UUID:
    """The fixed id of a demo record, so that different services' seeds can name the same."""
    return uuid5(NAMESPACE_URL, f"orrery-demo:{context}:{word}")
