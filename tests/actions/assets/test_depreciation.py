"""Posting depreciation: once per period, only by reversal back, caught up, and in step."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound
from orrery.services.assets import jobs
from orrery.services.assets import models as m
from orrery.services.assets.actions import books, depreciation, register
from orrery.services.assets.queries import values
from orrery.services.assets.rules import posting, states
from orrery.services.assets.schemas.depreciation import (
    BookChange,
    BookDraft,
    Posted,
    PostingOrder,
    UseDraft,
)
from tests.actions.assets.factories import STRAIGHT, announced, make_asset, on

JANUARY = date(2024, 1, 1)
TAX = {
    "code": "tax",
    "method": "macrs",
    "convention": "half_year",
    "life_months": 60,
    "period_months": 12,
}


async def post(tx: Tx, asset: m.Asset, through: date | None = None) -> Posted:
    """Post what is due for one asset."""
    order = PostingOrder(asset_ids=[asset.id], through=through)
    return await depreciation.post_depreciation(tx, tx.caller, order)


async def amounts(tx: Tx, asset: m.Asset, book: str = "book") -> list[tuple[str, str, Decimal]]:
    """The entries of a book by period: kind, end of period, amount."""
    entries = await tx.all(m.DepreciationEntry, asset_id=asset.id, book=book)
    entries.sort(key=lambda entry: (entry.period_end, entry.round, entry.kind))
    return [(e.kind, e.period_end.isoformat(), e.amount) for e in entries]


async def the_book(tx: Tx, asset: m.Asset, code: str = "book") -> m.DepreciationBook:
    """A book of an asset."""
    book = await tx.find(m.DepreciationBook, asset_id=asset.id, code=code)
    assert book is not None
    return book


async def test_a_period_is_posted_once(house: House) -> None:
    """Part B: append-only ledger of entries, idempotent per asset, book, period."""
    on("2024-03-31")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        tx.events.clear()
        posted = await post(tx, asset)
        assert [(p.book, p.currency, p.entries, p.amount) for p in posted.books] == [
            ("book", "EUR", 3, Decimal("300.00"))
        ]
        expected = [
            ("period", "2024-01-31", Decimal("100.00")),
            ("period", "2024-02-29", Decimal("100.00")),
            ("period", "2024-03-31", Decimal("100.00")),
        ]
        assert await amounts(tx, asset) == expected
        assert announced(tx) == ["AssetDepreciated"] * 3
        assert (await post(tx, asset)).books == []
        assert await amounts(tx, asset) == expected
        book = await the_book(tx, asset)
        assert (book.posted_through, book.posted_total, book.next_post_on) == (
            date(2024, 3, 31),
            Decimal("300.00"),
            date(2024, 4, 30),
        )


async def test_the_database_takes_no_period_twice(house: House) -> None:
    """The ledger keeps the rule itself, whatever the code does."""
    on("2024-01-31")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await post(tx, asset)
        entry = await tx.find(m.DepreciationEntry, asset_id=asset.id)
        assert entry is not None
        again = entry._asdict() | {"id": new_id()}  # type: ignore[attr-defined]  # a named tuple
        with pytest.raises(psycopg.errors.UniqueViolation, match="uq_depreciation_entry_once"):
            async with tx.savepoint():
                await tx.add(m.DepreciationEntry, **again)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with tx.savepoint():
                await tx.run("update depreciation_entry set amount = 0")
        assert len(await amounts(tx, asset)) == 1


async def test_a_period_that_is_not_over_is_not_posted(house: House) -> None:
    """Only complete periods; the last day of a month completes it."""
    on("2024-01-30")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT, TAX])
        assert (await post(tx, asset)).books == []
        assert await amounts(tx, asset) == []
        on("2024-01-31")
        assert [p.book for p in (await post(tx, asset)).books] == ["book"]
        with pytest.raises(states.WrongDate):
            await post(tx, asset, through=date(2024, 2, 29))
        on("2024-12-31")
        await post(tx, asset)
        assert await amounts(tx, asset, "tax") == [("period", "2024-12-31", Decimal("240.00"))]


async def test_the_nightly_job_posts_what_ended_before_today(house: House) -> None:
    """Part B: posting of a period by job or verb."""
    on("2024-01-31")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await jobs.post_depreciation(tx, tx.caller)
        assert await amounts(tx, asset) == []
        on("2024-02-01")
        await jobs.post_depreciation(tx, tx.caller)
        await jobs.post_depreciation(tx, tx.caller)
        assert await amounts(tx, asset) == [("period", "2024-01-31", Decimal("100.00"))]


async def test_a_mistake_is_reversed_and_posted_again(house: House) -> None:
    """Part B: reversal instead of change; FIN-2: the original line is never changed."""
    # A posting order for everything takes in what other tests left in a shared tenant.
    tenant = await house.new_tenant()
    on("2024-02-29")
    async with house.tx("assets", tenant=tenant) as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await post(tx, asset)
        entries = await tx.all(m.DepreciationEntry, asset_id=asset.id)
        first, second = sorted(entries, key=lambda entry: entry.period_end)
        with pytest.raises(posting.NotTheLatestEntry):
            await depreciation.reverse_entry(tx, tx.caller, first.id, notes="?")
        reversal = await depreciation.reverse_entry(tx, tx.caller, second.id, notes="Too early")
        assert (reversal.amount, reversal.reverses_id) == (Decimal("-100.00"), second.id)
        assert vars(tx.events[-1])["amount"] == Decimal("-100.00")
        with pytest.raises(posting.NotTheLatestEntry):
            await depreciation.reverse_entry(tx, tx.caller, second.id, notes="Twice")
        with pytest.raises(posting.NotTheLatestEntry):
            await depreciation.reverse_entry(tx, tx.caller, reversal.id, notes="Back")
        book = await the_book(tx, asset)
        assert (book.posted_through, book.posted_total, book.is_on_hold) == (
            date(2024, 1, 31),
            Decimal("100.00"),
            True,
        )
        everything = PostingOrder()
        assert (await depreciation.post_depreciation(tx, tx.caller, everything)).books == []
        await post(tx, asset)
        assert await amounts(tx, asset) == [
            ("period", "2024-01-31", Decimal("100.00")),
            ("period", "2024-02-29", Decimal("100.00")),
            ("reversal", "2024-02-29", Decimal("-100.00")),
            ("period", "2024-02-29", Decimal("100.00")),
        ]
        assert (await the_book(tx, asset)).is_on_hold is False


async def test_terms_change_only_while_nothing_is_posted(house: House) -> None:
    """Posted is forever; a hold may be set at any time."""
    on("2024-02-29")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        book = await the_book(tx, asset)
        change = BookChange(life_months=24)
        book = await books.change_book(tx, tx.caller, book.id, change)
        assert (book.life_months, book.next_post_on) == (24, date(2024, 1, 31))
        await post(tx, asset)
        assert (await amounts(tx, asset))[0][2] == Decimal("50.00")
        with pytest.raises(posting.BookIsPosted):
            await books.change_book(tx, tx.caller, book.id, BookChange(life_months=36))
        with pytest.raises(posting.BookIsPosted):
            await books.remove_book(tx, tx.caller, book.id)
        book = await books.change_book(tx, tx.caller, book.id, BookChange(is_on_hold=True))
        assert (book.is_on_hold, book.life_months) == (True, 24)


async def test_an_unused_book_can_be_taken_away(house: House) -> None:
    """Nothing is deleted but drafts: a book without entries is one."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, books=[STRAIGHT])
        book = await the_book(tx, asset)
        await books.remove_book(tx, tx.caller, book.id)
        assert await tx.all(m.DepreciationBook, asset_id=asset.id) == []
        await books.open_book(tx, tx.caller, asset.id, BookDraft.model_validate(STRAIGHT))
        with pytest.raises(psycopg.errors.UniqueViolation, match="uq_depreciation_book"):
            async with tx.savepoint():
                await books.open_book(tx, tx.caller, asset.id, BookDraft.model_validate(STRAIGHT))


