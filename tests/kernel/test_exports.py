"""Exports: what the list shows, as CSV, JSON and XLSX, with equal values (CC-3)."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from orrery.kernel import testing
from orrery.kernel.exchange import exports
from orrery.kernel.resources import Resource
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Exact, View
from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope
from tests.toy.service import SERVICE, THING_READ, CostByTag, Thing

ALL: dict[str, Scope] = {"*": "all"}
FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "-", "+",
    '=HYPERLINK("http://x")',
]  # fmt: skip
HARMLESS = ["a=b", "1-2", "-5", "+49151", "-0.5", "x@y.example", "'quoted", "", " =1", "Größe;,\"'"]
PRICES = [Decimal(text) for text in ("0.0000001", "1E+3", "0E-9", "-0.10", "12345678901234567.89")]


class PriceView(View):
    """A number of any size."""

    id: UUID
    tag: str
    cost: Exact


PRICE = Resource(
    name="price", path="/prices", table=CostByTag, view=PriceView, may_read=THING_READ,
    sorts=["tag"],
)  # fmt: skip


@pytest.fixture(scope="module")
async def shop(toy_house: House) -> AsyncIterator[House]:
    """The toy with one list more."""
    toy = replace(SERVICE, routers=[*SERVICE.routers, resource_routes(PRICE)])
    async with testing.house(toy_house.url, services={"toy": toy}, tenants=[]) as opened:
        yield opened


async def _stock(house: House, tags: list[str]) -> str:
    tenant = await house.new_tenant()
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for number, tag in enumerate(tags):
            specs = {"a": [1.5, None]} if number else {}
            await tx.add(Thing, tag=tag, cost=Decimal(number) + Decimal("0.10"), specs=specs)
    return tenant


async def _export(house: House, tenant: str, path: str, form: str, query: str = "") -> Any:
    async with house.client(ALL, tenant=tenant) as client:
        answer = await client.get(f"/api/v1/toy/{path}/export?format={form}{query}")
    assert answer.status_code == 200, answer.text
    name = f'attachment; filename="{path}.{form}"'
    assert answer.headers["content-disposition"] == name
    assert answer.headers["content-type"] == exports.MEDIA[form]
    return answer.content


def _csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def _sheet(content: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


async def test_no_cell_of_a_csv_is_a_formula(shop: House) -> None:
    """OWASP CSV injection: such a text gets an apostrophe; numbers and all others stay."""
    tenant = await _stock(shop, FORMULAS + HARMLESS)
    rows = _csv(await _export(shop, tenant, "things", "csv"))
    assert [row["tag"] for row in rows] == [f"'{text}" for text in FORMULAS] + HARMLESS
    assert [row["cost"] for row in rows[:3]] == ["0.10", "1.10", "2.10"]


async def test_without_the_guard_a_csv_carries_formulas(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the test above bites."""
    monkeypatch.setattr(exports, "safe_cell", lambda value: value)
    tenant = await _stock(shop, FORMULAS)
    assert [r["tag"] for r in _csv(await _export(shop, tenant, "things", "csv"))] == FORMULAS


async def test_a_workbook_opens_with_the_same_values_as_the_list(shop: House) -> None:
    """Texts are texts (a formula too), numbers are numbers, what is missing is empty."""
    tenant = await _stock(shop, FORMULAS + HARMLESS)
    sheet = _sheet(await _export(shop, tenant, "things", "xlsx"))
    names = sheet[0]
    rows = [dict(zip(names, row, strict=True)) for row in sheet[1:]]
    async with shop.client(ALL, tenant=tenant) as client:
        items = (await client.get("/api/v1/toy/things?limit=200")).json()["items"]
    assert names == list(items[0])
    assert [row["tag"] for row in rows] == FORMULAS + HARMLESS
    assert [Decimal(str(row["cost"])) for row in rows] == [Decimal(i["cost"]) for i in items]
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    assert {row["owner_id"] for row in rows} == {""}
    assert {row["version"] for row in rows} == {1}
    assert [row["specs"] for row in rows[:2]] == ["{}", '{"a":[1.5,null]}']


async def test_numbers_of_any_size_come_out_exact_in_every_form(shop: House) -> None:
    """Fixed notation, every digit; what a spreadsheet cannot count is written out as text."""
    tenant = await shop.new_tenant()
    async with shop.tx("toy", tenant=tenant, commits=True) as tx:
        for number, price in enumerate(PRICES):
            await tx.add(CostByTag, tag=str(number), cost=price)
    told = ["0.0000001", "1000", "0.000000000", "-0.10", "12345678901234567.89"]
    rows = _csv(await _export(shop, tenant, "prices", "csv", "&sort=tag"))
    assert [row["cost"] for row in rows] == told
    async with shop.client(ALL, tenant=tenant) as client:
        items = (await client.get("/api/v1/toy/prices?sort=tag")).json()["items"]
        parts = (await client.get("/api/v1/toy/prices/export?format=json&sort=tag")).json()
        one = (await client.get(f"/api/v1/toy/prices/{items[0]['id']}")).json()
    assert [item["cost"] for item in items] == told
    assert parts == items
    assert one == items[0]
    cells = [row[2] for row in _sheet(await _export(shop, tenant, "prices", "xlsx", "&sort=tag"))]
    assert cells[1:] == [1e-07, 1000.0, 0.0, -0.1, "12345678901234567.89"]


async def test_an_export_follows_filters_and_order_and_has_no_page_limit(shop: House) -> None:
    """More rows than a chunk, in the asked order; what the list refuses, it refuses."""
    tenant = await shop.new_tenant()
    count = exports.CHUNK_ROWS + 1
    async with shop.tx("toy", tenant=tenant, commits=True) as tx:
        await tx.add_many(
            Thing, [{"tag": f"{n:04}", "cost": n % 7, "specs": {}} for n in range(count)]
        )
    every = _csv(await _export(shop, tenant, "things", "csv", "&sort=-tag"))
    assert [row["tag"] for row in every] == [f"{n:04}" for n in reversed(range(count))]
    some = _csv(await _export(shop, tenant, "things", "csv", "&sort=tag&cost=6&tag_to=0020"))
    assert [row["tag"] for row in some] == ["0006", "0013", "0020"]
    async with shop.client(ALL, tenant=tenant) as client:
        for query in ("format=pdf", "colour=red", "sort=colour", "cost=x"):
            answer = await client.get(f"/api/v1/toy/things/export?{query}")
            assert answer.status_code == 422, query


async def test_an_empty_list_exports_its_heading(shop: House) -> None:
    """No rows: a heading, an empty array, a sheet of one line."""
    tenant = await shop.new_tenant()
    assert await _export(shop, tenant, "prices", "csv") == b"id,tag,cost\r\n"
    assert await _export(shop, tenant, "prices", "json") == b"[]\n"
    assert _sheet(await _export(shop, tenant, "prices", "xlsx")) == [["id", "tag", "cost"]]
