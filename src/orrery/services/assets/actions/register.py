"""The register itself: entering assets, changing them, correcting their cost, finding them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
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
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.money import round_money
from orrery.kernel.types.refusal import NotFound
from orrery.services.assets import models as m
from orrery.services.assets.actions import books
from orrery.services.assets.queries import register, values
from orrery.services.assets.rules import forms, posting, states
from orrery.services.assets.rules.plans import check_plan
from orrery.services.assets.schemas.assets import AssetChange, AssetDraft, CostCorrection, Scan
from orrery.services.assets.schemas.categories import BookDefaults, OptionsView, SpecFieldDraft
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
    """Enter an asset in the register. Refuses and announces as ``create_assets`` does."""
    return (await create_assets(tx, caller, [draft], ids=[id]))[0]


async def create_assets(
    tx: Tx, caller: Caller, drafts: Sequence[AssetDraft], *, ids: Sequence[UUID | None] = ()
) -> list[m.Asset]:
    """Enter assets in the register, with the books of their categories.

    Refuses: SpecsInvalid, TagTaken, SerialTaken, SalvageAboveCost, PlanInvalid, CategoryArchived,
    NotFound. Announces: AssetCreated.
    """
    categories = await _categories(tx, {draft.category_id for draft in drafts})
    options = await register.options(tx)
    entered = [_entered(draft, categories[draft.category_id], options) for draft in drafts]
    await _check_free(
        tx,
        tags=[draft.tag for draft in drafts if draft.tag],
        serials=[draft.serial for draft in drafts if draft.serial],
    )
    for asset_values, id in zip_longest(entered, ids):
        asset_values["id"] = id or new_id()
    untagged = [each for each in entered if each["tag"] is None]
    tags = await _next_tags(tx, options.tag_pattern, len(untagged))
    for asset_values, tag in zip(untagged, tags, strict=True):
        asset_values["tag"] = tag
    assets = await tx.add_many(m.Asset, entered)
    opened = [
        (asset, book)
        for asset, draft in zip(assets, drafts, strict=True)
        for book in _books(draft, categories[draft.category_id], asset)
    ]
    await books.add_books(tx, caller, opened, first_month=options.fiscal_year_month)
    for asset in assets:
        tx.announce(_created(asset, categories[asset.category_id]))
    return assets


async def change_asset(tx: Tx, caller: Caller, id: UUID, change: AssetChange) -> m.Asset:
    """Change what the register says about an asset; its specifications must fit its category.

    Refuses: AssetIsDisposed, SpecsInvalid, TagTaken, SerialTaken, CategoryArchived, NotFound,
    Stale. Announces: AssetChanged.
    """
    asset = await tx.lock(m.Asset, id)
    states.check_open(asset.status, asset.tag)
    changed = change.model_dump(exclude_unset=True)
    category_id = changed.get("category_id", asset.category_id)
    category = (await _categories(tx, {category_id}, are_new="category_id" in changed))[category_id]
    if "specs" in changed or "category_id" in changed:
        changed["specs"] = forms.read_specs(category.fields, changed.get("specs", asset.specs))
    await _check_free(
        tx,
        tags=[changed["tag"]] if "tag" in changed else [],
        serials=[changed["serial"]] if changed.get("serial") else [],
        own=asset.id,
    )
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


async def _categories(
    tx: Tx, ids: Collection[UUID | None], *, are_new: bool = True
) -> dict[UUID | None, Category]:
    """Categories by id, shared-locked: their forms stay as they are while assets are checked.

    Refuses: NotFound, CategoryArchived.
    """
    found: dict[UUID | None, Category] = {None: Category(None, None, [], [])}
    wanted = sorted(id for id in ids if id is not None)
    rows = await tx.rows(
        "select id, code, name, fields, books, is_archived from asset_category"
        " where id = any(%(ids)s) order by id for share",
        ids=wanted,
    )
    for row in rows:
        if row.is_archived and are_new:
            raise forms.CategoryArchived(code=row.code)
        fields = [SpecFieldDraft.model_validate(each).field() for each in row.fields]
        defaults = [BookDefaults.model_validate(each) for each in row.books]
        found[row.id] = Category(row.id, row.name, fields, defaults)
    missing = [id for id in wanted if id not in found]
    if missing:
        raise NotFound(resource="asset_category", id=missing[0])
    return found


def _entered(draft: AssetDraft, category: Category, options: OptionsView) -> dict[str, Any]:
    """A new asset's values. Refuses: SpecsInvalid, SalvageAboveCost."""
    currency = draft.currency or options.currency
    cost = round_money(draft.cost, currency)
    salvage = _salvage(draft, category, cost, currency)
    states.check_salvage(cost=cost, salvage=salvage)
    return draft.model_dump(exclude={"books"}) | {
        "specs": forms.read_specs(category.fields, draft.specs),
        "status": states.STATES.start,
        "cost": cost,
        "currency": currency,
        "salvage_value": salvage,
    }


async def _check_free(
    tx: Tx, *, tags: Sequence[str], serials: Sequence[str], own: UUID | None = None
) -> None:
    """Refuse tags and serials of other assets. Refuses: TagTaken, SerialTaken."""
    if not tags and not serials:
        return
    taken = await tx.row(
        "select id, tag, serial, tag = any(%(tags)s) as is_tag from asset"
        " where (tag = any(%(tags)s) or serial = any(%(serials)s))"
        " and id is distinct from %(own)s::uuid limit 1",
        tags=list(tags),
        serials=list(serials),
        own=own,
    )
    if taken is not None and taken.is_tag:
        raise states.TagTaken(tag=taken.tag, asset_id=taken.id)
    if taken is not None:
        raise states.SerialTaken(serial=taken.serial, asset_id=taken.id, tag=taken.tag)


async def _next_tags(tx: Tx, pattern: str, count: int) -> list[str]:
    """The next tags of the series that nobody chose by hand before."""
    found: list[str] = []
    while len(found) < count:
        fresh = await tx.take_numbers(TAG_SERIES, count - len(found), pattern=pattern)
        rows = await tx.rows("select tag from asset where tag = any(%(tags)s)", tags=fresh)
        taken = {row.tag for row in rows}
        found += [tag for tag in fresh if tag not in taken]
    return found


def _salvage(draft: AssetDraft, category: Category, cost: Decimal, currency: str) -> Decimal:
    """Salvage as given, or as the category's first book expects it."""
    if draft.salvage_value is not None:
        return round_money(draft.salvage_value, currency)
    if draft.books is not None or not category.books:
        return Decimal(0)
    return round_money(cost * category.books[0].salvage_percent / 100, currency)


def _books(draft: AssetDraft, category: Category, asset: m.Asset) -> Sequence[BookDraft]:
    """The books as given, or the category's; what cost nothing has nothing to depreciate."""
    if draft.books is not None:
        return draft.books
    if not asset.cost:
        return []
    drafts = []
    for place, book in enumerate(category.books):
        given = book.model_dump(exclude={"salvage_percent"})
        if place and draft.salvage_value is None and book.method != "macrs":
            salvage = asset.cost * book.salvage_percent / 100
            given["salvage_value"] = round_money(salvage, asset.currency)
        drafts.append(BookDraft.model_validate(given))
    return drafts


def _created(asset: m.Asset, category: Category) -> AssetCreated:
    return AssetCreated(
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
