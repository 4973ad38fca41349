"""Rate limits: token buckets (GW-2), kept as one whole number per key.

A bucket holds ``count`` tokens and refills evenly over ``seconds``. Instead of tokens it remembers
the instant at which it will be full again (the generic cell rate algorithm), so a check costs one
look-up and two additions; a moving window would keep every request of the window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

NANOSECONDS = 1_000_000_000
# Full buckets are forgotten when this many keys are held; a full bucket knows nothing.
KEYS_MAX = 100_000


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds, all of them at once if nothing came before."""

    count: int
    seconds: int = 60

    @property
    def step(self) -> int:
        """Nanoseconds in which one token comes back."""
        return self.seconds * NANOSECONDS // self.count


@dataclass(frozen=True)
class Bucket:
    """One limit that a request falls under: whose it is, and how much."""

    key: str
    rate: Rate
    step: int
    full: int

    @classmethod
    def of(cls, key: str, rate: Rate) -> "Bucket":
        """The bucket of a key."""
        return cls(key, rate, rate.step, rate.step * rate.count)


@dataclass(slots=True)
class Verdict:
    """Whether a request may pass, told of its tightest limit."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_seconds: int
    key: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Quota headers of the answer (GW-2)."""
        told = [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_seconds),
        ]
        if not self.is_allowed:
            told.append((b"retry-after", b"%d" % self.retry_seconds))
        return told


class Limiter(Protocol):
    """Where buckets are kept: this process, or an engine that several gateways share."""

    async def take(self, buckets: Sequence[Bucket], now: int) -> Verdict:
        """Take one token from every bucket, or from none."""
        ...


class MemoryLimiter:
    """Buckets of this process."""

    def __init__(self) -> None:
        self._full_at: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    async def take(self, buckets: Sequence[Bucket], now: int) -> Verdict:
        """Take one token from every bucket, or from none."""
        full_at = self._full_at
        tightest, left, taken = buckets[0], -1, []
        for bucket in buckets:
            at = full_at.get(bucket.key, 0)
            after = (at if at > now else now) + bucket.step
            spare = bucket.full - (after - now)
            if spare < 0:
                return refused(bucket, wait=-spare)
            taken.append(after)
            # The tightest limit is the one with the smallest part of itself left.
            if left < 0 or spare * tightest.full < left * bucket.full:
                tightest, left = bucket, spare
        for bucket, after in zip(buckets, taken, strict=True):
            full_at[bucket.key] = after
        if len(full_at) > KEYS_MAX:
            self._forget(now)
        return Verdict(
            is_allowed=True,
            limit=tightest.rate.count,
            remaining=left // tightest.step,
            reset_seconds=seconds_up(tightest.full - left),
            retry_seconds=0,
            key=tightest.key,
        )

    def _forget(self, now: int) -> None:
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}


def refused(bucket: Bucket, *, wait: int) -> Verdict:
    """A request that finds a bucket empty; a token comes back after ``wait`` nanoseconds."""
    return Verdict(
        is_allowed=False,
        limit=bucket.rate.count,
        remaining=0,
        reset_seconds=seconds_up(bucket.full + wait),
        retry_seconds=max(1, seconds_up(wait)),
        key=bucket.key,
    )


def seconds_up(nanoseconds: int) -> int:
    """Whole seconds, rounded up: a client that waits so long is never early."""
    return -(-nanoseconds // NANOSECONDS)
