"""The register itself: entering assets, changing them, correcting their cost, finding them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.contracts.assets import (
    AssetChanged,
    AssetCostChanged,
    AssetCreated,
    AssetStatusChanged,
)
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.money import round_money
from orrery.kernel.types.refusal import NotFound
from orrery.services.assets import models as m
from orrery.services.assets.actions import books
from orrery.services.assets.actions.changes import sent
from orrery.services.assets.queries import register, values
from orrery.services.assets.rules import forms, posting, states
from orrery.services.assets.rules.plans import check_plan
from orrery.services.assets.schemas.assets import AssetChange, AssetDraft, CostCorrection, Scan
from orrery.services.assets.schemas.categories import BookDefaults, SpecFieldDraft
from orrery.services.assets.schemas.depreciation import BookDraft

TAG_SERIES = "asset"


@dataclass(frozen=True)
class Category:
    """What entering an asset needs of its category; an asset without one has an empty form."""

    id: UUID | None
    name: str | None
    fields: list[forms.SpecField]
    books: list[BookDefaults]


async def create_asset(
    tx: Tx, caller: Caller, draft: AssetDraft, *, id: UUID | None = None
) -> m.Asset:
    """Enter an asset in the register.

    Refuses: SpecsInvalid, TagTaken, SerialTaken, SalvageAboveCost, PlanInvalid, CategoryArchived,
    NotFound. Announces: AssetCreated.
    """
    category = await _category(tx, draft.category_id)
    options = await register.options(tx)
    currency = draft.currency or options.currency
    cost = round_money(draft.cost, currency)
    salvage = _salvage(draft, category, cost, currency)
    states.check_salvage(cost=cost, salvage=salvage)
    specs = forms.read_specs(category.fields, draft.specs)
    await _check_free(tx, tag=draft.tag, serial=draft.serial)
    given = draft.model_dump(exclude={"books", "tag", "specs", "cost", "currency", "salvage_value"})
    asset = await tx.add(
        m.Asset,
        **given,
        id=id,
        tag=draft.tag or await _next_tag(tx, options.tag_pattern),
        specs=specs,
        status=states.STATES.start,
        cost=cost,
        currency=currency,
        salvage_value=salvage,
    )
    drafts = _books(draft, category, cost, currency)
    await books.add_books(tx, caller, asset, drafts, first_month=options.fiscal_year_month)
    tx.announce(
        AssetCreated(
            asset_id=asset.id,
            tag=asset.tag,
            title=asset.name,
            category_id=category.id,
            category_name=category.name,
            status=asset.status,
            cost=asset.cost,
            currency=asset.currency,
            purchased_on=asset.purchased_on,
        )
    )
    return asset


async def change_asset(tx: Tx, caller: Caller, id: UUID, change: AssetChange) -> m.Asset:
    """Change what the register says about an asset; its specifications must fit its category.

    Refuses: AssetIsDisposed, SpecsInvalid, TagTaken, SerialTaken, CategoryArchived, NotFound,
    Stale. Announces: AssetChanged.
    """
    asset = await tx.lock(m.Asset, id)
    states.check_open(asset.status, asset.tag)
    changed = sent(m.Asset, change)
    category = await _category(
        tx, changed.get("category_id", asset.category_id), is_new="category_id" in changed
    )
    if "specs" in changed or "category_id" in changed:
        changed["specs"] = forms.read_specs(category.fields, changed.get("specs", asset.specs))
    await _check_free(tx, tag=changed.get("tag"), serial=changed.get("serial"), own=asset.id)
    if not changed:
        return asset
    asset = await tx.change(asset, **changed)
    tx.announce(
        AssetChanged(
            asset_id=asset.id,
            tag=asset.tag,
            title=asset.name,
            category_id=category.id,
            category_name=category.name,
        )
    )
    return asset


async def correct_cost(tx: Tx, caller: Caller, id: UUID, correction: CostCorrection) -> m.Asset:
    """Put the right cost in the register, while no depreciation of it is posted.

    Refuses: CostIsPosted, SalvageAboveCost, PlanInvalid, AssetIsDisposed, NotFound, Stale.
    Announces: AssetCostChanged.
    """
    asset = await tx.lock(m.Asset, id)
    states.check_open(asset.status, asset.tag)
    before = asset.cost
    opened = await tx.lock_many(
        m.DepreciationBook, [book.id for book in await tx.all(m.DepreciationBook, asset_id=id)]
    )
    posted = [book.code for book in opened if book.posted_through is not None]
    if posted:
        raise states.CostIsPosted(tag=asset.tag, books=posted)
    cost = round_money(correction.cost, asset.currency)
    salvage = asset.salvage_value
    if correction.salvage_value is not None:
        salvage = round_money(correction.salvage_value, asset.currency)
    states.check_salvage(cost=cost, salvage=salvage)
    asset = await tx.change(asset, cost=cost, salvage_value=salvage)
    for book in opened:
        plan = values.plan_of(asset, book)
        check_plan(plan)
        next_end = posting.next_end(plan, posted_through=None, posted_total=book.posted_total)
        await tx.change(book, next_post_on=next_end)
    tx.announce(AssetCostChanged(asset.id, before, asset.cost, asset.currency))
    return asset


async def retire_asset(tx: Tx, caller: Caller, id: UUID) -> m.Asset:
    """Take an asset out of use; it goes on depreciating (IAS 16, paragraph 55).

    Refuses: StillAssigned, WrongState, NotFound, Stale. Announces: AssetStatusChanged.
    """
    asset = await tx.lock(m.Asset, id)
    status = states.retire(status=asset.status, holder_id=asset.assigned_employee_id, tag=asset.tag)
    return await change_status(tx, asset, status)


async def reinstate_asset(tx: Tx, caller: Caller, id: UUID) -> m.Asset:
    """Bring a retired asset back into use.

    Refuses: WrongState, NotFound, Stale. Announces: AssetStatusChanged.
    """
    asset = await tx.lock(m.Asset, id)
    return await change_status(tx, asset, states.STATES.after(asset.status, "reinstate"))


async def scan_asset(tx: Tx, caller: Caller, id: UUID, scan: Scan) -> tuple[m.Asset, m.AuditScan]:
    """Record where an asset was found and how it was; the register follows.

    Refuses: AssetIsDisposed, WrongDate, NotFound, Stale.
    """
    asset = await tx.lock(m.Asset, id)
    states.check_open(asset.status, asset.tag)
    scanned_on = scan.scanned_on or caller.today
    states.check_between("scanned_on", scanned_on, earliest=asset.purchased_on, latest=caller.today)
    seen = await tx.add(
        m.AuditScan,
        asset_id=asset.id,
        scanned_on=scanned_on,
        found_at=scan.found_at,
        condition=scan.condition,
        notes=scan.notes,
    )
    # A scan that is entered late must not overwrite what a newer one found.
    if asset.audited_on is None or scanned_on >= asset.audited_on:
        asset = await tx.change(
            asset, location=scan.found_at, condition=scan.condition, audited_on=scanned_on
        )
    return asset, seen


async def change_status(tx: Tx, asset: m.Asset, status: str, **more: Any) -> m.Asset:
    """Save a status that the rules allowed. Announces: AssetStatusChanged when it differs."""
    before = asset.status
    asset = await tx.change(asset, status=status, **more)
    if before != status:
        tx.announce(AssetStatusChanged(asset.id, asset.tag, before, status))
    return asset


async def _category(tx: Tx, id: UUID | None, *, is_new: bool = True) -> Category:
    """An asset's category, shared-locked: its form stays as it is while the asset is checked.

    Refuses: NotFound, CategoryArchived.
    """
    if id is None:
        return Category(None, None, [], [])
    row = await tx.row(
        "select id, code, name, fields, books, is_archived from asset_category"
        " where id = %(id)s for share",
        id=id,
    )
    if row is None:
        raise NotFound(resource="asset_category", id=id)
    if row.is_archived and is_new:
        raise forms.CategoryArchived(code=row.code)
    fields = [SpecFieldDraft.model_validate(each).field() for each in row.fields]
    return Category(row.id, row.name, fields, [BookDefaults.model_validate(b) for b in row.books])


async def _check_free(
    tx: Tx, *, tag: str | None, serial: str | None, own: UUID | None = None
) -> None:
    """Refuse a tag or serial of another asset. Refuses: TagTaken, SerialTaken."""
    if tag is None and serial is None:
        return
    taken = await tx.row(
        "select id, tag, serial, tag = %(tag)s as is_tag from asset"
        " where (tag = %(tag)s or serial = %(serial)s)"
        " and id is distinct from %(own)s::uuid limit 1",
        tag=tag,
        serial=serial,
        own=own,
    )
    if taken is not None and taken.is_tag:
        raise states.TagTaken(tag=taken.tag, asset_id=taken.id)
    if taken is not None:
        raise states.SerialTaken(serial=taken.serial, asset_id=taken.id, tag=taken.tag)


async def _next_tag(tx: Tx, pattern: str) -> str:
    """The next tag of the series that nobody chose by hand before."""
    while True:
        tag = await tx.take_number(TAG_SERIES, pattern=pattern)
        if await tx.find(m.Asset, tag=tag) is None:
            return tag


def _salvage(draft: AssetDraft, category: Category, cost: Decimal, currency: str) -> Decimal:
    """Salvage as given, or as the category's first book expects it."""
    if draft.salvage_value is not None:
        return round_money(draft.salvage_value, currency)
    if draft.books is not None or not category.books:
        return Decimal(0)
    return round_money(cost * category.books[0].salvage_percent / 100, currency)


def _books(
    draft: AssetDraft, category: Category, cost: Decimal, currency: str
) -> Sequence[BookDraft]:
    """The books as given, or the category's; what cost nothing has nothing to depreciate."""
    if draft.books is not None:
        return draft.books
    if not cost:
        return []
    drafts = []
    for place, book in enumerate(category.books):
        given = book.model_dump(exclude={"salvage_percent"})
        if place and draft.salvage_value is None and book.method != "macrs":
            given["salvage_value"] = round_money(cost * book.salvage_percent / 100, currency)
        drafts.append(BookDraft.model_validate(given))
    return drafts
