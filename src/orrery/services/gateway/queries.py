"""What the gateway reads: the database's state, and views composed of several services' answers."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from orrery.kernel.types.refusal import Unavailable
from orrery.services.gateway.neighbours.asking import Asker, Refused
from orrery.services.gateway.rules import owners

DATABASE_SECONDS = 2
# People answers at most this many ids at once; a page of assets is never longer.
IDS_MAX = 200


async def database_state(host: Any) -> str:
    """up, or the kind of trouble."""
    try:
        async with asyncio.timeout(DATABASE_SECONDS), host.runtime.database.connection() as asked:
            await asked.execute("select 1")
    except Exception as error:
        return type(error).__name__
    return "up"


async def assets_with_owners(asker: Asker, query: bytes) -> dict[str, Any]:
    """A page of assets with their owners: one call to assets, one to people, merged.

    The query goes to assets as it came. When people does not answer, or the caller may not read
    employees, the assets come without owners and ``missing`` says so.

    Refuses: Refused, Unavailable.
    """
    page = await asker.get("assets", "/assets", query)
    ids = owners.unique_ids(page["items"])
    employees: list[Any] | None = []
    if ids:
        employees = await _employees(asker, ids[:IDS_MAX])
    return {
        **page,
        "items": owners.merge(page["items"], employees or []),
        "missing": ["people"] if employees is None else [],
    }


async def _employees(asker: Asker, ids: list[str]) -> list[Any] | None:
    query = urlencode({"ids": ",".join(ids), "limit": IDS_MAX}, safe=",").encode()
    try:
        answer = await asker.get("people", "/employees", query)
    except (Refused, Unavailable):
        return None
    items: list[Any] = answer["items"]
    return items
