"""The register: entering, changing, correcting and finding assets."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.kernel.types.states import WrongState
from orrery.services.assets import models as m
from orrery.services.assets.actions import categories, depreciation, register
from orrery.services.assets.rules import forms, states
from orrery.services.assets.rules.plans import PlanInvalid
from orrery.services.assets.schemas.assets import AssetChange, CostCorrection, Scan
from orrery.services.assets.schemas.categories import CategoryChange, OptionsChange
from orrery.services.assets.schemas.depreciation import PostingOrder
from tests.actions.assets.factories import (
    STRAIGHT,
    announced,
    make_asset,
    make_category,
    make_held,
    on,
)


async def test_tags_come_from_the_tenants_series(house: House) -> None:
    """TB ERP: tag unique (e.g. TBA00002); part B: tag series unless given."""
    async with house.tx("assets") as tx:
        pattern = OptionsChange(tag_pattern="TBA{00000}")
        await categories.change_options(tx, tx.caller, pattern)
        await tx.run("delete from number_series where series = 'asset'")
        first, second = await make_asset(tx), await make_asset(tx)
        assert (first.tag, second.tag) == ("TBA00001", "TBA00002")
        assert (await make_asset(tx, tag="OLD-7")).tag == "OLD-7"


async def test_a_tag_chosen_by_hand_is_passed_over_by_the_series(house: House) -> None:
    """A series never hands out a tag that is taken already."""
    async with house.tx("assets") as tx:
        await tx.run("delete from number_series where series = 'asset'")
        await categories.change_options(tx, tx.caller, OptionsChange(tag_pattern="T-{000}"))
        await make_asset(tx, tag="T-001")
        assert (await make_asset(tx)).tag == "T-002"


async def test_tag_and_serial_name_one_asset(house: House) -> None:
    """TB ERP: tag unique; part B: serial unique when given."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, tag="X-1", serial="S-1")
        other = await make_asset(tx)
        count = await tx.value("select count(*) from asset")
        with pytest.raises(states.TagTaken) as refused:
            await make_asset(tx, tag="X-1")
        assert refused.value.facts == {"tag": "X-1", "asset_id": asset.id}
        with pytest.raises(states.SerialTaken):
            await make_asset(tx, serial="S-1")
        change = AssetChange(serial="S-1")
        with pytest.raises(states.SerialTaken):
            await register.change_asset(tx, tx.caller, other.id, change)
        assert await tx.value("select count(*) from asset") == count
        assert (await tx.one(m.Asset, other.id)).serial is None
        kept = await register.change_asset(tx, tx.caller, asset.id, AssetChange(serial="S-1"))
        assert kept.serial == "S-1"


async def test_an_asset_is_announced_with_its_cost_and_category(house: House) -> None:
    """TB ERP: asset.created -> dashboard total asset value."""
    async with house.tx("assets") as tx:
        category = await make_category(tx)
        asset = await make_asset(
            tx, category_id=category.id, specs={"cpu": "M3"}, purchased_on=date(2024, 3, 1)
        )
        assert asset.status == "active"
        assert announced(tx) == ["AssetCreated"]
        event = tx.events[0]
        assert vars(event) == {
            "asset_id": asset.id,
            "tag": asset.tag,
            "title": "Laptop",
            "category_id": category.id,
            "category_name": "Laptop",
            "status": "active",
            "cost": Decimal("1200.00"),
            "currency": "EUR",
            "purchased_on": date(2024, 3, 1),
        }


