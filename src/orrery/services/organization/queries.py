"""Every read of organization."""

from collections.abc import Sequence
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import Resource
from orrery.kernel.types.refusal import NotFound
from orrery.services.organization import models as m
from orrery.services.organization import permissions as p
from orrery.services.organization import schemas as s
from orrery.services.organization.rules.memberships import UnitGrant

UNITS = Resource(
    name="unit",
    path="/units",
    table=m.Unit,
    view=s.UnitView,
    may_read=p.UNIT_READ,
    filters=["code", "country", "currency", "is_headquarters", "is_archived"],
    sorts=["code", "name", "country"],
    search=["code", "name", "legal_name", "city"],
    unit="t.id = any(%(caller_units)s)",
)


async def membership_details(tx: ReadTx, caller: Caller, id: UUID) -> s.MembershipDetails:
    """A user's membership with every unit and department."""
    membership = await tx.one(m.Membership, id)
    rows = await tx.rows(
        "select mu.unit_id, u.code as unit_code, mu.valid_from, mu.valid_until"
        " from membership_unit mu join unit u on u.id = mu.unit_id"
        " where mu.membership_id = %(id)s order by u.code",
        id=id,
    )
    units = [
        s.UnitGrantView.of(
            row,
            holds_today=UnitGrant(row.unit_id, row.valid_from, row.valid_until).holds_on(
                caller.today
            ),
        )
        for row in rows
    ]
    codes = {unit.unit_id: unit.unit_code for unit in units}
    default = membership.default_unit_id
    return s.MembershipDetails.of(
        membership,
        default_unit_code=codes.get(default) if default else None,
        units=units,
        department_ids=await departments_of(tx, id),
    )


DEPARTMENTS = Resource(
    name="department",
    path="/departments",
    table=m.Department,
    view=s.DepartmentView,
    may_read=p.DEPARTMENT_READ,
    columns={"unit_code": "u.code"},
    joins="left join unit u on u.id = t.unit_id",
    filters=["code", "unit_id", "is_archived"],
    sorts=["code", "title"],
    search=["code", "title"],
    department="t.id = any(%(caller_departments)s)",
    unit="t.unit_id = any(%(caller_units)s)",
)

MEMBERSHIPS = Resource(
    name="membership",
    path="/memberships",
    table=m.Membership,
    view=s.MembershipView,
    may_read=p.MEMBERSHIP_READ,
    columns={"default_unit_code": "u.code"},
    joins="left join unit u on u.id = t.default_unit_id",
    filters=["user_id", "default_unit_id"],
    sorts=["email", "full_name"],
    search=["email", "full_name"],
    own="t.user_id = %(caller_user)s",
    unit="exists (select 1 from membership_unit mu where mu.membership_id = t.id"
    " and mu.unit_id = any(%(caller_units)s))",
    details=membership_details,
)


async def unit_choices(tx: ReadTx, caller: Caller) -> list[s.UnitChoice]:
    """The units that the caller may work in: their own, or every one for who sees all."""
    sees_all = caller.scope(p.UNIT_READ) == "all"
    default = await tx.value(
        "select default_unit_id from membership where user_id = %(user_id)s",
        user_id=caller.user_id,
    )
    rows = await tx.rows(
        "select id, code, name, currency, time_zone, language, date_format, decimal_separator,"
        " thousands_separator, is_headquarters from unit where not is_archived"
        " and (%(all)s or id = any(%(units)s)) order by code",
        all=sees_all,
        units=list(caller.unit_ids),
    )
    return [s.UnitChoice.of(row, is_default=row.id == default) for row in rows]


async def membership_of(tx: ReadTx, user_id: UUID) -> UUID:
    """The membership of a user. Refuses: NotFound."""
    row = await tx.find(m.Membership, user_id=user_id)
    if row is None:
        raise NotFound(resource="membership", user_id=user_id)
    return row.id


async def profile(tx: ReadTx) -> m.Profile:
    """The tenant's one profile. Refuses: NotFound."""
    found = await tx.find(m.Profile, is_only=True)
    if found is None:
        raise NotFound(resource="profile")
    return found


async def default_members(tx: ReadTx, unit_id: UUID) -> int:
    """How many users have a unit as their default."""
    count: int = await tx.value(
        "select count(*) from membership where default_unit_id = %(id)s", id=unit_id
    )
    return count


async def open_units(tx: ReadTx, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the units that exist and are in use."""
    return [unit.id for unit in await tx.many(m.Unit, ids) if not unit.is_archived]


async def open_departments(tx: ReadTx, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the departments that exist and are in use."""
    found = await tx.many(m.Department, ids)
    return [department.id for department in found if not department.is_archived]


async def grants(tx: ReadTx, membership_id: UUID) -> list[UnitGrant]:
    """The units of a membership with their periods."""
    rows = await tx.all(m.MembershipUnit, membership_id=membership_id)
    return [UnitGrant(row.unit_id, row.valid_from, row.valid_until) for row in rows]


async def departments_of(tx: ReadTx, membership_id: UUID) -> list[UUID]:
    """The departments of a membership, in a stable order."""
    rows = await tx.all(m.MembershipDepartment, membership_id=membership_id)
    return sorted(row.department_id for row in rows)


async def memberships_with_periods(tx: ReadTx, *, limit: int) -> list[UUID]:
    """Memberships that time can change, in the order in which they are locked."""
    rows = await tx.rows(
        "select distinct membership_id from membership_unit"
        " where valid_from is not null or valid_until is not null"
        " order by membership_id limit %(limit)s",
        limit=limit,
    )
    return [row.membership_id for row in rows]
