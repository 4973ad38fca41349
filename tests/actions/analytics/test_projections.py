"""Projections: fed by events only, idempotent, in any order, and rebuilt from the log (AN-1)."""

import asyncio
import itertools
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from orrery.contracts import assets, invoicing, people
from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.event import Event
from orrery.kernel.types.ids import new_id
from orrery.services.analytics import reactions
from tests.actions.analytics.conftest import (
    CUSTOMER,
    FEBRUARY,
    JANUARY,
    MARCH,
    amounts,
    announce,
    asset,
    contents,
    hired,
    invoice,
    payment,
    payoff,
    shown,
    wipe,
)


async def test_a_created_asset_moves_the_dashboards_value(house: House, tenant: str) -> None:
    """4.1: asset.created -> dashboard total asset value."""
    first, second = asset("1200.50"), asset("800", category_name=None)
    await announce(house, tenant, first, second)
    await house.settle()
    figures = await shown(house, tenant)
    assert figures["assets_total"] == figures["assets_available"] == 2
    assert figures["assets_value"] == figures["assets_value.EUR"] == "2000.50"
    assert figures["assets_by_category.Laptops"] == figures["assets_by_category.none"] == 1
    handed = assets.AssetAssigned(first.asset_id, "A1", new_id(), FEBRUARY)
    moved = assets.AssetStatusChanged(second.asset_id, "A2", "active", "maintenance")
    cheaper = assets.AssetCostChanged(first.asset_id, Decimal("1200.50"), Decimal(1000), "EUR")
    await announce(house, tenant, handed, moved, cheaper)
    await house.settle()
    figures = await shown(house, tenant)
    assert (figures["assets_assigned"], figures["assets_maintenance"]) == (1, 1)
    assert (figures["assets_available"], figures["assets_value"]) == (0, "1800.00")
    gone = (date(2026, 5, 1), Decimal(800), Decimal(0), Decimal(0), Decimal(-800), "EUR")
    await announce(house, tenant, assets.AssetDisposed(second.asset_id, "A2", *gone))
    await house.settle()
    assert (await shown(house, tenant, date(2026, 4, 30)))["assets_value"] == "2000.50"
    figures = await shown(house, tenant)
    assert (figures["assets_total"], figures["assets_value"]) == (1, "1000.00")


async def test_a_paid_invoice_is_revenue_and_no_longer_owed(house: House, tenant: str) -> None:
    """4.1: invoice.paid -> revenue; receivables = issued + overdue - payments - credit notes."""
    paid, owed, credited = invoice("100"), invoice("200"), invoice("50")
    credit = invoicing.CreditNoteIssued(
        credited.invoice_id, new_id(), "C1", CUSTOMER, MARCH, "EUR", *amounts("20")
    )
    await announce(house, tenant, paid, owed, credited, *payoff(paid, FEBRUARY), credit)
    await announce(house, tenant, payment(owed, "38", MARCH))
    await house.settle()
    figures = await shown(house, tenant)
    assert figures["revenue_paid"] == "100.00"
    assert figures["revenue_invoiced"] == "330.00"
    assert figures["receivables_open"] == "235.70"
    then = await shown(house, tenant, date(2026, 1, 31))
    assert (then["revenue_paid"], then["revenue_invoiced"]) == ("0.00", "350.00")
    assert then["receivables_open"] == "416.50"


async def test_a_reversed_payment_takes_revenue_back(house: House, tenant: str) -> None:
    """InvoicePaid adds; InvoiceReopened takes back; the month before stays as it was shown."""
    issued = invoice("100")
    back = invoicing.PaymentReversed(
        issued.invoice_id, new_id(), CUSTOMER, MARCH, issued.total, "EUR"
    )
    reopened = invoicing.InvoiceReopened(issued.invoice_id, "I1", CUSTOMER, "EUR", *amounts("100"))
    await announce(house, tenant, issued, *payoff(issued, FEBRUARY), back, reopened)
    await house.settle()
    figures = await shown(house, tenant)
    assert (figures["revenue_paid"], figures["receivables_open"]) == ("0.00", "119.00")
    then = await shown(house, tenant, date(2026, 2, 28))
    assert (then["revenue_paid"], then["receivables_open"]) == ("100.00", "0.00")
    assert (then["revenue_paid_month"], figures["revenue_paid_year"]) == ("100.00", "0.00")


