"""Managers whom a file names by external id, code or e-mail, in any order of its rows.

When a manager is not there yet, the name is kept on the employee (``manager_awaited``) and the
manager's own row, whenever it comes, in this file or a later one, takes up everybody who waits for
it. So a file needs no order, one pass is enough, an interrupted import goes on where it stopped,
and what never resolved stays visible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Refusal
from orrery.services.people import models as m
from orrery.services.people.actions import record
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import employment
from orrery.services.people.schemas.employees import EmployeeImport

# Everybody of a large company may wait for its head; locks and statements stay bounded.
REPORTS_PER_SET = 1_000


@dataclass
class Row:
    """A row of a file on its way to an employee, or to a refusal."""

    draft: EmployeeImport
    known: m.Employee | None
    id: UUID
    values: dict[str, Any]
    is_alone: bool = False
    refusal: Refusal | None = None
    made: Any = None

    def refuse(self, refusal: Refusal) -> None:
        """Keep the first reason."""
        self.refusal = self.refusal or refusal


@dataclass(frozen=True)
class Found:
    """Somebody whom a name means; the best of several names has the lowest rank."""

    rank: int
    id: UUID
    status: str


async def name(tx: Tx, told: Sequence[Row]) -> None:
    """Give the rows the managers they name, or let them wait; refuses circles and who left."""
    naming = [row for row in told if row.draft.manager is not None]
    if not naming:
        return
    await record.hold_reporting_lines(tx)
    found = await _found(tx, naming, told)
    for row in naming:
        named = str(row.draft.manager)
        manager = found.get(named)
        if named in (row.draft.external_id, row.draft.code):
            row.refuse(employment.OwnManager(manager=named))
        row.values["manager_id"] = manager.id if manager else None
        row.values["manager_awaited"] = None if manager else named
    await _check(tx, naming, {one.id: one.status for one in found.values()})


async def take_up_those_who_wait(tx: Tx, caller: Caller, told: Sequence[Row]) -> None:
    """Hang those who wait for somebody of these rows under them, from their first day.

    Refuses, for the manager's row: ManagerLeft, ReportingCycle. Announces: EmployeeChanged.
    """
    exact: dict[str, Row] = {}
    by_email: dict[str, Row] = {}
    for row in told:
        for word in (row.made.external_id, row.made.code):
            if word is not None:
                exact.setdefault(word, row)
        if row.made.email is not None:
            by_email.setdefault(row.made.email, row)
    waiting = await tx.rows(
        "select id from employee where manager_awaited is not null and lower(manager_awaited) in"
        " (select lower(word) from unnest(%(words)s::text[]) as w (word)) order by id",
        words=[*exact, *by_email],
    )
    for first in range(0, len(waiting), REPORTS_PER_SET):
        await record.hold_reporting_lines(tx)
        part = waiting[first : first + REPORTS_PER_SET]
        pairs = []
        for report in await tx.lock_many(m.Employee, [row.id for row in part]):
            awaited = report.manager_awaited or ""
            boss = exact.get(awaited) or by_email.get(awaited.lower())
            if boss is not None and boss.id != report.id:
                pairs.append((report, boss))
        await _take_up(tx, caller, pairs)


async def _take_up(tx: Tx, caller: Caller, pairs: Sequence[tuple[m.Employee, Row]]) -> None:
    lines = await queries.reporting_lines(tx, {row.id for _, row in pairs})
    for report, row in pairs:
        try:
            employment.check_manager(
                employee_id=report.id,
                manager_id=row.id,
                manager_status=row.made.status,
                chain=employment.line_above(lines, row.id),
            )
        except Refusal as refusal:
            row.refuse(refusal)
        else:
            lines[report.id] = row.id
    moves = [(report, row.id, report.hired_on) for report, row in pairs if row.refusal is None]
    await record.hang_under(tx, caller, moves, note="import")


async def _found(tx: Tx, naming: Sequence[Row], told: Sequence[Row]) -> dict[str, Found]:
    """Whom the names mean: people who are here, and those who come with the same rows."""
    names = {str(row.draft.manager) for row in naming}
    rows = await tx.rows(
        "select distinct on (name) name, rank, id, status from ("
        " select n.name, e.id, e.status, 1 as rank from unnest(%(names)s::text[]) as n (name)"
        " join employee e on e.external_id = n.name"
        " union all select n.name, e.id, e.status, 2 from unnest(%(names)s::text[]) as n (name)"
        " join employee e on e.code = n.name"
        " union all select n.name, e.id, e.status, 3 from unnest(%(names)s::text[]) as n (name)"
        " join employee e on e.email = lower(n.name)"
        ") as found order by name, rank",
        names=list(names),
    )
    found = {row.name: Found(row.rank, row.id, row.status) for row in rows}
    coming: dict[tuple[int, str], UUID] = {}
    for row in told:
        if row.known is None and row.refusal is None:
            email = employment.address(row.draft.email)
            for rank, word in enumerate((row.draft.external_id, row.draft.code, email), start=1):
                if word is not None:
                    coming.setdefault((rank, word), row.id)
    for named in names:
        for rank, word in ((1, named), (2, named), (3, named.lower())):
            id = coming.get((rank, word))
            if id is not None and (named not in found or rank < found[named].rank):
                found[named] = Found(rank, id, employment.EMPLOYEE.start)
    return found


async def _check(tx: Tx, naming: Sequence[Row], statuses: dict[UUID, str]) -> None:
    """Row by row, as if each came alone: the one that closes a circle is refused."""
    lines = await queries.reporting_lines(tx, statuses)
    for row in naming:
        manager_id = row.values["manager_id"]
        was = row.known.manager_id if row.known is not None else None
        # A row that goes alone is checked when its turn comes.
        if row.is_alone or row.refusal is not None or manager_id == was:
            continue
        try:
            if manager_id is not None:
                employment.check_manager(
                    employee_id=row.id,
                    manager_id=manager_id,
                    manager_status=statuses[manager_id],
                    chain=employment.line_above(lines, manager_id),
                )
        except Refusal as refusal:
            row.refuse(refusal)
        else:
            lines[row.id] = manager_id
