"""Gapless numbers with N parallel posters (FIN-2, acceptance B.2, DESIGN 9)."""

import asyncio
import random
from datetime import date
from typing import Any

import pytest

from orrery.kernel import numbering
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id

POSTERS = 40


async def _post_in_parallel(house: House, series: str) -> list[str]:
    """Forty posters, every fourth fails after it took its number; the numbers of the others."""

    async def post(index: int) -> str | None:
        try:
            async with house.tx("toy", commits=True) as tx:
                await asyncio.sleep(random.random() / 50)
                number = await tx.take_number(series, pattern="N-{0000}")
                await asyncio.sleep(0.002)
                if index % 4 == 0:
                    raise InterruptedError
                return number
        except InterruptedError:
            return None

    taken = await asyncio.gather(*(post(i) for i in range(POSTERS)))
    return sorted(number for number in taken if number)


def _is_gapless(numbers: list[str]) -> bool:
    return numbers == [f"N-{i:04}" for i in range(1, len(numbers) + 1)]


async def test_parallel_posters_leave_no_gap_and_no_double(toy_house: House) -> None:
    """ "numbers gapless per series with N parallel posters and no lost or duplicated number"."""
    numbers = await _post_in_parallel(toy_house, str(new_id()))
    assert len(numbers) == POSTERS * 3 // 4
    assert _is_gapless(numbers)


async def test_without_the_counter_row_the_same_posters_get_doubles(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the locked counter is the guard: read-then-write hands out a number twice."""

    async def unguarded(tx: Any, series: str, **_: Any) -> str:
        last = await tx.value(
            "select coalesce(max(last), 0) from number_series where series = %(s)s", s=series
        )
        await asyncio.sleep(0.005)
        await tx.run(
            "insert into number_series values (%(s)s, gen_random_uuid(), '', %(n)s)",
            s=series,
            n=last + 1,
        )
        return f"N-{last + 1:04}"

    monkeypatch.setattr(numbering, "take", unguarded)
    assert not _is_gapless(await _post_in_parallel(toy_house, str(new_id())))


@pytest.mark.parametrize(
    "pattern, number",
    [
        ("INV-{yyyy}-{00000}", "INV-2026-00042"),
        ("EMP-{000}", "EMP-042"),
        ("{yy}{mm}{dd}/{0}", "261121/42"),
        ("PR{yyyy}{mm}{00000}", "PR20261100042"),
        ("N{00}", "N42"),
    ],
)
def test_a_pattern_is_literals_date_and_padded_counter(pattern: str, number: str) -> None:
    """ "literal + date token + zero-padded counter" (sources 1.3, running code)."""
    assert numbering.render(pattern, date(2026, 11, 21), 42) == number


def test_a_counter_grows_past_its_padding() -> None:
    """Number 1000 of a three-digit series is written in full, never cut."""
    assert numbering.render("EMP-{000}", date(2026, 1, 1), 1000) == "EMP-1000"


async def test_a_series_counts_for_itself_per_unit_and_period(toy_house: House) -> None:
    """ "gapless series per unit and year": each starts at one."""
    series, unit = str(new_id()), new_id()

    async def take(unit_id: Any, on: date) -> str:
        async with toy_house.tx("toy", commits=True) as tx:
            return await tx.take_number(series, pattern="{yyyy}-{00}", on=on, unit_id=unit_id)

    assert await take(None, date(2026, 1, 1)) == "2026-01"
    assert await take(unit, date(2026, 1, 1)) == "2026-01"
    assert await take(None, date(2026, 12, 31)) == "2026-02"
    assert await take(None, date(2027, 1, 1)) == "2027-01"


async def test_many_numbers_at_once_are_as_gapless_as_one_by_one(toy_house: House) -> None:
    """ "gapless series": parallel takers of one, of many and of none, every third fails after."""
    series = str(new_id())

    async def take(index: int) -> list[str]:
        try:
            async with toy_house.tx("toy", commits=True) as tx:
                await asyncio.sleep(random.random() / 50)
                numbers = await tx.take_numbers(series, index % 5, pattern="N-{0000}")
                numbers.append(await tx.take_number(series, pattern="N-{0000}"))
                assert tx.numbers == numbers
                if index % 3 == 0:
                    raise InterruptedError
                return numbers
        except InterruptedError:
            return []

    taken = await asyncio.gather(*(take(i) for i in range(POSTERS)))
    # Within a transaction they follow each other, and together they are all there are.
    assert all(numbers == sorted(numbers) for numbers in taken)
    everything = sorted(number for numbers in taken for number in numbers)
    assert len(everything) == sum(i % 5 + 1 for i in range(POSTERS) if i % 3)
    assert _is_gapless(everything)
