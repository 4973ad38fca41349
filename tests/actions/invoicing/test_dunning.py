"""Overdue by daily job, reminders in rounds."""

from datetime import date, timedelta
from typing import Any

import pytest

from orrery.kernel.testing import House
from orrery.services.invoicing import jobs
from orrery.services.invoicing.actions import dunning
from orrery.services.invoicing.models.settlements import Reminder
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.rules import dates
from orrery.services.invoicing.schemas.payments import DunningDraft
from tests.actions.invoicing.factories import (
    TODAY,
    again,
    line,
    make_customer,
    make_invoice,
    receive,
    stop_the_clock,
    told,
)


async def overdue_invoice(tx: Any, customer: Any, *, days: int, total: str = "100") -> Any:
    due = TODAY - timedelta(days=days)
    return await make_invoice(
        tx, customer, line(total), document_date=due - timedelta(days=30), due_on=due
    )


async def test_the_nightly_job_moves_late_invoices_to_overdue(house: House) -> None:
    """Due yesterday is overdue, due today is not; a part paid is overdue too; announced once."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        late = await overdue_invoice(tx, customer, days=1)
        part = await overdue_invoice(tx, customer, days=2)
        await receive(tx, "40", (part.id, None))
        today = await overdue_invoice(tx, customer, days=0)
        paid = await overdue_invoice(tx, customer, days=3)
        await receive(tx, "100", (paid.id, None))
        await jobs.mark_overdue(tx, tx.caller)
        assert [(await again(tx, i)).state for i in (late, part, today, paid)] == [
            "overdue",
            "overdue",
            "issued",
            "paid",
        ]
        events = [e for e in tx.events if type(e).__name__ == "InvoiceOverdue"]
        assert {(e.invoice_id, str(e.amount_open)) for e in events} == {  # type: ignore[attr-defined] # InvoiceOverdue
            (late.id, "100.00"),
            (part.id, "60.00"),
        }
        await jobs.mark_overdue(tx, tx.caller)
        assert told(tx).count("InvoiceOverdue") == 2
        assert (await again(tx, late)).version == late.version + 1


async def test_a_round_sends_each_late_invoice_its_next_letter(house: House) -> None:
    """Levels by days past due with fee and interest; blocked customers are skipped."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx, email="a@b.example")
        blocked = await make_customer(tx, "Blocked", is_dunning_blocked=True)
        first = await overdue_invoice(tx, customer, days=7)
        early = await overdue_invoice(tx, customer, days=6)
        exempt = await overdue_invoice(tx, blocked, days=50)
        run, left_out = await dunning.run_dunning(tx, tx.caller, DunningDraft())
        letters = await details.letters_of(tx, run.id)
        assert [(x.invoice_id, x.level, str(x.fee), x.recipient) for x in letters] == [
            (first.id, 1, "0.00", "a@b.example")
        ]
        assert {(s.invoice_id, s.reason) for s in left_out} == {
            (early.id, "not_due_yet"),
            (exempt.id, "customer_blocked"),
        }
        assert (run.reminders, run.skipped) == (1, 2)
        assert told(tx).count("InvoiceReminded") == 1
        # Whoever is looked at is overdue from now on, letter or not.
        assert told(tx).count("InvoiceOverdue") == 3
        assert (await again(tx, first)).dunning_level == 1


async def test_the_levels_follow_each_other_with_fee_and_interest(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        invoice = await overdue_invoice(tx, await make_customer(tx), days=7, total="1000")
        seen = []
        for days in (0, 13, 14, 34, 35, 90):
            stop_the_clock(TODAY + timedelta(days=days))
            run, _ = await dunning.run_dunning(tx, tx.caller, DunningDraft())
            seen += [
                (days, x.level, x.days_late, str(x.fee), str(x.interest), str(x.total_claimed))
                for x in await details.letters_of(tx, run.id)
            ]
        # 5 % of 1,000.00 for 21 days is 2.88, 9 % for 42 days is 10.36.
        assert seen == [
            (0, 1, 7, "0.00", "0.00", "1000.00"),
            (14, 2, 21, "5.00", "2.88", "1007.88"),
            (35, 3, 42, "10.00", "10.36", "1020.36"),
        ]
        assert (await again(tx, invoice)).dunning_level == 3
        assert len(await tx.all(Reminder, invoice_id=invoice.id)) == 3


async def test_a_second_round_on_the_same_day_sends_nothing(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        await overdue_invoice(tx, await make_customer(tx), days=100)
        runs = [(await dunning.run_dunning(tx, tx.caller, DunningDraft()))[0] for _ in range(2)]
        assert [run.reminders for run in runs] == [1, 0]


async def test_a_round_may_be_for_some_customers_only(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        one, two = await make_customer(tx), await make_customer(tx, "Two")
        mine = await overdue_invoice(tx, one, days=10)
        theirs = await overdue_invoice(tx, two, days=10)
        draft = DunningDraft(customer_ids=[one.id])
        run, left_out = await dunning.run_dunning(tx, tx.caller, draft)
        assert (run.reminders, left_out) == (1, [])
        assert (await again(tx, mine)).dunning_level == 1
        assert (await again(tx, theirs)).dunning_level == 0
        with pytest.raises(dates.DatedInFuture):
            await dunning.run_dunning(tx, tx.caller, DunningDraft(run_on=TODAY + timedelta(days=1)))


async def test_nobody_is_reminded_of_what_was_paid_or_is_due_today(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        paid = await overdue_invoice(tx, customer, days=10)
        await receive(tx, "100", (paid.id, None))
        await overdue_invoice(tx, customer, days=0)
        await make_invoice(tx, customer, issue=False, document_date=date(2026, 1, 1))
        run, left_out = await dunning.run_dunning(tx, tx.caller, DunningDraft())
        assert (run.reminders, left_out) == (0, [])
        assert (await again(tx, paid)).dunning_level == 0
