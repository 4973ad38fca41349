"""Pages of lists: what they cost does not grow with the table, and they say what records say."""

from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.listing import order_sql
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.toy.service import THINGS, Thing

ROWS = 3_000


@pytest.fixture(scope="module")
async def tenant(toy_house: House) -> str:
    """A tenant with some thousand things."""
    code = await toy_house.new_tenant()
    drafts = [{"tag": str(new_id()), "cost": n, "specs": {}} for n in range(ROWS)]
    async with toy_house.tx("toy", tenant=code, commits=True) as tx:
        await tx.add_many(Thing, drafts)
    async with toy_house.runtime.database.connection() as connection:
        await connection.execute("analyze")
    return code


async def _plan(house: House, tenant: str, tail: str) -> str:
    async with house.tx("toy", tenant=tenant) as tx:
        rows: list[Any] = await tx.rows(f"explain select t.id from {THINGS.source} {tail} limit 51")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("name", ["id", "cost", "tag"])
@pytest.mark.parametrize("descends", [False, True], ids=["up", "down"])
async def test_a_page_in_the_order_of_an_indexed_field_needs_no_sort_of_the_table(
    toy_house: House, tenant: str, name: str, *, descends: bool
) -> None:
    """A descending order that says "nulls last" of a field without nulls would sort every row."""
    order = [(name, descends)] if name == "id" else [(name, descends), ("id", descends)]
    plan = await _plan(toy_house, tenant, f"order by {order_sql(THINGS, order)}")
    assert "Index" in plan
    assert "Seq Scan" not in plan


async def test_the_order_that_is_avoided_reads_the_whole_table(
    toy_house: House, tenant: str
) -> None:
    """Proof that the test above bites."""
    assert "Seq Scan" in await _plan(toy_house, tenant, "order by t.id desc nulls last")


@pytest.mark.parametrize("microsecond", [0, 126_010, 100_000, 999_999])
async def test_a_list_writes_an_instant_as_the_record_does(
    toy_house: House, tenant: str, microsecond: int
) -> None:
    """PostgreSQL leaves out noughts at the end of a fraction, Python does not: one of them must."""
    clock.set(clock.now().replace(microsecond=microsecond))
    tag = str(new_id())
    async with toy_house.client({"*": "all"}, tenant=tenant) as client:
        made = await client.post("/api/v1/toy/things", json={"tag": tag, "cost": "1"})
        listed = (await client.get(f"/api/v1/toy/things?tag={tag}")).json()["items"]
    assert listed == [made.json()]
