"""Signing keys (ID-3: "JWKS rotation without logout"; the brief: "new key published in JWKS before
use, old kept until its tokens ended")."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from orrery.services.identity.rules.keys import is_rotation_due, published, signing

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
START = datetime(2026, 6, 1, tzinfo=UTC)
KEEP = timedelta(minutes=21)


@dataclass(frozen=True)
class Key:
    id: UUID
    signs_from: datetime


def key(number: int, signs_from: datetime) -> Key:
    return Key(UUID(int=number), signs_from)


OLD, NEW = key(1, START), key(2, START + 30 * DAY)


@pytest.mark.parametrize(
    ("keys", "now", "signs"),
    [
        ([], START, None),
        ([OLD], START - MOMENT, None),
        ([OLD], START, OLD),
        ([NEW, OLD], NEW.signs_from - MOMENT, OLD),
        ([NEW, OLD], NEW.signs_from, NEW),
    ],
)
def test_the_newest_key_whose_time_has_come_signs(
    keys: list[Key], now: datetime, signs: Key | None
) -> None:
    assert signing(keys, now) == signs


@pytest.mark.parametrize(
    ("now", "known"),
    [
        (NEW.signs_from - 15 * timedelta(minutes=1), [OLD, NEW]),
        (NEW.signs_from, [OLD, NEW]),
        (NEW.signs_from + KEEP - MOMENT, [OLD, NEW]),
        (NEW.signs_from + KEEP, [NEW]),
        (NEW.signs_from + 1000 * DAY, [NEW]),
    ],
)
def test_a_key_is_published_before_it_signs_and_until_its_last_token_has_ended(
    now: datetime, known: list[Key]
) -> None:
    assert published([NEW, OLD], now, keep_for=KEEP) == known


def test_without_keys_nothing_is_published() -> None:
    assert published([], START, keep_for=KEEP) == []


@pytest.mark.parametrize(
    ("keys", "now", "due"),
    [
        ([OLD], START + 30 * DAY - MOMENT, False),
        ([OLD], START + 30 * DAY, True),
        ([OLD, NEW], START + 30 * DAY, False),
        ([OLD, NEW], START + 60 * DAY, True),
        # A key that is published but does not sign yet is not rotated away.
        ([OLD, NEW], START + 29 * DAY, False),
    ],
)
def test_a_key_is_rotated_when_the_newest_has_served_its_time(
    keys: list[Key], now: datetime, due: bool
) -> None:
    assert is_rotation_due(keys, now, rotate_every=30 * DAY) is due
