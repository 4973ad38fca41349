"""The only place that reads the time, so that tests may set it."""

from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_fixed: ContextVar[datetime | None] = ContextVar("orrery_clock", default=None)
_everywhere: list[datetime] = []


def now() -> datetime:
    """The present instant in UTC."""
    if _everywhere:
        return _everywhere[-1]
    return _fixed.get() or datetime.now(UTC)


def today(time_zone: str = "UTC") -> date:
    """The business day at this instant in a time zone (IANA name)."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def set(instant: datetime | None) -> None:
    """Fix this process's clock at an instant, or release it with None; for tests and demos."""
    _everywhere.clear()
    if instant is not None:
        _everywhere.append(instant)
