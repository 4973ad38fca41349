"""Signing keys: published before they sign, kept until the last token they signed has ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID


class SigningKey(Protocol):
    """What these rules need to know of a key."""

    @property
    def id(self) -> UUID:
        """The key's name in tokens (kid)."""

    @property
    def signs_from(self) -> datetime:
        """The instant from which it may sign."""


K = TypeVar("K", bound=SigningKey)


def signing(keys: Sequence[K], now: datetime) -> K | None:
    """The key that signs now: the newest whose time has come."""
    begun = [key for key in keys if key.signs_from <= now]
    return max(begun, key=lambda key: (key.signs_from, key.id), default=None)


def published(keys: Sequence[K], now: datetime, *, keep_for: timedelta) -> list[K]:
    """The keys that verifiers must know: the coming ones, the signing one, and those whose tokens
    may still be valid."""
    in_order = sorted(keys, key=lambda key: (key.signs_from, key.id))
    successors = [key.signs_from for key in in_order[1:]]
    kept = [
        key
        for key, succeeded_at in zip(in_order, successors, strict=False)
        if now < succeeded_at + keep_for
    ]
    return [*kept, *in_order[-1:]]


def is_rotation_due(keys: Sequence[SigningKey], now: datetime, *, rotate_every: timedelta) -> bool:
    """Whether the newest key, signing or yet to come, has served its time."""
    return all(now - key.signs_from >= rotate_every for key in keys)
