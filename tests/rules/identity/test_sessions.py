"""Sessions (ID-5: "idle and absolute timeouts"; the brief: idle 12 h, absolute 14 d, "last seen"
at most once a minute) and the devices they name."""

from datetime import UTC, datetime, timedelta

import pytest

from orrery.services.identity.rules.sessions import (
    DEVICE_LENGTH,
    Limits,
    device_name,
    ends_at,
    is_live,
    is_sighting_due,
)

BEGUN = datetime(2026, 6, 1, 8, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=14)
LIMITS = Limits(idle=IDLE, absolute=ABSOLUTE)


@pytest.mark.parametrize(
    ("seen", "now", "live"),
    [
        (timedelta(0), IDLE - MOMENT, True),
        (timedelta(0), IDLE, False),
        (timedelta(days=3), timedelta(days=3) + IDLE - MOMENT, True),
        (timedelta(days=3), timedelta(days=3) + IDLE, False),
        (ABSOLUTE - MOMENT, ABSOLUTE - MOMENT, True),
        (ABSOLUTE - MOMENT, ABSOLUTE, False),
    ],
)
def test_a_session_ends_when_it_is_idle_too_long_or_too_old(
    seen: timedelta, now: timedelta, live: bool
) -> None:
    told = {"created_at": BEGUN, "last_seen_at": BEGUN + seen}
    assert is_live(**told, ended_at=None, now=BEGUN + now, limits=LIMITS) is live


def test_a_session_that_was_ended_is_dead_at_once() -> None:
    assert not is_live(
        created_at=BEGUN, last_seen_at=BEGUN, ended_at=BEGUN, now=BEGUN, limits=LIMITS
    )


@pytest.mark.parametrize(
    ("seen", "end"),
    [(timedelta(0), IDLE), (timedelta(days=13, hours=13), ABSOLUTE)],
)
def test_a_session_ends_at_whichever_limit_comes_first(seen: timedelta, end: timedelta) -> None:
    told = ends_at(created_at=BEGUN, last_seen_at=BEGUN + seen, limits=LIMITS)
    assert told == BEGUN + end


@pytest.mark.parametrize(
    ("later", "due"),
    [(timedelta(0), False), (timedelta(minutes=1) - MOMENT, False), (timedelta(minutes=1), True)],
)
def test_being_seen_is_written_at_most_once_a_minute(later: timedelta, due: bool) -> None:
    assert is_sighting_due(last_seen_at=BEGUN, now=BEGUN + later) is due


def test_what_was_never_used_is_written_at_its_first_use() -> None:
    assert is_sighting_due(last_seen_at=None, now=BEGUN)


WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10) {WEBKIT} Chrome/140 Safari/537", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10) {WEBKIT} Chrome/140 Safari/537 Edg/1", "Edge on Windows"),
        (f"Mozilla/5.0 (X11; CrOS) {WEBKIT} Chrome/140 Safari/537 OPR/99", "Opera on ChromeOS"),
        (f"Mozilla/5.0 (Macintosh) {WEBKIT} Version/18.5 Safari/605", "Safari on macOS"),
        (f"Mozilla/5.0 (iPhone) {WEBKIT} Version/18 Mobile Safari/605", "Safari on iOS"),
        (f"Mozilla/5.0 (iPad; CPU OS 18) {WEBKIT} CriOS/140 Safari/605", "Chrome on iOS"),
        (f"Mozilla/5.0 (Linux; Android 16) {WEBKIT} Chrome/140 Safari", "Chrome on Android"),
        ("Firefox/140.0", "Firefox"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("warehouse-sync/2 (nightly)", "warehouse-sync/2"),
        ("evil\x07tool/1", "eviltool/1"),
        ("x" * 500, "x" * DEVICE_LENGTH),
        ("", None),
        (None, None),
    ],
)
def test_a_device_is_named_so_that_a_person_recognises_it(
    agent: str | None, name: str | None
) -> None:
    assert device_name(agent) == name
