"""Routes of organization."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, SignedIn, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.services.organization import permissions as p
from orrery.services.organization import queries
from orrery.services.organization import schemas as s
from orrery.services.organization.actions import memberships, profile, units
from orrery.services.organization.rules import memberships as membership_rules
from orrery.services.organization.rules import profile as profile_rules
from orrery.services.organization.rules import units as unit_rules
from orrery.services.organization.rules.memberships import UnitGrant

router = routes("", tags="organization")
unit_list = resource_routes(queries.UNITS)
department_list = resource_routes(queries.DEPARTMENTS)
membership_list = resource_routes(queries.MEMBERSHIPS)


@router.get("/unit-choices")
async def list_unit_choices(tx: ReadTx, caller: SignedIn) -> s.UnitChoices:
    """The units that the signed-in user may work in."""
    return s.UnitChoices(items=await queries.unit_choices(tx, caller))


@router.post(
    "/units",
    status_code=201,
    responses=refusals(unit_rules.UnitUnsound, unit_rules.UnitCodeTaken),
)
async def create_unit(
    body: s.UnitDraft, tx: WriteTx, caller: Annotated[Caller, May(p.UNIT_CREATE)]
) -> s.UnitView:
    """Add a business unit."""
    return s.UnitView.of(await units.create_unit(tx, caller, body.model_dump()))


@router.patch(
    "/units/{id}",
    responses=refusals(unit_rules.UnitArchived, unit_rules.UnitUnsound, unit_rules.CurrencyFixed),
)
async def change_unit(
    id: UUID, body: s.UnitChange, tx: WriteTx, caller: Annotated[Caller, May(p.UNIT_CHANGE)]
) -> s.UnitView:
    """Change a business unit's particulars."""
    await queries.UNITS.permit(tx, caller, p.UNIT_CHANGE, id)
    changes = body.model_dump(exclude_unset=True)
    return s.UnitView.of(await units.change_unit(tx, caller, id, changes))


@router.post(
    "/units/{id}/archive",
    responses=refusals(
        unit_rules.UnitArchived, unit_rules.HeadquartersNeeded, unit_rules.UnitInUse
    ),
)
async def archive_unit(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.UNIT_ARCHIVE)]
) -> s.UnitView:
    """Take a business unit out of use."""
    await queries.UNITS.permit(tx, caller, p.UNIT_ARCHIVE, id)
    return s.UnitView.of(await units.archive_unit(tx, caller, id))


@router.post("/units/{id}/restore")
async def restore_unit(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.UNIT_ARCHIVE)]
) -> s.UnitView:
    """Bring an archived business unit back."""
    await queries.UNITS.permit(tx, caller, p.UNIT_ARCHIVE, id)
    return s.UnitView.of(await units.restore_unit(tx, caller, id))


@router.post("/units/{id}/make-headquarters", responses=refusals(unit_rules.UnitArchived))
async def make_headquarters(
    id: UUID, tx: WriteTx, caller: Annotated[Caller, May(p.UNIT_CHANGE)]
) -> s.UnitView:
    """Name a business unit the headquarters instead of the present one."""
    await queries.UNITS.permit(tx, caller, p.UNIT_CHANGE, id)
    return s.UnitView.of(await units.make_headquarters(tx, caller, id))


@router.get("/users/{user_id}/membership")
async def read_user_membership(
    user_id: UUID, tx: ReadTx, caller: Annotated[Caller, May(p.MEMBERSHIP_READ)]
) -> s.MembershipDetails:
    """Where a user belongs."""
    id = await queries.membership_of(tx, user_id)
    await queries.MEMBERSHIPS.permit(tx, caller, p.MEMBERSHIP_READ, id)
    return await queries.membership_details(tx, caller, id)


@router.put(
    "/users/{user_id}/membership",
    responses=refusals(
        membership_rules.DefaultOutside,
        membership_rules.UnknownUnit,
        membership_rules.UnknownDepartment,
        membership_rules.PeriodReversed,
        membership_rules.NamedTwice,
    ),
)
async def assign_membership(
    user_id: UUID,
    body: s.MembershipDraft,
    tx: WriteTx,
    caller: Annotated[Caller, May(p.MEMBERSHIP_ASSIGN)],
) -> s.MembershipDetails:
    """Decide where a user belongs; what was before is replaced."""
    membership = await memberships.assign_membership(
        tx,
        caller,
        user_id,
        units=[UnitGrant(**unit.model_dump()) for unit in body.units],
        default_unit_id=body.default_unit_id,
        department_ids=body.department_ids,
    )
    return await queries.membership_details(tx, caller, membership.id)


@router.get("/profile")
async def read_profile(tx: ReadTx, caller: SignedIn) -> s.ProfileView:
    """The tenant's title and look, which every screen and paper shows."""
    return s.ProfileView.of(await queries.profile(tx))


@router.patch("/profile", responses=refusals(profile_rules.ProfileUnsound))
async def change_profile(
    body: s.ProfileChange, tx: WriteTx, caller: Annotated[Caller, May(p.PROFILE_CHANGE)]
) -> s.ProfileView:
    """Change the tenant's title or look."""
    changes = body.model_dump(exclude_unset=True)
    return s.ProfileView.of(await profile.change_profile(tx, caller, changes))
