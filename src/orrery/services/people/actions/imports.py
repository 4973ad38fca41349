"""Employees from a file, in sets: the rows of a set are checked first and written together.

Whom a row names as its manager need not be there yet; see ``managers``.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, LiteralString
from uuid import UUID

from orrery.contracts.people import DepartmentChanged, EmployeeChanged, EmployeeDeleted
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.exchange.intake import RowsRefused
from orrery.kernel.history import TakenBack
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import Refusal
from orrery.services.people import models as m
from orrery.services.people.actions import employees, managers, record
from orrery.services.people.actions.managers import Row
from orrery.services.people.actions.record import Entry
from orrery.services.people.queries import record as queries
from orrery.services.people.rules import employment
from orrery.services.people.rules.employment import Step
from orrery.services.people.schemas.employees import EmployeeImport

NAMED = {"department", "job_role", "manager"}
# What some names mean; a code counts more than a name.
FIND: LiteralString = """
with place as (
    select 'department' as kind, id, code, name from department where not is_archived
    union all select 'job_role', id, code, name from job_role where not is_archived)
select distinct on (name) name, id from (
    select w.name, p.id, 1 as rank from unnest(%(names)s::text[]) as w (name)
    join place p on p.kind = %(kind)s and p.code = w.name
    union all select w.name, p.id, 2 from unnest(%(names)s::text[]) as w (name)
    join place p on p.kind = %(kind)s and lower(p.name) = lower(w.name)) found
