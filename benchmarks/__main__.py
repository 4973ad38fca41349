"""``make bench``: starts what it needs and prints ratios measured in one run.

Rates of a shared machine move by half from run to run; the ratios hold. Results go to
``benchmarks/results/`` with the machine's description.
"""

import asyncio
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.load import CLIENTS, Rate, http_rate, pgbench_rate, request
from benchmarks.record import recording
from orrery.kernel import clock, testing
from orrery.kernel.types.ids import new_id
from tests.scenarios.world import free_port

RESULTS = Path(__file__).parent / "results"
SECONDS = float(os.environ.get("ORRERY_BENCH_SECONDS", "4"))
TENANTS = 5
ROWS = 2_000
console = Console(width=110)


@dataclass
class Results:
    """What was measured, row by row: what, figure, budget."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, what: str, figure: str, budget: str = "") -> None:
        """Keep and show a row."""
        self.rows.append((what, figure, budget))
        console.print(f"  {what}: {figure}  [dim]{budget}[/dim]")

    def ratio(self, what: str, rate: Rate, of: Rate, budget: str) -> None:
        """Keep a rate as a share of another one of the same run."""
        share = 100 * rate.per_second / of.per_second
        self.add(
            what,
            f"{share:.0f} %  ({rate.per_second:,.0f}/s, p95 {rate.p95_ms:.1f} ms;"
            f" of {of.per_second:,.0f}/s)",
            budget,
        )


def machine() -> str:
    """The machine in one line."""
    cpus = os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return f"{cpus} cores, {memory} GiB, {platform.system()}, Python {platform.python_version()}"


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "orrery.platform.start", *arguments]


def _wait(port: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200:
                return
        time.sleep(0.02)
    raise RuntimeError("it did not become ready")


def _memory_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def start_up(results: Results) -> None:
    """First and second start of everything, and the memory of the process."""
    with tempfile.TemporaryDirectory(prefix="orrery-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        for name, budget in (("first start", "20 s"), ("second start", "3 s")):
            port = free_port()
            started = time.monotonic()
            process = subprocess.Popen(
                _command("up", "--port", str(port), "--data", folder),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _wait(port, started + 120)
            results.add(name, f"{time.monotonic() - started:.1f} s", budget)
            if name == "second start":
                time.sleep(1)
                results.add("resident memory", f"{_memory_mb(process.pid):.0f} MB", "500 MB")
            process.terminate()
            process.wait()


async def provisioning(house: testing.House, results: Results) -> None:
    """A new tenant with every service, its tables, roles and first administrator."""
    took = []
    for _ in range(TENANTS):
        started = time.perf_counter()
        await house.new_tenant()
        took.append(time.perf_counter() - started)
    results.add("new tenant", f"{sorted(took)[TENANTS // 2]:.2f} s (median of {TENANTS})", "2 s")


async def _fill(house: testing.House) -> dict[str, Any]:
    """A tenant with customers and invoices to list."""
    async with house.client({"*": "all"}, user_id=USER) as client:
        made = await client.post("/api/v1/invoicing/customers", json={"name": "Bench"})
        made.raise_for_status()
        customer: dict[str, Any] = made.json()
        for _ in range(ROWS // 100):
            answer = await client.post(
                "/api/v1/invoicing/invoices/batch",
                json={"documents": [_invoice(customer["id"], 2) for _ in range(100)]},
            )
            answer.raise_for_status()
    return customer


USER = new_id()


def _invoice(customer: str, lines: int) -> dict[str, Any]:
    line = {"description": "Flour", "quantity": "3", "unit_price": "12.345678"}
    return {"customer_id": customer, "lines": [line] * lines, "issue": True}


async def lists(house: testing.House, ports: dict[str, int], results: Results) -> None:
    """A list of 50: against pgbench, through the gateway, for a restricted user."""
    path = "/api/v1/invoicing/invoices?limit=50"
    admin = house.token({"*": "all"}, user_id=USER)
    restricted = house.token({"invoicing.*.read": "own"}, user_id=USER)
    async with house.client({"*": "all"}, user_id=USER) as client:
        for _ in range(3):
            await client.get(path)
        with recording() as recorder:
            (await client.get(path)).raise_for_status()
    script = recorder.script(since=2**60, numbers=[])
    limit = await asyncio.to_thread(pgbench_rate, house.url, script, seconds=int(SECONDS))

    async def measure(where: str, token: str) -> Rate:
        bytes_ = request("GET", path, token)
        return await http_rate(ports[where], lambda _: bytes_, seconds=SECONDS, expect=200)

    await measure("service", admin)
    direct = await measure("service", admin)
    results.ratio("list of 50, of pgbench", direct, limit, "at least 15 %")
    results.ratio("gateway, of the direct call", await measure("gateway", admin), direct, "85 %")
    limited = await measure("service", restricted)
    again = await measure("service", admin)
    results.ratio("restricted user, of admin", limited, again, "at least 83 % (under 1.2 x)")


async def writes(
    house: testing.House, ports: dict[str, int], customer: str, results: Results
) -> None:
    """An invoice of 10 lines, issued: history, outbox, number, idempotency; against pgbench."""
    body = orjson.dumps(_invoice(customer, 10))
    async with house.client({"*": "all"}, user_id=USER) as client:
        headers = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
        url = "/api/v1/invoicing/invoices"
        (await client.post(url, content=body, headers=headers)).raise_for_status()
        since = int(clock.now().timestamp() * 1000)
        headers["Idempotency-Key"] = str(new_id())
        with recording() as recorder:
            made = await client.post(url, content=body, headers=headers)
        made.raise_for_status()
    script = recorder.script(since=since, numbers=[made.json()["number"]])
    limit = await asyncio.to_thread(pgbench_rate, house.url, script, seconds=int(SECONDS))
    token = house.token({"*": "all"}, user_id=USER)

    def make(_: int) -> bytes:
        return request("POST", url, token, body, Idempotency_Key=str(new_id()))

    rate = await http_rate(ports["service"], make, seconds=SECONDS, expect=201)
    results.ratio("invoice of 10 lines issued, of pgbench", rate, limit, "at least 12 %")


async def served(results: Results) -> None:
    """Everything that needs running processes."""
    async with testing.embedded_database() as url, testing.house(url) as house:
        house.runtime.is_relaying = True  # as in one process: the relay is woken, not notified
        await provisioning(house, results)
        customer = await _fill(house)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("analyze")
        ports = {"service": free_port(), "gateway": free_port()}
        serving = [
            asyncio.create_task(_listen(house, house, ports["service"])),
        ]
        gateway = next(s.name for s in house.runtime.services.values() if s.is_gateway)
        serving.append(
            asyncio.create_task(_listen(house, house.runtime.apps[gateway], ports["gateway"]))
        )
        await asyncio.sleep(0.5)
        try:
            await lists(house, ports, results)
            await writes(house, ports, customer["id"], results)
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


async def _listen(house: testing.House, app: Any, port: int) -> None:
    from orrery.platform.process import listen

    await listen(house.runtime, app, host="127.0.0.1", port=port)


def main() -> None:
    """Run everything and write the results."""
    results = Results()
    console.print(f"[bold]Orrery bench[/bold] on {machine()}, {CLIENTS} connections")
    start_up(results)
    uvloop.run(served(results))
    table = Table("what", "figure", "budget")
    for row in results.rows:
        table.add_row(*row)
    console.print(table)
    RESULTS.mkdir(exist_ok=True)
    lines = [f"{what} | {figure} | {budget}" for what, figure, budget in results.rows]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    head = f"{machine()}; {CLIENTS} connections; peak of the harness {peak} MB"
    (RESULTS / "bench.txt").write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    main()