async def test_ageing_as_of_a_past_day_is_what_was_shown_on_that_day(
    house: House, tenant: str
) -> None:
    """FIN-4: ageing as of any past date equals what was shown on that date."""
    invoices = [
        invoice("100", due=date(2026, 3, 31)),
        invoice("200", due=date(2026, 4, 30)),
        invoice("300", due=date(2026, 6, 30)),
    ]
    await announce(house, tenant, *invoices)
    await house.settle()
    day = date(2026, 5, 1)
    keys = [f"receivables_ageing.{b}" for b in ("not_due", "1_30", "31_60", "61_90", "over_90")]
    before = await shown(house, tenant, day)
    assert [before[key] for key in keys] == ["357.00", "238.00", "119.00", "0.00", "0.00"]
    await announce(house, tenant, *payoff(invoices[0], date(2026, 5, 2)))
    await announce(house, tenant, *payoff(invoices[2], date(2026, 5, 20)))
    await house.settle()
    after = await shown(house, tenant, day)
    assert [after[key] for key in keys] == [before[key] for key in keys]
    assert after["receivables_open"] == before["receivables_open"] == "714.00"
    later = await shown(house, tenant, date(2026, 7, 30))
    assert [later[key] for key in keys] == ["0.00", "0.00", "0.00", "0.00", "238.00"]


async def test_a_voided_or_written_off_invoice_is_not_owed(house: House, tenant: str) -> None:
    """Receivables: void owes nothing; what was given up owes nothing, but was invoiced."""
    void, lost = invoice("100"), invoice("200")
    await announce(
        house,
        tenant,
        void,
        lost,
        invoicing.InvoiceVoided(
            void.invoice_id, "I1", CUSTOMER, MARCH, "twice", "EUR", *amounts("100")
        ),
        invoicing.InvoiceWrittenOff(
            lost.invoice_id, "I2", CUSTOMER, "write_off", MARCH, Decimal(238), "EUR"
        ),
    )
    await house.settle()
    figures = await shown(house, tenant)
    assert figures["receivables_open"] == "0.00"
    assert figures["revenue_invoiced"] == "200.00"
    assert (await shown(house, tenant, FEBRUARY))["receivables_open"] == "357.00"


async def test_amounts_of_two_currencies_are_never_added(house: House, tenant: str) -> None:
    """By currency where it matters: plain keys are in the tenant's own."""
    await announce(house, tenant, invoice("100"), invoice("500", currency="USD"))
    await house.settle()
    figures = await shown(house, tenant)
    assert figures["revenue_invoiced"] == figures["revenue_invoiced.EUR"] == "100.00"
    assert figures["revenue_invoiced.USD"] == "500.00"
    assert figures["receivables_open.USD"] == "595.00"
    assert figures["receivables_ageing.over_90.USD"] == "595.00"


async def test_heads_are_counted_from_hiring_to_leaving(house: House, tenant: str) -> None:
    """Head count (EmployeeHired/Deleted)."""
    first, second = hired(JANUARY), hired(date(2026, 6, 1))
    left = people.EmployeeDeleted(first.employee_id, "EMP-001", "Ada", None, date(2026, 9, 1))
    await announce(house, tenant, first, second, left)
    await house.settle()
    days = [date(2026, 1, 9), JANUARY, date(2026, 6, 1), date(2026, 8, 31), date(2026, 9, 1)]
    counts = [(await shown(house, tenant, day))["head_count"] for day in days]
    assert counts == [0, 1, 2, 2, 1]


async def test_an_event_delivered_twice_counts_once(house: House, tenant: str) -> None:
    """Projections are idempotent: the log is delivered at least once, and counted once."""
    issued = invoice("100")
    await announce(house, tenant, asset("50"), issued, *payoff(issued, FEBRUARY), hired(JANUARY))
    await house.settle()
    before = await contents(house, tenant)
    async with house.runtime.database.connection() as connection:
        for service in ("assets", "invoicing", "people"):
            await connection.execute(
                f'update "{service}".outbox set delivered_at = null where tenant = %s', [tenant]
            )
    await house.settle()
    assert await contents(house, tenant) == before


async def test_a_state_told_twice_moves_nothing(house: House, tenant: str) -> None:
    """Idempotent below the inbox too: what sets a state has no effect the second time."""
    created = asset("50")
    handed = assets.AssetAssigned(created.asset_id, "A1", new_id(), FEBRUARY)
    issued = invoice("100")
    for event in (created, created, handed, handed):
        async with house.tx("analytics", tenant=tenant, commits=True) as tx:
            await reactions.count_asset(tx, tx.caller, event)
    for _ in range(2):
        async with house.tx("analytics", tenant=tenant, commits=True) as tx:
            await reactions.count_invoice(tx, tx.caller, issued)
    figures = await shown(house, tenant)
    assert (figures["assets_total"], figures["assets_assigned"]) == (1, 1)
    assert (figures["assets_value"], figures["revenue_invoiced"]) == ("50.00", "100.00")


