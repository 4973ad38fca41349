"""Whether a neighbour is there."""

import asyncio

import httpx2

from orrery.kernel.neighbours import Directory

SECONDS = 1.0


async def state_of(directory: Directory, service: str) -> str:
    """up, down, or unknown when nobody knows its address."""
    place = directory.route(service)
    if place is None:
        return "unknown"
    if not isinstance(place, str):
        return "up"
    try:
        async with asyncio.timeout(SECONDS):
            response = await directory.client(service).get("/health/live")
    except (httpx2.HTTPError, OSError, TimeoutError):
        return "down"
    return "up" if response.status_code == 200 else "down"
