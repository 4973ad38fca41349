"""Categories and the register's own settings."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.refusal import Malformed
from orrery.services.assets import models as m
from orrery.services.assets.queries import register
from orrery.services.assets.rules import forms
from orrery.services.assets.rules.plans import Plan, check_plan
from orrery.services.assets.schemas.categories import (
    BookDefaults,
    CategoryChange,
    CategoryDraft,
    OptionsChange,
    OptionsView,
    SpecFieldDraft,
)

# A cost to try a category's depreciation terms on before any asset has them.
_TRIAL_COST = Decimal(1_000)


async def create_category(
    tx: Tx, caller: Caller, draft: CategoryDraft, *, id: UUID | None = None
) -> m.AssetCategory:
    """Add a category with its form. Refuses: FormInvalid, PlanInvalid, NotFound."""
    forms.check_form([field.field() for field in draft.fields])
    _check_books(draft.books)
    if draft.parent_id is not None:
        await tx.one(m.AssetCategory, draft.parent_id)
    return await tx.add(
        m.AssetCategory,
        id=id,
        code=draft.code,
        name=draft.name,
        parent_id=draft.parent_id,
        fields=_plain(draft.fields),
        books=_plain(draft.books),
        external_id=draft.external_id,
    )


async def change_category(
    tx: Tx, caller: Caller, id: UUID, change: CategoryChange
) -> m.AssetCategory:
    """Change a category; a form that stored assets would not fit is refused with a report.

    Refuses: FormInvalid, FormBreaksAssets, PlanInvalid, CategoryCycle, NotFound, Stale.
    """
    values = change.model_dump(exclude_unset=True)
    if values.get("parent_id") is not None:
        await _check_parent(tx, id, values["parent_id"])
    category = await tx.lock(m.AssetCategory, id)
    if "fields" in values:
        fields = [field.field() for field in change.fields]
        forms.check_form(fields)
        forms.check_conflicts(await _conflicts(tx, category.id, fields))
        values["fields"] = _plain(change.fields)
    if "books" in values:
        _check_books(change.books)
        values["books"] = _plain(change.books)
    return await tx.change(category, **values) if values else category


async def archive_category(
    tx: Tx, caller: Caller, id: UUID, *, is_archived: bool
) -> m.AssetCategory:
    """Hide a category from new assets, or offer it again. Refuses: NotFound, Stale."""
    category = await tx.lock(m.AssetCategory, id)
    return await tx.change(category, is_archived=is_archived)


async def change_options(tx: Tx, caller: Caller, change: OptionsChange) -> OptionsView:
    """Change what the register does by itself: currency, tags, fiscal year."""
    values = change.model_dump(exclude_unset=True)
    row = await tx.find(m.RegisterOptions)
    if row is None:
        row = await tx.add(m.RegisterOptions, **(register.NO_CHOICE.model_dump() | values))
    elif values:
        row = await tx.change(row, **values)
    return OptionsView.of(row)


async def _check_parent(tx: Tx, id: UUID, parent_id: UUID) -> None:
    """Refuse a circle; all categories are locked, so that two changes cannot make one together."""
    await tx.rows("select id from asset_category order by id for update")
    await tx.one(m.AssetCategory, parent_id)
    below = await tx.value(
        "with recursive above as (select id, parent_id from asset_category where id = %(parent)s"
        " union select c.id, c.parent_id from asset_category c join above a on c.id = a.parent_id)"
        " select 1 from above where id = %(id)s",
        parent=parent_id,
        id=id,
    )
    if below is not None:
        raise forms.CategoryCycle(category_id=id, parent_id=parent_id)


async def _conflicts(tx: Tx, id: UUID, fields: Sequence[forms.SpecField]) -> list[forms.Conflict]:
    """Compare a form with the distinct values that assets have, however many assets there are."""
    stored = await tx.rows(
        "select v.key, v.value, count(*) as count, min(a.tag) as tag from asset a"
        " cross join lateral jsonb_each(a.specs) as v (key, value)"
        " where a.category_id = %(id)s group by v.key, v.value order by v.key, v.value",
        id=id,
    )
    missing = await tx.rows(
        "select f.key, count(*) as count, min(a.tag) as tag"
        " from unnest(%(keys)s::text[]) as f (key)"
        " join asset a on a.category_id = %(id)s and not jsonb_exists(a.specs, f.key)"
        " group by f.key order by f.key",
        id=id,
        keys=[field.key for field in fields if field.required],
    )
    return forms.form_conflicts(
        fields,
        [forms.StoredValue(row.key, row.value, row.count, row.tag) for row in stored],
        [forms.StoredValue(row.key, None, row.count, row.tag) for row in missing],
    )


def _check_books(books: Sequence[BookDefaults]) -> None:
    """Try the terms on a round sum. Refuses: PlanInvalid, Malformed."""
    codes = [book.code for book in books]
    if len(set(codes)) < len(codes):
        raise Malformed(field="books", reason="a code appears twice")
    for book in books:
        check_plan(
            Plan(
                method=book.method,
                convention=book.convention,
                cost=_TRIAL_COST,
                salvage=_TRIAL_COST * book.salvage_percent / 100,
                currency=register.NO_CHOICE.currency,
                starts_on=date(2000, 1, 1),
                life_months=book.life_months,
                period_months=book.period_months,
                rate=book.rate,
                factor=book.factor,
                switches=book.switches,
                # What an asset can produce is known when it is bought, not for its category.
                units_total=Decimal(1) if book.method == "units_of_production" else None,
            )
        )


def _plain(drafts: Sequence[SpecFieldDraft] | Sequence[BookDefaults]) -> list[dict[str, Any]]:
    return [draft.model_dump(mode="json") for draft in drafts]