async def test_specifications_must_fit_the_category(house: House) -> None:
    """Part B: specs are validated against the category's fields with an error per field."""
    async with house.tx("assets") as tx:
        category = await make_category(tx)
        with pytest.raises(forms.SpecsInvalid) as refused:
            await make_asset(tx, category_id=category.id, specs={"ram_gb": 12, "gpu": "big"})
        assert refused.value.facts["fields"] == {
            "cpu": "required",
            "ram_gb": "not_allowed",
            "gpu": "unknown_field",
        }
        assert await tx.find(m.Asset, category_id=category.id) is None
        asset = await make_asset(tx, category_id=category.id, specs={"cpu": "M3", "ram_gb": "16"})
        assert asset.specs == {"cpu": "M3", "ram_gb": 16}
        with pytest.raises(forms.SpecsInvalid):
            await make_asset(tx, specs={"cpu": "M3"})


async def test_changing_the_category_checks_the_specifications_again(house: House) -> None:
    """An asset never has values that its form does not know."""
    async with house.tx("assets") as tx:
        laptop = await make_category(tx)
        bare = await make_category(tx, fields=[])
        asset = await make_asset(tx, category_id=laptop.id, specs={"cpu": "M3"})
        with pytest.raises(forms.SpecsInvalid):
            await register.change_asset(tx, tx.caller, asset.id, AssetChange(category_id=bare.id))
        assert (await tx.one(m.Asset, asset.id)).category_id == laptop.id
        change = AssetChange(category_id=bare.id, specs={})
        asset = await register.change_asset(tx, tx.caller, asset.id, change)
        assert (asset.category_id, asset.specs) == (bare.id, {})
        assert announced(tx) == ["AssetCreated", "AssetChanged"]


async def test_a_form_is_not_changed_under_stored_assets(house: House) -> None:
    """Part B: changing a form never breaks stored assets; incompatible changes are refused."""
    async with house.tx("assets") as tx:
        category = await make_category(tx)
        asset = await make_asset(tx, category_id=category.id, specs={"cpu": "M3", "ram_gb": 8})
        change = CategoryChange.model_validate(
            {
                "fields": [
                    {
                        "key": "ram_gb",
                        "label": "Memory",
                        "type": "integer",
                        "allowed": ["16", "32"],
                    },
                    {"key": "os", "label": "System", "type": "text", "required": True},
                ]
            }
        )
        with pytest.raises(forms.FormBreaksAssets) as refused:
            await categories.change_category(tx, tx.caller, category.id, change)
        assert refused.value.facts["examples"] == [
            {
                "field": "cpu",
                "problem": "unknown_field",
                "value": "M3",
                "assets": 1,
                "tag": asset.tag,
            },
            {
                "field": "ram_gb",
                "problem": "not_allowed",
                "value": 8,
                "assets": 1,
                "tag": asset.tag,
            },
            {"field": "os", "problem": "required", "value": None, "assets": 1, "tag": asset.tag},
        ]
        kept = await tx.one(m.AssetCategory, category.id)
        assert [field["key"] for field in kept.fields] == ["cpu", "ram_gb"]


async def test_a_form_may_grow_while_assets_use_it(house: House) -> None:
    """Wider choices and new optional fields break nothing and are saved."""
    async with house.tx("assets") as tx:
        category = await make_category(tx)
        await make_asset(tx, category_id=category.id, specs={"cpu": "M3", "ram_gb": 8})
        change = CategoryChange.model_validate(
            {
                "fields": [
                    {"key": "cpu", "label": "CPU", "type": "text", "required": True},
                    {"key": "ram_gb", "label": "Memory", "type": "integer"},
                    {"key": "os", "label": "System", "type": "text"},
                ]
            }
        )
        changed = await categories.change_category(tx, tx.caller, category.id, change)
        assert [field["key"] for field in changed.fields] == ["cpu", "ram_gb", "os"]


async def test_categories_do_not_hang_below_themselves(house: House) -> None:
    """A tree has no circles, however long they are."""
    async with house.tx("assets") as tx:
        top = await make_category(tx)
        middle = await make_category(tx, parent_id=top.id)
        leaf = await make_category(tx, parent_id=middle.id)
        for below in (top.id, middle.id, leaf.id):
            change = CategoryChange(parent_id=below)
            with pytest.raises(forms.CategoryCycle):
                await categories.change_category(tx, tx.caller, top.id, change)
        assert (await tx.one(m.AssetCategory, top.id)).parent_id is None
        with pytest.raises(NotFound):
            await make_category(tx, parent_id=new_id())