async def test_depreciation_goes_on_while_an_asset_is_idle(house: House) -> None:
    """IAS 16.55: depreciation does not cease when the asset becomes idle or is retired."""
    on("2024-02-29")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await register.retire_asset(tx, tx.caller, asset.id)
        await post(tx, asset)
        assert len(await amounts(tx, asset)) == 2


async def test_a_whole_life_ends_at_salvage_and_is_never_due_again(house: House) -> None:
    """Part B: the last row closes exactly at salvage; then nothing is left to post."""
    on("2026-06-30")
    async with house.tx("assets") as tx:
        asset = await make_asset(
            tx, purchased_on=JANUARY, books=[STRAIGHT], cost="1000.00", salvage_value="99.99"
        )
        await post(tx, asset)
        entries = await amounts(tx, asset)
        assert len(entries) == 12
        assert sum(amount for _, _, amount in entries) == Decimal("900.01")
        assert (await the_book(tx, asset)).next_post_on is None


async def test_use_decides_units_of_production(house: House) -> None:
    """Part B: units of production; use that is recorded late is caught up by the next period."""
    on("2024-01-31")
    press = {"method": "units_of_production", "life_months": 96, "units_total": "1000"}
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[press])
        used = UseDraft(units=Decimal(100), used_on=date(2024, 1, 20))
        await depreciation.record_use(tx, tx.caller, asset.id, used)
        await post(tx, asset)
        on("2024-03-31")
        late = UseDraft(units=Decimal(50), used_on=date(2024, 1, 30))
        await depreciation.record_use(tx, tx.caller, asset.id, late)
        wrong = UseDraft(units=Decimal(10), used_on=date(2024, 2, 10))
        _, mistake = await depreciation.record_use(tx, tx.caller, asset.id, wrong)
        await post(tx, asset)
        assert await amounts(tx, asset) == [
            ("period", "2024-01-31", Decimal("120.00")),
            ("period", "2024-02-29", Decimal("72.00")),
        ]
        await depreciation.reverse_use(tx, tx.caller, mistake.id, notes="Other press")
        with pytest.raises(posting.UseIsReversed):
            await depreciation.reverse_use(tx, tx.caller, mistake.id, notes="Twice")
        on("2024-04-30")
        await post(tx, asset)
        assert (await amounts(tx, asset))[-1] == ("period", "2024-04-30", Decimal("-12.00"))
        value = await values.book_value(tx, asset.id, on=date(2024, 1, 25), code=None)
        assert value.book_value == Decimal("1080.00")


