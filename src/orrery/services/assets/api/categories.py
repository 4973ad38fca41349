"""Routes of categories and of the register's settings."""

from typing import Annotated
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.errors import Duplicate
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import Malformed, NotFound, Stale
from orrery.services.assets import permissions as p
from orrery.services.assets.actions import categories
from orrery.services.assets.queries import register
from orrery.services.assets.queries.resources import CATEGORIES
from orrery.services.assets.rules.forms import CategoryCycle, FormBreaksAssets, FormInvalid
from orrery.services.assets.rules.plans import PlanInvalid
from orrery.services.assets.schemas import categories as s

router = routes("", tags="category")

Writer = Annotated[Caller, May(p.CATEGORY_WRITE)]


@router.post(
    "/categories",
    status_code=201,
    responses=refusals(FormInvalid, PlanInvalid, Duplicate, NotFound),
)
async def create_category(body: s.CategoryDraft, tx: WriteTx, caller: Writer) -> s.CategoryView:
    """Add a category with the form of its specifications."""
    category = await categories.create_category(tx, caller, body)
    return await register.category_view(tx, category)


@router.patch(
    "/categories/{id}",
    responses=refusals(
        FormBreaksAssets, FormInvalid, PlanInvalid, CategoryCycle, Duplicate, NotFound, Stale
    ),
)
async def change_category(
    id: UUID, body: s.CategoryChange, tx: WriteTx, caller: Writer
) -> s.CategoryView:
    """Change a category; a form that stored assets would not fit is refused with a report."""
    category = await categories.change_category(tx, caller, id, body)
    return await register.category_view(tx, category)


@router.post("/categories/{id}/archive", responses=refusals(NotFound, Stale))
async def archive_category(id: UUID, tx: WriteTx, caller: Writer) -> s.CategoryView:
    """Hide a category from new assets; those it has stay."""
    category = await categories.archive_category(tx, caller, id, is_archived=True)
    return await register.category_view(tx, category)


@router.post("/categories/{id}/restore", responses=refusals(NotFound, Stale))
async def restore_category(id: UUID, tx: WriteTx, caller: Writer) -> s.CategoryView:
    """Offer an archived category again."""
    category = await categories.archive_category(tx, caller, id, is_archived=False)
    return await register.category_view(tx, category)


@router.get("/options")
async def read_options(
    tx: ReadTx, caller: Annotated[Caller, May(p.REGISTER_READ)]
) -> s.OptionsView:
    """The register's settings: currency, series of tags, start of the fiscal year."""
    return await register.options(tx)


@router.patch("/options", responses=refusals(Malformed))
async def change_options(
    body: s.OptionsChange, tx: WriteTx, caller: Annotated[Caller, May(p.REGISTER_CHANGE)]
) -> s.OptionsView:
    """Change the register's settings; what is in the register stays as it is."""
    return await categories.change_options(tx, caller, body)


resources = [resource_routes(CATEGORIES)]
