"""Labels to stick on assets: tag, name and a QR code of the asset's address, as PDF."""

import asyncio
import io
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Literal, LiteralString
from uuid import UUID

import orjson
import segno
import typst

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import caller_values, parse
from orrery.kernel.types.refusal import NotFound, TooLarge
from orrery.services.assets import permissions as p
from orrery.services.assets.settings import Settings

Layout = Literal["sheet", "single"]
# As many as a list shows: nine sheets, made in well under a second.
MAX_LABELS = 200
PER_SHEET = 24

_LABELS: LiteralString = (
    "select t.id, t.tag, t.name, coalesce(t.serial, '') as serial from asset t"
    " where t.id = any(%(ids)s) and (%(scope)s::text = 'all'"
    " or (%(scope)s::text = 'own' and t.assigned_employee_id = %(caller_employee)s)"
    " or (%(scope)s::text = 'department' and t.department_id = any(%(caller_departments)s))"
    " or (%(scope)s::text = 'unit' and t.unit_id = any(%(caller_units)s)))"
)


async def labels(
    tx: ReadTx, caller: Caller, ids: Sequence[UUID], *, layout: Layout, skip: int = 0
) -> bytes:
    """Labels of some assets in the order of their ids; ``skip`` leaves used places of a sheet out.

    Refuses: NotFound, TooLarge.
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_LABELS:
        raise TooLarge(field="ids", limit=MAX_LABELS)
    rows = await tx.rows(
        _LABELS, ids=wanted, scope=caller.scope(p.ASSET_READ), **caller_values(caller)
    )
    found = {row.id: row for row in rows}
    missing = [id for id in wanted if id not in found]
    if missing or not wanted:
        raise NotFound(resource="asset", ids=missing)
    address = tx.settings(Settings).asset_url
    items = [
        {
            "tag": found[id].tag,
            "name": found[id].name,
            "serial": found[id].serial,
            "qr": qr_code(address.replace("{id}", str(id))),
        }
        for id in wanted
    ]
    # Typst works for some milliseconds per page; other requests go on meanwhile.
    return await asyncio.to_thread(render, items, layout=layout, skip=skip)


def read_ids(text: str) -> list[UUID]:
    """Ids from a query string. Refuses: Malformed, TooLarge."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_LABELS:
        raise TooLarge(field="ids", limit=MAX_LABELS)
    return [parse(UUID, part, "ids") for part in parts]


def render(items: Sequence[dict[str, str]], *, layout: Layout, skip: int = 0) -> bytes:
    """Lay labels out as PDF."""
    data = {"layout": layout, "items": list(items), "skip": skip}
    made = typst.compile(
        _template(),
        format="pdf",
        font_paths=_fonts(),
        sys_inputs={"data": orjson.dumps(data).decode()},
    )
    return bytes(made)


def qr_code(address: str) -> str:
    """A QR code as SVG; medium error correction survives a scratched label."""
    image = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        image, kind="svg", border=2, xmldecl=False, svgns=True
    )
    return image.getvalue().decode()


@cache
def _template() -> bytes:
    return resources.files("orrery.services.assets").joinpath("labels.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    # Only what Typst brings along: labels look the same on every machine.
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
