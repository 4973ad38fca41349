"""Sessions: how long they live, and which addresses and devices they name."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from orrery.kernel.types.refusal import Refusal, Unauthenticated

# Writing "last seen" on every request would turn each read into a write.
SEEN_EVERY = timedelta(minutes=1)
DEVICE_LENGTH = 120


class SessionEnded(Unauthenticated):
    """The session was ended, was idle too long or reached its age; signing in starts a new one."""

    code = "identity.session_ended"


class NoSession(Refusal):
    """The caller signed in without a session (an API token), so there is none to act on."""

    code = "identity.no_session"


@dataclass(frozen=True)
class Limits:
    """How long a session may rest and how old it may become."""

    idle: timedelta
    absolute: timedelta


def ends_at(*, created_at: datetime, last_seen_at: datetime, limits: Limits) -> datetime:
    """When a session ends by itself if nobody uses it again."""
    return min(last_seen_at + limits.idle, created_at + limits.absolute)


def is_live(
    *,
    created_at: datetime,
    last_seen_at: datetime,
    ended_at: datetime | None,
    now: datetime,
    limits: Limits,
) -> bool:
    """Whether a session still carries its user."""
    end = ends_at(created_at=created_at, last_seen_at=last_seen_at, limits=limits)
    return ended_at is None and now < end


def is_sighting_due(*, last_seen_at: datetime | None, now: datetime) -> bool:
    """Whether "last seen" or "last used" is old enough to be written again."""
    return last_seen_at is None or now - last_seen_at >= SEEN_EVERY


# The order matters: Edge and Opera also say Chrome, and everything says Safari.
BROWSERS = (
    (re.compile(r"\bEdg(e|A|iOS)?/"), "Edge"),
    (re.compile(r"\b(OPR|Opera)/"), "Opera"),
    (re.compile(r"\b(Firefox|FxiOS)/"), "Firefox"),
    (re.compile(r"\b(Chrome|CriOS|Chromium)/"), "Chrome"),
    (re.compile(r"\bVersion/\S+ .*Safari/"), "Safari"),
)
SYSTEMS = (
    (re.compile(r"\b(iPhone|iPad|iPod)\b"), "iOS"),
    (re.compile(r"\bAndroid\b"), "Android"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\b(Macintosh|Mac OS X)\b"), "macOS"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bLinux\b"), "Linux"),
)


def device_name(user_agent: str | None) -> str | None:
    """What a person recognises his device by: ``Firefox on Linux``, or a program's own name."""
    if not user_agent:
        return None
    browser = next((name for sign, name in BROWSERS if sign.search(user_agent)), None)
    system = next((name for sign, name in SYSTEMS if sign.search(user_agent)), None)
    if browser is None:
        return printable(user_agent.split(" ")[0])[:DEVICE_LENGTH] or None
    return f"{browser} on {system}" if system else browser


def printable(text: str) -> str:
    """The text without control characters, which have no place in a list that people read."""
    return "".join(letter for letter in text if letter.isprintable())