async def test_book_value_is_told_for_any_day_and_book(house: House) -> None:
    """Part B: book value at any date incl. within a period, by book."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT, TAX])
        for day, expected in (
            (date(2023, 12, 31), "1200.00"),
            (date(2024, 1, 31), "1100.00"),
            (date(2024, 2, 15), "1048.28"),  # 15 of 29 days of 100.00
            (date(2024, 12, 30), "3.23"),
            (date(2024, 12, 31), "0.00"),
            (date(2030, 1, 1), "0.00"),
        ):
            value = await values.book_value(tx, asset.id, on=day, code=None)
            assert (value.book, value.book_value) == ("book", Decimal(expected))
        tax = await values.book_value(tx, asset.id, on=date(2024, 12, 31), code="tax")
        assert tax.book_value == Decimal("960.00")
        with pytest.raises(NotFound):
            await values.book_value(tx, asset.id, on=JANUARY, code="group")
        bare = await make_asset(tx)
        value = await values.book_value(tx, bare.id, on=JANUARY, code=None)
        assert (value.book, value.book_value) == (None, Decimal("1200.00"))


async def test_the_schedule_says_what_is_posted(house: House) -> None:
    """The printed schedule and the ledger are one."""
    on("2024-02-29")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        await post(tx, asset)
        schedule = await values.schedule(tx, asset.id, code=None, until=tx.caller.today)
        assert [row.is_posted for row in schedule.rows] == [True] * 2 + [False] * 10
        assert schedule.rows[1].closing == Decimal("1000.00")


async def test_a_large_run_goes_on_in_the_background(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything has a limit: what does not fit into one transaction is queued."""
    tenant = await house.new_tenant()
    monkeypatch.setattr(depreciation, "BATCH", 2)
    on("2024-02-15")
    async with house.tx("assets", tenant=tenant, commits=True) as tx:
        for _ in range(5):
            await make_asset(tx, purchased_on=JANUARY, books=[STRAIGHT])
        posted = await depreciation.post_depreciation(tx, tx.caller, PostingOrder())
        assert (posted.books[0].entries, posted.left) == (2, 3)
    await house.settle()
    async with house.tx("assets", tenant=tenant) as tx:
        assert await tx.value("select count(*) from depreciation_entry") == 5


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 200_000))
async def test_however_a_life_is_posted_the_ledger_equals_the_schedule(
    house: House, steps: list[int], cents: int
) -> None:
    """Replay = state: any sequence of posting runs leaves what the schedule says."""
    async with house.tx("assets") as tx:
        on("2024-01-01")
        asset = await make_asset(
            tx, purchased_on=JANUARY, books=[STRAIGHT], cost=str(Decimal(cents) / 100)
        )
        month = 1
        for step in steps:
            month = min(month + step, 12)
            on(f"2024-{month:02}-28")
            await post(tx, asset)
        schedule = await values.schedule(tx, asset.id, code=None, until=tx.caller.today)
        due = [row for row in schedule.rows if row.period_end <= tx.caller.today]
        posted = await tx.value(
            "select coalesce(sum(amount), 0) from depreciation_entry where asset_id = %(id)s",
            id=asset.id,
        )
        assert posted == (due[-1].accumulated if due else 0)
        assert (await the_book(tx, asset)).posted_total == posted
