"""One asset with all that belongs to it, and the register in numbers."""

from typing import LiteralString
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.resources import caller_values
from orrery.services.assets import models as m
from orrery.services.assets import permissions as p
from orrery.services.assets.rules.states import STATES
from orrery.services.assets.schemas.assets import (
    AssetDetails,
    AssetView,
    AssignmentView,
    DisposalView,
    Figures,
)
from orrery.services.assets.schemas.categories import CategoryView, OptionsView
from orrery.services.assets.schemas.depreciation import BookView

NO_CHOICE = OptionsView(currency="EUR", tag_pattern="AST-{00000}", fiscal_year_month=1)
# Holders listed by name in the figures, those with most assets first.
MAX_HOLDERS = 200

# What is visible follows the scope rules of the list of assets (a test compares the two).
_FIGURES: LiteralString = (
    "with visible as materialized ("
    "  select t.id, t.tag, t.status, t.category_id, t.assigned_employee_id from asset t"
    "  where %(scope)s::text = 'all'"
    "  or (%(scope)s::text = 'own' and t.assigned_employee_id = %(caller_employee)s)"
    "  or (%(scope)s::text = 'department' and t.department_id = any(%(caller_departments)s))"
    "  or (%(scope)s::text = 'unit' and t.unit_id = any(%(caller_units)s))),"
    " by_status as (select status, count(*) as assets from visible group by status),"
    " by_category as (select v.category_id, c.name as category_name, count(*) as assets"
    "  from visible v left join asset_category c on c.id = v.category_id"
    "  where v.status <> 'disposed' group by v.category_id, c.name),"
    " holdings as (select v.assigned_employee_id as employee_id, count(*) as assets,"
    "  max(s.assigned_on) as last_assigned_on,"
    "  (array_agg(v.tag order by s.assigned_on desc nulls last, s.id desc))[1] as last_asset_tag"
    "  from visible v left join assignment s on s.asset_id = v.id and s.returned_on is null"
    "  where v.assigned_employee_id is not null group by v.assigned_employee_id"
    "  order by count(*) desc, v.assigned_employee_id limit %(holders)s)"
    " select (select coalesce(json_object_agg(status, assets), '{}') from by_status) as by_status,"
    " (select coalesce(json_agg(b order by b.assets desc, b.category_name), '[]')"
    "  from by_category b) as by_category,"
    " (select coalesce(json_agg(h order by h.assets desc, h.employee_id), '[]')"
    "  from holdings h) as per_employee"
)


async def figures(tx: ReadTx, caller: Caller) -> Figures:
    """The register in numbers, within the caller's scope, by one statement."""
    row = await tx.row(
        _FIGURES,
        scope=caller.scope(p.ASSET_READ),
        holders=MAX_HOLDERS,
        **caller_values(caller),
    )
    counted: dict[str, int] = row.by_status if row else {}
    by_status = {status: counted.get(status, 0) for status in sorted(STATES.states)}
    return Figures(
        total=sum(by_status.values()) - by_status["disposed"],
        assigned=by_status["assigned"],
        available=by_status["active"],
        maintenance=by_status["maintenance"],
        by_status=by_status,
        by_category=row.by_category if row else [],
        per_employee=row.per_employee if row else [],
    )


async def asset_view(tx: ReadTx, asset: m.Asset) -> AssetView:
    """An asset as lists show it."""
    category = await tx.find(m.AssetCategory, id=asset.category_id) if asset.category_id else None
    return AssetView.of(asset, category_name=category.name if category else None)


async def asset_details(tx: ReadTx, caller: Caller, id: UUID) -> AssetDetails:
    """An asset with its holder, books, disposals, and the verbs that are possible now."""
    asset = await tx.one(m.Asset, id)
    view = await asset_view(tx, asset)
    held = await tx.find(m.Assignment, asset_id=id, returned_on=None)
    may_value = caller.may(p.DEPRECIATION_READ)
    books = await tx.all(m.DepreciationBook, asset_id=id) if may_value else []
    disposals = await tx.all(m.Disposal, asset_id=id) if may_value and asset.disposed_on else []
    return AssetDetails(
        **view.model_dump(),
        assignment=assignment_view(held, asset) if held else None,
        books=[BookView.of(book, asset_tag=asset.tag) for book in books],
        disposals=[DisposalView.of(each, asset_tag=asset.tag) for each in disposals],
        verbs=STATES.verbs(asset.status),
    )


def assignment_view(assignment: m.Assignment, asset: m.Asset) -> AssignmentView:
    """An assignment with the names of its asset."""
    return AssignmentView.of(
        assignment,
        asset_tag=asset.tag,
        asset_name=asset.name,
        assigned_by=assignment.created_by,
    )


async def category_view(tx: ReadTx, category: m.AssetCategory) -> CategoryView:
    """A category as lists show it."""
    parent = await tx.one(m.AssetCategory, category.parent_id) if category.parent_id else None
    return CategoryView.of(category, parent_name=parent.name if parent else None)


async def options(tx: ReadTx) -> OptionsView:
    """The tenant's choices for its register, or what applies until it makes any."""
    row = await tx.find(m.RegisterOptions)
    return OptionsView.of(row) if row else NO_CHOICE
