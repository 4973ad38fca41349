"""Memberships: who belongs to which units and departments, and telling the others about it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from orrery.contracts.organization import MembershipChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization import models as m
from orrery.services.organization import queries
from orrery.services.organization.rules import memberships as rules
from orrery.services.organization.rules.memberships import UnitGrant

# A daily sweep looks at this many memberships in one transaction.
SWEEP_MAX = 10_000


async def assign_membership(
    tx: Tx,
    caller: Caller,
    user_id: UUID,
    *,
    units: Sequence[UnitGrant],
    default_unit_id: UUID | None,
    department_ids: Sequence[UUID],
) -> m.Membership:
    """Replace a user's membership.

    Refuses: all of rules.memberships. Announces: MembershipChanged.
    """
    known = await tx.find(m.Membership, user_id=user_id)
    if known is None:
        membership = await introduce_user(tx, user_id)
    else:
        membership = await tx.lock(m.Membership, known.id)
    default = rules.check(
        units,
        default_unit=default_unit_id,
        departments=department_ids,
        known_units=await queries.open_units(tx, [grant.unit_id for grant in units]),
        known_departments=await queries.open_departments(tx, department_ids),
        today=caller.today,
    )
    await _replace_lines(tx, membership.id, units, department_ids)
    membership = await tx.change(membership, default_unit_id=default)
    return await _tell(tx, caller, membership, units, department_ids)


async def welcome_user(
    tx: Tx, caller: Caller, user_id: UUID, *, email: str, full_name: str
) -> m.Membership:
    """Give a new user a place: the headquarters, until somebody says otherwise.

    Announces: MembershipChanged.
    """
    known = await tx.find(m.Membership, user_id=user_id)
    if known is not None:
        return await tx.change(known, email=email, full_name=full_name)
    headquarters = await tx.find(m.Unit, is_headquarters=True)
    membership = await introduce_user(tx, user_id, email=email, full_name=full_name)
    if headquarters is None:
        return membership
    grants = [UnitGrant(headquarters.id)]
    await _replace_lines(tx, membership.id, grants, [])
    membership = await tx.change(membership, default_unit_id=headquarters.id)
    return await _tell(tx, caller, membership, grants, [])


async def retell_memberships(tx: Tx, caller: Caller) -> int:
    """Tell again what time has changed: grants that began or ended.

    Announces: MembershipChanged.
    """
    told = 0
    for membership_id in await queries.memberships_with_periods(tx, limit=SWEEP_MAX):
        membership = await tx.lock(m.Membership, membership_id)
        units = await queries.grants(tx, membership_id)
        departments = await queries.departments_of(tx, membership_id)
        if await _tell(tx, caller, membership, units, departments) is not membership:
            told += 1
    return told


async def introduce_user(
    tx: Tx, user_id: UUID, *, email: str | None = None, full_name: str | None = None
) -> m.Membership:
    """Note that a user exists; they belong nowhere yet."""
    nothing: dict[str, Any] = {"unit_ids": [], "department_ids": []}
    return await tx.add(
        m.Membership,
        user_id=user_id,
        email=email,
        full_name=full_name,
        default_unit_id=None,
        announced=nothing,
    )


async def _replace_lines(
    tx: Tx, membership_id: UUID, units: Sequence[UnitGrant], department_ids: Sequence[UUID]
) -> None:
    await tx.run("delete from membership_unit where membership_id = %(id)s", id=membership_id)
    await tx.run("delete from membership_department where membership_id = %(id)s", id=membership_id)
    await tx.add_many(
        m.MembershipUnit,
        [
            {
                "membership_id": membership_id,
                "unit_id": grant.unit_id,
                "valid_from": grant.valid_from,
                "valid_until": grant.valid_until,
            }
            for grant in units
        ],
    )
    await tx.add_many(
        m.MembershipDepartment,
        [{"membership_id": membership_id, "department_id": id} for id in department_ids],
    )


async def _tell(
    tx: Tx,
    caller: Caller,
    membership: m.Membership,
    units: Sequence[UnitGrant],
    department_ids: Sequence[UUID],
) -> m.Membership:
    """Announce the membership as it holds today, unless the others know it already."""
    holding = rules.units_on(units, caller.today)
    departments = sorted(department_ids)
    now = {
        "unit_ids": [str(id) for id in holding],
        "department_ids": [str(id) for id in departments],
    }
    if now == membership.announced:
        return membership
    tx.announce(MembershipChanged(membership.user_id, holding, departments))
    return await tx.change(membership, announced=now)
