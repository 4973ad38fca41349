"""What tests of people start from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.people import models as m
from orrery.services.people.actions import changes, employees
from orrery.services.people.queries import record


async def hire(tx: Tx, first_name: str = "Ann", **values: Any) -> m.Employee:
    """An employee hired a year ago unless said otherwise."""
    told = {
        "first_name": first_name,
        "last_name": "Lee",
        "hired_on": tx.caller.today - timedelta(days=365),
    }
    return await employees.hire_employee(tx, tx.caller, told | values)


async def department(tx: Tx, code: str) -> m.Department:
    """One of the departments that a tenant is provisioned with."""
    found = await tx.find(m.Department, code=code)
    assert found is not None
    return found


async def move(
    tx: Tx, employee: m.Employee, on: date, fields: Mapping[str, Any]
) -> m.EmployeeChange:
    """A dated change."""
    return await changes.change_position(
        tx, tx.caller, employee.id, effective_on=on, fields=fields, note=None
    )


async def let_go(tx: Tx, employee: m.Employee, on: date) -> m.EmployeeChange:
    """A last day."""
    return await changes.end_employment(tx, tx.caller, employee.id, left_on=on, reason=None)


async def again(tx: Tx, employee: m.Employee) -> m.Employee:
    """The employee as the database has it now."""
    return await tx.one(m.Employee, employee.id)


async def spans(tx: Tx, employee: m.Employee, field: str) -> list[tuple[date, date | None, Any]]:
    """An employee's positions, oldest first, by one field."""
    views = await record.positions(tx, employee.id, on=None)
    return [(v.starts_on, v.ends_before, getattr(v, field)) for v in reversed(views)]


def acting_as(tx: Tx, employee: m.Employee) -> Caller:
    """The employee as the caller."""
    return replace(tx.caller, employee_id=employee.id)


def names(tx: Tx) -> list[str]:
    """What was announced, by name."""
    return [event.name.removeprefix("people.").removesuffix(".v1") for event in tx.events]


def at(text: str) -> datetime:
    """An instant written with its offset."""
    instant = datetime.fromisoformat(text)
    assert instant.tzinfo is not None
    return instant


def ids(rows: list[Any]) -> list[UUID]:
    """The ids of rows."""
    return [row.id for row in rows]
