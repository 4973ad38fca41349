"""Rate limits as token buckets (GW-2: per tenant, user and key, with Retry-After and quotas)."""

import pytest

from orrery.services.gateway.rules import limits
from orrery.services.gateway.rules.limits import Bucket, MemoryLimiter, Rate

SECOND = limits.NANOSECONDS
START = 1_000 * SECOND


async def take_many(limiter: MemoryLimiter, bucket: Bucket, count: int, now: int) -> int:
    """How many of so many requests at one instant are allowed."""
    verdicts = [await limiter.take([bucket], now) for _ in range(count)]
    return sum(verdict.is_allowed for verdict in verdicts)


async def test_a_full_bucket_lets_exactly_its_count_through() -> None:
    limiter, bucket = MemoryLimiter(), Bucket.of("user:a", Rate(5, 60))
    assert await take_many(limiter, bucket, 7, START) == 5


async def test_tokens_come_back_one_by_one_and_retry_after_is_never_too_early() -> None:
    """GW-2: 429 with Retry-After."""
    limiter, bucket = MemoryLimiter(), Bucket.of("user:a", Rate(6, 60))
    await take_many(limiter, bucket, 6, START)
    refused = await limiter.take([bucket], START + 3 * SECOND)
    assert (refused.is_allowed, refused.retry_seconds, refused.remaining) == (False, 7, 0)
    just_before = START + 10 * SECOND - 1
    assert not (await limiter.take([bucket], just_before)).is_allowed
    assert (await limiter.take([bucket], START + 10 * SECOND)).is_allowed
    assert not (await limiter.take([bucket], START + 10 * SECOND)).is_allowed


async def test_the_answer_tells_the_quota_that_is_left() -> None:
    """GW-2: remaining-quota headers."""
    limiter, bucket = MemoryLimiter(), Bucket.of("user:a", Rate(3, 60))
    told = [(await limiter.take([bucket], START)).headers() for _ in range(4)]
    assert told[0] == [
        (b"x-ratelimit-limit", b"3"),
        (b"x-ratelimit-remaining", b"2"),
        (b"x-ratelimit-reset", b"20"),
    ]
    assert told[2][1:] == [(b"x-ratelimit-remaining", b"0"), (b"x-ratelimit-reset", b"60")]
    assert told[3][-1] == (b"retry-after", b"20")


async def test_the_tightest_of_several_limits_is_the_one_that_is_told() -> None:
    limiter = MemoryLimiter()
    tenant, user = Bucket.of("tenant:a", Rate(100)), Bucket.of("user:a", Rate(4))
    verdict = await limiter.take([tenant, user], START)
    assert (verdict.key, verdict.limit, verdict.remaining) == ("user:a", 4, 3)


async def test_a_refusal_takes_nothing_from_the_other_buckets() -> None:
    limiter = MemoryLimiter()
    tenant, user = Bucket.of("tenant:a", Rate(10)), Bucket.of("user:a", Rate(2))
    for _ in range(5):
        await limiter.take([tenant, user], START)
    assert await take_many(limiter, tenant, 20, START) == 8


async def test_one_key_at_its_limit_leaves_another_untouched() -> None:
    """GW-2: one tenant at its limit does not touch another tenant."""
    limiter = MemoryLimiter()
    assert await take_many(limiter, Bucket.of("tenant:a", Rate(3)), 9, START) == 3
    assert await take_many(limiter, Bucket.of("tenant:b", Rate(3)), 3, START) == 3


async def test_over_a_long_time_no_more_pass_than_the_bucket_and_its_refill() -> None:
    limiter, bucket = MemoryLimiter(), Bucket.of("user:a", Rate(10, 10))
    allowed = 0
    for tenth in range(600):
        allowed += await take_many(limiter, bucket, 1, START + tenth * SECOND // 10)
    # Ten at once, and one a second for the 59.9 seconds that follow.
    assert allowed == 10 + 59


async def test_full_buckets_are_forgotten_and_used_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KEYS_MAX", 10)
    limiter, used = MemoryLimiter(), Bucket.of("used", Rate(1, 3600))
    await limiter.take([used], START)
    for number in range(50):
        await limiter.take([Bucket.of(f"k{number}", Rate(60))], START + number * 2 * SECOND)
    assert len(limiter) <= 12
    assert not (await limiter.take([used], START + 100 * SECOND)).is_allowed


@pytest.mark.parametrize(("nanoseconds", "seconds"), [(0, 0), (1, 1), (SECOND, 1), (SECOND + 1, 2)])
def test_seconds_are_rounded_up(nanoseconds: int, seconds: int) -> None:
    assert limits.seconds_up(nanoseconds) == seconds