async def test_an_archived_category_takes_no_new_assets(house: House) -> None:
    """Archiving hides a category from new assets; those it has can still be changed."""
    async with house.tx("assets") as tx:
        category = await make_category(tx)
        asset = await make_asset(tx, category_id=category.id, specs={"cpu": "M3"})
        await categories.archive_category(tx, tx.caller, category.id, is_archived=True)
        with pytest.raises(forms.CategoryArchived):
            await make_asset(tx, category_id=category.id, specs={"cpu": "M3"})
        change = AssetChange.model_validate({"specs": {"cpu": "M4"}})
        changed = await register.change_asset(tx, tx.caller, asset.id, change)
        assert changed.specs == {"cpu": "M4"}


async def test_the_categorys_books_come_with_the_asset(house: House) -> None:
    """Part B: categories have default depreciation settings."""
    async with house.tx("assets") as tx:
        category = await make_category(
            tx,
            fields=[],
            books=[
                {"code": "book", "life_months": 72, "salvage_percent": "10"},
                {
                    "code": "tax",
                    "method": "macrs",
                    "convention": "half_year",
                    "life_months": 60,
                    "period_months": 12,
                },
                {"code": "group", "life_months": 60, "salvage_percent": "25"},
            ],
        )
        asset = await make_asset(
            tx, category_id=category.id, books=None, purchased_on=date(2024, 3, 10)
        )
        assert asset.salvage_value == Decimal("120.00")
        books = {book.code: book for book in await tx.all(m.DepreciationBook, asset_id=asset.id)}
        assert sorted(books) == ["book", "group", "tax"]
        assert books["book"].salvage_value is None
        assert books["group"].salvage_value == Decimal("300.00")
        assert books["book"].starts_on == date(2024, 3, 10)
        assert books["book"].next_post_on == date(2024, 3, 31)
        assert books["tax"].next_post_on == date(2024, 12, 31)
        nothing = await make_asset(tx, category_id=category.id, books=None, cost="0")
        assert await tx.all(m.DepreciationBook, asset_id=nothing.id) == []


async def test_terms_that_contradict_each_other_leave_no_asset(house: House) -> None:
    """A book that cannot be computed is refused with its asset."""
    async with house.tx("assets") as tx:
        count = await tx.value("select count(*) from depreciation_book")
        with pytest.raises(PlanInvalid) as refused:
            await make_asset(tx, books=[{"method": "macrs", "life_months": 48}])
        assert refused.value.facts["fields"] == {
            "life_months": "not_a_macrs_recovery_period",
            "convention": "macrs_needs_half_year_or_mid_quarter",
        }
        assert await tx.value("select count(*) from depreciation_book") == count


async def test_salvage_does_not_exceed_the_cost(house: House) -> None:
    """The limit itself is allowed, a cent more is refused."""
    async with house.tx("assets") as tx:
        assert (await make_asset(tx, salvage_value="1200.00")).salvage_value == Decimal("1200.00")
        with pytest.raises(states.SalvageAboveCost):
            await make_asset(tx, salvage_value="1200.01")