def subjects_of_a_company() -> list[list[Event]]:
    """Subjects with their events, each in its order."""
    subjects: list[list[Event]] = []
    for number in range(6):
        created = asset(str(100 + number))
        handed = assets.AssetAssigned(created.asset_id, "A", new_id(), FEBRUARY)
        back = assets.AssetReturned(created.asset_id, "A", handed.employee_id, MARCH, None)
        subjects.append([created, handed, back][: 1 + number % 3])
    for number in range(6):
        issued = invoice(str(10 * (number + 1)), due=MARCH)
        subjects.append([issued, *payoff(issued, FEBRUARY)][: 1 + number % 3])
    subjects += [[hired(JANUARY)] for _ in range(3)]
    return subjects


@pytest.mark.parametrize("seed", range(3))
async def test_the_order_between_subjects_does_not_matter(
    house: House, tenant: str, seed: int
) -> None:
    """Insensitive to order across subjects: any interleaving gives the same rows."""
    subjects = subjects_of_a_company()
    in_order = list(itertools.chain.from_iterable(subjects))
    mixed: list[Event] = []
    waiting = [list(events) for events in subjects]
    chance = random.Random(seed)
    while waiting:
        chosen = chance.choice(waiting)
        mixed.append(chosen.pop(0))
        waiting = [events for events in waiting if events]
    assert mixed != in_order
    results = []
    for events in (in_order, mixed):
        await wipe(house, tenant)
        await announce(house, tenant, *events)
        await house.settle()
        results.append(await contents(house, tenant))
    assert results[0] == results[1]


async def test_a_rebuild_from_the_log_gives_equal_content(house: House) -> None:
    """The log is kept: any projection can be dropped and rebuilt, and must come out equal."""
    tenant = await house.new_tenant()
    events = list(itertools.chain.from_iterable(subjects_of_a_company()))
    await announce(house, tenant, *events)
    await house.settle()
    before, figures = await contents(house, tenant), await shown(house, tenant)
    assert all(before.values())
    async with house.tx("analytics", tenant=tenant, commits=True) as tx:
        await tx.run("update tally set amount = amount + 1")
        await tx.run("delete from asset_fact")
    assert await contents(house, tenant) != before
    assert await house.rebuild("analytics", tenant) == len(events)
    assert await contents(house, tenant) == before
    assert await shown(house, tenant) == figures
    await announce(house, tenant, asset("1"))
    await house.settle()
    assert (await shown(house, tenant))["assets_total"] == figures["assets_total"] + 1


async def test_an_event_without_a_day_counts_on_the_tenants_day_it_was_announced(
    house: House,
) -> None:
    """Whenever it is taken in, and at every rebuild: 23:30 UTC is the next day in Berlin."""
    tenant = await house.new_tenant(time_zone="Europe/Berlin")
    created = asset("50", purchased_on=None)
    # In the future, since the inbox takes in nothing that the database received later than now.
    clock.set(datetime(2036, 2, 9, 23, 30, tzinfo=UTC))
    await announce(house, tenant, created)
    clock.set(datetime(2036, 2, 20, 12, tzinfo=UTC))
    await announce(house, tenant, assets.AssetStatusChanged(created.asset_id, "A", "a", "retired"))
    for taken_in in (datetime(2036, 3, 1, tzinfo=UTC), datetime(2036, 5, 1, tzinfo=UTC)):
        clock.set(taken_in)
        await house.settle()
        days = [date(2036, 2, 9), date(2036, 2, 10), date(2036, 2, 19), date(2036, 2, 20)]
        told = [await shown(house, tenant, day) for day in days]
        assert [figures["assets_total"] for figures in told] == [0, 1, 1, 1]
        assert [figures["assets_retired"] for figures in told] == [0, 0, 0, 1]
        await house.rebuild("analytics", tenant)


async def test_many_workers_count_at_the_same_time_without_losing_anything(
    house: House, tenant: str
) -> None:
    """Concurrency: tallies take parallel writers, deadlock never, lose nothing."""
    ids = [UUID(int=new_id().int + number) for number in range(48)]

    async def count(mine: list[UUID]) -> None:
        for id in mine:
            created = asset("1.25", id=id)
            handed = assets.AssetAssigned(id, "A", CUSTOMER, FEBRUARY)
            for event in (created, handed):
                async with house.tx("analytics", tenant=tenant, commits=True) as tx:
                    await reactions.count_asset(tx, tx.caller, event)

    await asyncio.gather(*(count(ids[lane::6]) for lane in range(6)))
    figures = await shown(house, tenant)
    assert (figures["assets_total"], figures["assets_assigned"]) == (48, 48)
    assert (figures["assets_available"], figures["assets_value"]) == (0, "60.00")


async def test_figures_of_one_tenant_never_hold_anothers(house: House, tenant: str) -> None:
    """Tenant A cannot see B."""
    await wipe(house, "globex")
    await announce(house, tenant, asset("999"))
    await house.settle()
    assert (await shown(house, "globex"))["assets_total"] == 0
    assert (await shown(house, tenant))["assets_total"] == 1
