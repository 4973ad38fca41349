"""How fast files come in: ``python -m benchmarks.bench_import [rows]`` (budget: 100,000 in 60 s).

Sets are what a reference table gets; an action costs its own statements, here three per row.
"""

import asyncio
import os
import sys
import time

os.environ.setdefault("ORRERY_LOG_LEVEL", "ERROR")

from orrery.kernel import testing
from tests.actions.kernel.conftest import Desk, as_csv, as_json, as_xlsx, counts
from tests.actions.kernel.depot.service import SERVICE

ROWS = 100_000


def boxes(rows: int) -> list[list[str]]:
    """Boxes with numbers, dates and lists."""
    heading = ["code", "name", "weight", "tags", "built_on"]
    return [heading, *([f"B{n:07}", f"Box {n}", "1.5", '["a"]', "2024-01-05"] for n in range(rows))]


def items(rows: int, *, bad: int = 0) -> list[list[str]]:
    """Articles, of which one in so many is refused."""
    titles = (f"X{n}" if bad and n % bad == 0 else f"Item {n}" for n in range(rows))
    return [
        ["external_id", "title", "price"],
        *([f"i{n}", title, "1"] for n, title in enumerate(titles)),
    ]


async def measure(house: testing.House, rows: int) -> None:
    """Print a line per kind of file and way of writing."""
    cases = {
        "sets, CSV": ("boxes", as_csv(boxes(rows)).encode()),
        "sets, XLSX": ("boxes", as_xlsx(boxes(rows))),
        "sets, JSON": ("boxes", as_json(boxes(rows))),
        "many, CSV": ("crates", as_csv(items(rows)).encode()),
        "action, CSV": ("items", as_csv(items(rows)).encode()),
        "action, 1 % refused": ("items", as_csv(items(rows, bad=100)).encode()),
    }
    print(f"{'way':24}{'upload':>9}{'import':>9}{'rows/s':>9}{'undo':>9}   created, refused")
    for way, (resource, content) in cases.items():
        desk = Desk(house, await house.new_tenant())
        started = time.perf_counter()
        sent = await desk.send(resource, content)
        uploaded = time.perf_counter()
        await desk.run(sent.json()["id"])
        taken_in = time.perf_counter()
        url = desk.url(resource, f"/imports/{sent.json()['id']}")
        batch = (await desk.client.get(url)).json()
        undone = await desk.client.post(url + "/undo")
        assert undone.status_code == 200, undone.text
        ended = time.perf_counter()
        _, created, _, refused = counts(batch)
        print(
            f"{way:24}{uploaded - started:8.1f}s{taken_in - uploaded:8.1f}s"
            f"{rows / (taken_in - uploaded):9,.0f}{ended - taken_in:8.1f}s   {created}, {refused}",
            flush=True,
        )
        await desk.client.aclose()


async def main() -> None:
    """Measure on a throw-away database."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    async with (
        testing.embedded_database() as url,
        testing.house(url, services={"depot": SERVICE}, tenants=[]) as house,
    ):
        await measure(house, rows)


if __name__ == "__main__":
    asyncio.run(main())