async def test_cost_is_corrected_until_depreciation_is_posted(house: House) -> None:
    """Part B: correct cost (before depreciation posted)."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, books=[STRAIGHT], purchased_on=date(2024, 1, 1))
        right = CostCorrection(cost=Decimal("1300.004"), reason="Freight was missing")
        asset = await register.correct_cost(tx, tx.caller, asset.id, right)
        assert asset.cost == Decimal("1300.00")
        assert announced(tx) == ["AssetCreated", "AssetCostChanged"]
        await depreciation.post_depreciation(tx, tx.caller, PostingOrder(asset_ids=[asset.id]))
        with pytest.raises(states.CostIsPosted) as refused:
            await register.correct_cost(tx, tx.caller, asset.id, right)
        assert refused.value.facts["books"] == ["book"]
        assert (await tx.one(m.Asset, asset.id)).cost == Decimal("1300.00")


async def test_a_scan_moves_the_asset_where_it_was_found(house: House) -> None:
    """TB ERP: audit; part B: audit scan (found at, condition)."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, location="Room 1", purchased_on=date(2024, 1, 1))
        scan = Scan(found_at="Room 2", condition="fair")
        asset, seen = await register.scan_asset(tx, tx.caller, asset.id, scan)
        assert (asset.location, asset.condition) == ("Room 2", "fair")
        assert asset.audited_on == seen.scanned_on == date(2024, 6, 15)
        late = Scan(found_at="Room 1", condition="good", scanned_on=date(2024, 6, 1))
        asset, _ = await register.scan_asset(tx, tx.caller, asset.id, late)
        assert (asset.location, asset.condition) == ("Room 2", "fair")
        assert len(await tx.all(m.AuditScan, asset_id=asset.id)) == 2
        tomorrow = Scan(found_at="Room 3", condition="good", scanned_on=date(2024, 6, 16))
        with pytest.raises(states.WrongDate):
            await register.scan_asset(tx, tx.caller, asset.id, tomorrow)
        assert len(await tx.all(m.AuditScan, asset_id=asset.id)) == 2


async def test_retired_assets_come_back_but_held_ones_do_not_retire(house: House) -> None:
    """Statuses follow the table; the holder comes first."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        asset = await register.retire_asset(tx, tx.caller, asset.id)
        assert asset.status == "retired"
        with pytest.raises(WrongState):
            await register.retire_asset(tx, tx.caller, asset.id)
        asset = await register.reinstate_asset(tx, tx.caller, asset.id)
        assert asset.status == "active"
        held = await make_held(tx, new_id())
        with pytest.raises(states.StillAssigned):
            await register.retire_asset(tx, tx.caller, held.id)
        assert (await tx.one(m.Asset, held.id)).status == "assigned"
        assert announced(tx)[:3] == ["AssetCreated", "AssetStatusChanged", "AssetStatusChanged"]


async def test_a_stale_change_changes_nothing(house: House) -> None:
    """DESIGN 4: a stale write is 412 and nothing changes."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        tx.if_match = asset.version + 1
        with pytest.raises(Stale):
            await register.change_asset(tx, tx.caller, asset.id, AssetChange(name="Other"))
        assert (await tx.one(m.Asset, asset.id)).name == "Laptop"


async def test_every_change_is_logged_old_to_new(house: House) -> None:
    """TB ERP: every change logged old -> new with actor."""
    actor = new_id()
    async with house.tx("assets", user_id=actor) as tx:
        asset = await make_asset(tx, location="Room 1")
        await register.change_asset(tx, tx.caller, asset.id, AssetChange(location="Room 2"))
        rows = await tx.rows(
            "select actor, verb, before ->> 'location' as old, after ->> 'location' as new"
            " from history where record_id = %(id)s order by id",
            id=asset.id,
        )
        assert [tuple(row) for row in rows] == [
            (str(actor), "insert", None, "Room 1"),
            (str(actor), "update", "Room 1", "Room 2"),
        ]


async def test_purchase_dates_bound_what_happens_later(house: House) -> None:
    """Nothing is scanned before it was bought."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=date(2024, 6, 10))
        early = Scan(found_at="X", condition="good", scanned_on=date(2024, 6, 10) - timedelta(1))
        with pytest.raises(states.WrongDate):
            await register.scan_asset(tx, tx.caller, asset.id, early)
        assert (await tx.one(m.Asset, asset.id)).audited_on is None
