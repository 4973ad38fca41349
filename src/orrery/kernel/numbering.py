"""Gapless document numbers per series, unit and period (DESIGN 9, FIN-2, acceptance B.2).

The counter is a row that the transaction locks last, so that others wait only for its commit; a
rollback gives the number back because the counter rolls back with it.
"""

import re
from datetime import date
from typing import Any
from uuid import UUID

_TOKEN = re.compile(r"\{(yyyy|yy|mm|dd|0+)\}")
# A unit is part of the counter's key, and a key cannot be null.
NO_UNIT = UUID(int=0)


def period_of(pattern: str, on: date) -> str:
    """The part of a number that restarts its counter: the date tokens of the pattern."""
    return "".join(_dated(token, on) for token in _TOKEN.findall(pattern) if token[0] != "0")


def render(pattern: str, on: date, count: int) -> str:
    """Write a number, as in ``INV-{yyyy}-{00000}`` -> ``INV-2026-00042``."""

    def value(match: re.Match[str]) -> str:
        token = match.group(1)
        return str(count).zfill(len(token)) if token[0] == "0" else _dated(token, on)

    return _TOKEN.sub(value, pattern)


def _dated(token: str, on: date) -> str:
    return {
        "yyyy": f"{on.year:04}",
        "yy": f"{on.year % 100:02}",
        "mm": f"{on.month:02}",
        "dd": f"{on.day:02}",
    }[token]


async def take(tx: Any, series: str, *, pattern: str, on: date, unit_id: UUID | None) -> str:
    """Count up and write the next number; held until the transaction ends."""
    return (await take_many(tx, series, 1, pattern=pattern, on=on, unit_id=unit_id))[0]


async def take_many(
    tx: Any, series: str, count: int, *, pattern: str, on: date, unit_id: UUID | None
) -> list[str]:
    """Count up by so many and write the numbers passed; held until the transaction ends."""
    last = await tx.value(
        "insert into number_series (series, unit_id, period, last) values"
        " (%(series)s, %(unit)s, %(period)s, %(count)s)"
        " on conflict (series, unit_id, period)"
        " do update set last = number_series.last + excluded.last"
        " returning last",
        series=series,
        unit=unit_id or NO_UNIT,
        period=period_of(pattern, on),
        count=count,
    )
    return [render(pattern, on, number) for number in range(last - count + 1, last + 1)]
