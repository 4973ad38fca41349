"""Disposal: the last depreciation, gain or loss by book, and a record that is closed."""

from datetime import date
from decimal import Decimal

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.assets import models as m
from orrery.services.assets.actions import books, depreciation, disposal
from orrery.services.assets.queries import values
from orrery.services.assets.rules import states
from orrery.services.assets.schemas.assets import DisposalDraft
from orrery.services.assets.schemas.depreciation import BookDraft
from tests.actions.assets.factories import STRAIGHT, announced, make_asset, make_held, on
from tests.actions.assets.test_depreciation import JANUARY, TAX, amounts, post


async def test_a_sale_tells_gain_or_loss_in_every_book(house: House) -> None:
    """Part B: disposal: gain or loss = proceeds - book value at that date, by convention."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=date(2023, 7, 1), books=[STRAIGHT, TAX])
        await post(tx, asset, through=date(2024, 3, 31))
        sale = DisposalDraft(kind="sale", proceeds=Decimal("250.00"), buyer="Krause")
        gone = await disposal.dispose_asset(tx, tx.caller, asset.id, sale)
        assert (gone.status, gone.disposed_on) == ("disposed", date(2024, 6, 15))
        told = {d.book: d for d in await tx.all(m.Disposal, asset_id=asset.id)}
        # Eleven full months are taken by the end of May; the month of disposal is not.
        assert (told["book"].book_value, told["book"].gain) == (
            Decimal("100.00"),
            Decimal("150.00"),
        )
        # 20 % of 2023, half of the 32 % of 2024.
        assert (told["tax"].book_value, told["tax"].gain) == (Decimal("768.00"), Decimal("-518.00"))
        assert (told["book"].is_leading, told["tax"].is_leading) == (True, False)
        assert await amounts(tx, asset) == [
            *[("period", f"2023-{n:02}-{d}", Decimal("100.00")) for n, d in _DAYS_2023],
            *[("period", f"2024-{n:02}-{d}", Decimal("100.00")) for n, d in _DAYS_2024],
            ("disposal", "2024-06-15", Decimal("200.00")),
        ]
        assert announced(tx)[-1] == "AssetDisposed"
        event = vars(tx.events[-1])
        assert (event["book_value"], event["gain"]) == (Decimal("100.00"), Decimal("150.00"))
        value = await values.book_value(tx, asset.id, on=date(2024, 6, 15), code=None)
        assert value.book_value == 0
        before = await values.book_value(tx, asset.id, on=date(2024, 3, 31), code=None)
        assert before.book_value == Decimal("300.00")


_DAYS_2023 = [(7, 31), (8, 31), (9, 30), (10, 31), (11, 30), (12, 31)]
_DAYS_2024 = [(1, 31), (2, 29), (3, 31)]


async def test_disposal_takes_back_what_a_convention_does_not_allow(house: House) -> None:
    """Half-year: bought and sold in one year, nothing stays posted (Publication 946)."""
    on("2024-06-15")
    half = {"life_months": 60, "convention": "half_year"}
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[half])
        await post(tx, asset, through=date(2024, 3, 31))
        await disposal.dispose_asset(tx, tx.caller, asset.id, DisposalDraft(kind="scrap"))
        entries = await amounts(tx, asset)
        assert entries[-1] == ("disposal", "2024-06-15", Decimal("-30.00"))
        assert sum(amount for _, _, amount in entries) == 0
        disposed = await tx.find(m.Disposal, asset_id=asset.id)
        assert disposed is not None
        assert (disposed.book_value, disposed.gain) == (Decimal("1200.00"), Decimal("-1200.00"))


async def test_a_disposed_asset_is_closed(house: House) -> None:
    """TB ERP: delete = disposed; nothing is posted, reversed or disposed of again."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await post(tx, asset, through=date(2024, 5, 31))
        entry = (await tx.all(m.DepreciationEntry, asset_id=asset.id))[-1]
        await disposal.dispose_asset(tx, tx.caller, asset.id, DisposalDraft(kind="scrap"))
        count = len(await amounts(tx, asset))
        on("2024-09-30")
        assert (await post(tx, asset)).books == []
        with pytest.raises(states.AssetIsDisposed):
            await depreciation.reverse_entry(tx, tx.caller, entry.id, notes="?")
        with pytest.raises(states.AssetIsDisposed):
            await books.open_book(tx, tx.caller, asset.id, BookDraft(code="tax", life_months=12))
        assert len(await amounts(tx, asset)) == count


async def test_disposal_dates_lie_between_purchase_and_today(house: House) -> None:
    """An asset cannot leave before it came, or tomorrow."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=date(2024, 6, 10))
        for wrong in (date(2024, 6, 9), date(2024, 6, 16)):
            sale = DisposalDraft(kind="sale", disposed_on=wrong)
            with pytest.raises(states.WrongDate):
                await disposal.dispose_asset(tx, tx.caller, asset.id, sale)
        assert (await tx.one(m.Asset, asset.id)).status == "active"
        assert await tx.all(m.Disposal, asset_id=asset.id) == []


async def test_disposing_of_a_held_asset_ends_its_custody(house: House) -> None:
    """What is gone is held by nobody, and the assignment says why."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_held(tx, new_id())
        await disposal.dispose_asset(tx, tx.caller, asset.id, DisposalDraft(kind="scrap"))
        held = await tx.find(m.Assignment, asset_id=asset.id)
        assert held is not None
        assert (held.returned_on, held.end_reason) == (date(2024, 6, 15), "disposed")
        assert announced(tx)[-3:] == ["AssetStatusChanged", "AssetReturned", "AssetDisposed"]
        disposed = await tx.find(m.Disposal, asset_id=asset.id)
        assert disposed is not None
        assert (disposed.book, disposed.is_leading, disposed.book_value) == (
            None,
            True,
            Decimal("1200.00"),
        )