order by name, rank
"""


async def import_employees(
    tx: Tx, caller: Caller, rows: Sequence[tuple[EmployeeImport, m.Employee | None]]
) -> list[m.Employee]:
    """Hire or correct employees from rows of a file.

    Refuses, per row: UnknownReference, CodeTaken, EmailTaken, OwnManager, ManagerLeft, NotEmployed,
    ReportingCycle, HiredTooEarly. Announces: EmployeeHired, EmployeeChanged.
    """
    told = _read(rows)
    await _name(tx, told, "department")
    await _name(tx, told, "job_role")
    await managers.name(tx, told)
    await _check_free(tx, told)
    entries = await _entries(tx, caller, told)
    _speak(told)
    fresh = [row for row in told if row.known is None]
    known = [(row, row.known) for row in told if row.known is not None and not row.is_alone]
    for row, employee in zip(
        fresh,
        await employees.enter_employees(tx, caller, [row.values | {"id": row.id} for row in fresh]),
        strict=True,
    ):
        row.made = employee
    await _correct(tx, caller, known, entries)
    await _correct_alone(tx, caller, [row for row in told if row.is_alone])
    _speak(told)
    await managers.take_up_those_who_wait(tx, caller, told)
    _speak(told)
    return [row.made for row in told]


async def take_back_employee(tx: Tx, caller: Caller, taken: TakenBack) -> None:
    """Tell others that an import was taken back. Announces: EmployeeDeleted or EmployeeChanged."""
    told = taken.before or taken.after or {}
    card = {
        "employee_id": taken.id,
        "code": told["code"],
        "full_name": employment.full_name(told["first_name"], told["last_name"]),
        "email": told["email"],
    }
    if taken.before is None:
        tx.announce(EmployeeDeleted(**card, left_on=caller.today))
        return
    fields = queries.typed({name: told[name] for name in employment.POSITION_FIELDS})
    tx.announce(EmployeeChanged(**card, **fields))


async def take_back_department(tx: Tx, caller: Caller, taken: TakenBack) -> None:
    """Tell others that an import was taken back. Announces: DepartmentChanged."""
    told = taken.before or taken.after or {}
    ids = queries.typed({name: told[name] for name in ("unit_id", "head_employee_id")})
    tx.announce(
        DepartmentChanged(
            department_id=taken.id,
            code=told["code"],
            title=told["name"],
            is_archived=taken.before is None or told["is_archived"],
            **ids,
        )
    )


def _read(rows: Sequence[tuple[EmployeeImport, m.Employee | None]]) -> list[Row]:
    """The rows, each with what it says; of an employee who has two rows, the later goes alone."""
    told, seen = [], set[UUID]()
    for draft, known in rows:
        values = draft.model_dump(exclude_unset=True, exclude=NAMED)
        row = Row(draft, known, new_id() if known is None else known.id, values)
        if known is not None:
            for name in ("hired_on", "code"):  # these may be left out, never cleared
                if values.get(name) is None:
                    values.pop(name, None)
            # A moved hiring rewrites the whole record, and is rare.
            is_moved = values.get("hired_on", known.hired_on) != known.hired_on
            row.is_alone = is_moved or known.id in seen
            seen.add(known.id)
        told.append(row)
    return told


def _speak(told: Sequence[Row]) -> None:
    """Name all the rows that cannot be at once, so that the others are tried only once more."""
    causes: dict[int, Exception] = {
        place: row.refusal for place, row in enumerate(told) if row.refusal is not None
    }
    if causes:
        raise RowsRefused(causes)


async def _name(tx: Tx, told: Sequence[Row], field: Literal["department", "job_role"]) -> None:
    """Find departments or job roles by code or name."""
    wanted = {named for row in told if (named := getattr(row.draft, field)) is not None}
    if not wanted:
        return
    rows = await tx.rows(FIND, kind=field, names=list(wanted))
    ids = {row.name: row.id for row in rows}
    for row in told:
        named = getattr(row.draft, field)
        if named in ids:
            row.values[f"{field}_id"] = ids[named]
        elif named is not None:
            row.refuse(employment.UnknownReference(field=field, value=named))


async def _check_free(tx: Tx, told: Sequence[Row]) -> None:
    """Refuse codes and addresses of others; a set that the database refuses is tried in halves."""
    fresh = [(row, employees.card_of(row.values)) for row in told if row.known is None]
    found = await tx.rows(
        "select code, email from employee where id <> all(%(known)s)"
        " and (code = any(%(codes)s) or email = any(%(emails)s))",
        known=[row.id for row in told if row.known is not None],
        codes=_values(fresh, "code"),
        emails=_values(fresh, "email"),
    )
    for field, taken in (
        ("code", employment.CodeTaken),
        ("email", employment.EmailTaken),
    ):
        held = {getattr(row, field) for row in found}
        for row, card in fresh:
            value = card.get(field)
            if value is not None and value in held:
                row.refuse(taken(constraint=f"uq_employee_{field}", field=field, value=value))
            elif row.refusal is None:
                held.add(value)


def _values(fresh: Iterable[tuple[Row, dict[str, Any]]], field: str) -> list[Any]:
    return [card[field] for _, card in fresh if card.get(field) is not None]


async def _entries(tx: Tx, caller: Caller, told: Sequence[Row]) -> dict[UUID, Entry]:
    """What the records of those gain whose position changes; it counts from today."""
    moves = {
        row.id: (row, row.known, fields)
        for row in told
        if row.known is not None
        and not row.is_alone
        and (fields := employees.moves_of(row.known, row.values))
    }
    steps = await queries.steps_of_each(tx, list(moves)) if moves else {}
    entries: dict[UUID, Entry] = {}
    for id, (row, known, fields) in moves.items():
        on = max(caller.today, known.hired_on)
        try:
            employment.check_change(employment.spans(steps[id]), effective_on=on, fields=fields)
        except Refusal as refusal:
            row.refuse(refusal)
        awaited = {"manager_awaited": None} if "manager_id" in fields else {}
        values = awaited | employees.card_of(row.values)
        entries[id] = Entry(known, steps[id], Step("change", on, fields), values=values)
    return entries


async def _correct(
    tx: Tx, caller: Caller, known: Sequence[tuple[Row, m.Employee]], entries: dict[UUID, Entry]
) -> None:
    after = {row.id: row for row in await record.add_steps(tx, caller, list(entries.values()))}
    cards = []
    for row, before in known:
        differing = {
            name: value
            for name, value in employees.card_of(row.values).items()
            if getattr(before, name) != value
        }
        if differing and before.id not in entries:
            cards.append((before, differing))
    after |= {card.id: card for card in await tx.change_many(cards)}
    for row, before in known:
        row.made = after.get(before.id, before)
        record.tell_changed(tx, before, row.made)


async def _correct_alone(tx: Tx, caller: Caller, told: Sequence[Row]) -> None:
    for row in told:
        try:
            row.made = await employees.change_employee(tx, caller, row.id, row.values)
        except Refusal as refusal:
            row.refuse(refusal)
