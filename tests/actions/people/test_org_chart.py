"""The organisation chart as one query (HR-1: org chart)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.services.people import models as m
from orrery.services.people.queries import employees as queries
from orrery.services.people.schemas import employees as s
from tests.actions.people.factories import hire, let_go, move


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("people") as opened:
        yield opened


@pytest.fixture
async def staff(tx: Tx) -> dict[str, m.Employee]:
    """Ada over Ben and Cid; Ben over Dan and Eve; Eve over Fay."""
    made: dict[str, m.Employee] = {}
    for name, boss in (
        ("Ada", None),
        ("Ben", "Ada"),
        ("Cid", "Ada"),
        ("Dan", "Ben"),
        ("Eve", "Ben"),
        ("Fay", "Eve"),
    ):
        manager_id = made[boss].id if boss else None
        made[name] = await hire(tx, name, last_name=name, manager_id=manager_id)
    return made


async def chart(
    tx: Tx, root: m.Employee | None, depth: int = 9, on: date | None = None
) -> s.OrgChart:
    return await queries.org_chart(
        tx, tx.caller, root=root.id if root else None, depth=depth, on=on or tx.caller.today
    )


def drawn(node: s.OrgChartNode) -> str:
    """A tree in one line: name, direct reports / all reports, what is below in brackets."""
    below = " ".join(drawn(report) for report in node.reports)
    name = f"{node.full_name.split()[0]}:{node.reports_direct}/{node.reports_total}"
    return f"{name}({below})" if below else name


async def test_the_chart_is_a_tree_with_counts_all_the_way_down(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    told = await chart(tx, staff["Ada"])
    assert [drawn(root) for root in told.roots] == [
        "Ada:2/5(Ben:2/3(Dan:0/0 Eve:1/1(Fay:0/0)) Cid:0/0)"
    ]
    assert told.people == 6


@pytest.mark.parametrize(
    ("depth", "tree"),
    [
        (0, "Ada:2/5"),
        (1, "Ada:2/5(Ben:2/3 Cid:0/0)"),
        (2, "Ada:2/5(Ben:2/3(Dan:0/0 Eve:1/1) Cid:0/0)"),
    ],
)
async def test_a_chart_of_some_levels_still_counts_those_below(
    tx: Tx, staff: dict[str, m.Employee], depth: int, tree: str
) -> None:
    told = await chart(tx, staff["Ada"], depth=depth)
    assert drawn(told.roots[0]) == tree


async def test_the_chart_may_start_anywhere(tx: Tx, staff: dict[str, m.Employee]) -> None:
    assert drawn((await chart(tx, staff["Eve"])).roots[0]) == "Eve:1/1(Fay:0/0)"


async def test_without_a_root_everybody_without_a_manager_is_one(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    alone = await hire(tx, "Zoe", last_name="Zoe")
    roots = {root.id: root for root in (await chart(tx, None)).roots}
    assert drawn(roots[staff["Ada"].id]).startswith("Ada:2/5")
    assert drawn(roots[alone.id]) == "Zoe:0/0"


async def test_who_left_is_out_and_their_reports_hang_higher(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    await let_go(tx, staff["Ben"], tx.caller.today - timedelta(days=1))
    assert drawn((await chart(tx, staff["Ada"])).roots[0]) == (
        "Ada:3/4(Cid:0/0 Dan:0/0 Eve:1/1(Fay:0/0))"
    )


async def test_the_chart_of_another_day_shows_who_was_where_then(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    """HR-1: effective-dated; the chart follows the record."""
    moved_on = tx.caller.today - timedelta(days=30)
    await move(tx, staff["Fay"], moved_on, {"manager_id": staff["Cid"].id})
    day_before = moved_on - timedelta(days=1)
    then = await chart(tx, staff["Ada"], on=day_before)
    now = await chart(tx, staff["Ada"])
    assert drawn(then.roots[0]) == "Ada:2/5(Ben:2/3(Dan:0/0 Eve:1/1(Fay:0/0)) Cid:0/0)"
    assert drawn(now.roots[0]) == "Ada:2/5(Ben:2/2(Dan:0/0 Eve:0/0) Cid:1/1(Fay:0/0))"
    long_ago = await chart(tx, None, on=date(1990, 1, 1))
    assert (long_ago.people, long_ago.roots) == (0, [])


async def test_an_employee_with_own_scope_sees_only_oneself(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    tx.caller = replace(tx.caller, grants={"people.*.read": "own"}, employee_id=staff["Ben"].id)
    told = await chart(tx, None)
    assert [drawn(root) for root in told.roots] == ["Ben:0/0"]


async def test_a_department_scope_shows_the_departments_people(
    tx: Tx, staff: dict[str, m.Employee]
) -> None:
    ops = await tx.find(m.Department, code="OPS")
    assert ops is not None
    for name in ("Ben", "Eve"):
        await move(tx, staff[name], tx.caller.today, {"department_id": ops.id})
    tx.caller = replace(tx.caller, grants={"people.*.read": "department"}, department_ids=(ops.id,))
    assert [drawn(root) for root in (await chart(tx, None)).roots] == ["Ben:1/1(Eve:0/0)"]
