"""Reports from facts that never change: ageing, revenue, taxes, statements (FIN-4, FIN-7)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.refusal import Forbidden, Malformed, Refusal
from orrery.services.invoicing.actions import (
    credit_notes,
    dunning,
    invoices,
    payments,
    sellers,
)
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Seller
from orrery.services.invoicing.models.settlements import Payment
from orrery.services.invoicing.queries import figures, reports
from orrery.services.invoicing.rules import ageing, dates
from orrery.services.invoicing.schemas.invoices import CreditNoteDraft
from orrery.services.invoicing.schemas.payments import ApplicationDraft, DunningDraft
from tests.actions.invoicing.factories import (
    TODAY,
    again,
    line,
    make_customer,
    make_invoice,
    receive,
    stop_the_clock,
)


async def age(tx: Tx, as_of: date, **more: Any) -> Any:
    return await reports.receivables_ageing(tx, tx.caller, as_of=as_of, **more)


async def test_receivables_are_shown_by_age_for_each_customer_and_in_total(house: House) -> None:
    """not due, 1-30, 31-60, 61-90, over 90 days; credit that is not applied stands beside."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        one, two = await make_customer(tx, "Alpha"), await make_customer(tx, "Beta")
        for days, total in ((0, "1"), (1, "2"), (30, "4"), (31, "8"), (60, "16"), (61, "32"),
                            (90, "64"), (91, "128")):  # fmt: skip
            due = TODAY - timedelta(days=days)
            await make_invoice(
                tx, one, line(total), document_date=due - timedelta(days=10), due_on=due
            )
        await make_invoice(tx, two, line("1000", tax_codes=["DE19"]))
        await make_invoice(tx, two, issue=False)
        await receive(tx, "50", customer_id=two.id)
        report = await age(tx, TODAY)
        assert [row.model_dump(mode="json", by_alias=True) for row in report.items] == [
            {
                "not_due": "1.00", "1_30": "6.00", "31_60": "24.00", "61_90": "96.00",
                "over_90": "128.00", "total": "255.00", "unapplied": "0.00", "net": "255.00",
                "customer_id": str(one.id), "customer_code": one.code, "customer_name": "Alpha",
                "currency": "EUR", "invoices": 8,
            },
            {
                "not_due": "1190.00", "1_30": "0.00", "31_60": "0.00", "61_90": "0.00",
                "over_90": "0.00", "total": "1190.00", "unapplied": "50.00", "net": "1140.00",
                "customer_id": str(two.id), "customer_code": two.code, "customer_name": "Beta",
                "currency": "EUR", "invoices": 1,
            },
        ]  # fmt: skip
        assert [(t.currency, str(t.total), str(t.net), t.invoices) for t in report.totals] == [
            ("EUR", "1445.00", "1395.00", 9)
        ]
        only = await age(tx, TODAY, customer_id=one.id)
        assert [row.customer_name for row in only.items] == ["Alpha"]


async def test_the_answer_for_a_past_day_never_changes(house: House) -> None:
    """FIN-4: ageing as of any past date equals what was shown on that date, whatever happens
    later: payments, reversals, credit notes, write-offs, voiding."""
    stop_the_clock(date(2026, 3, 1))
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        a, b, c, d, e = [await make_invoice(tx, customer, line(str(n))) for n in range(101, 106)]
        paid_then = await receive(tx, "60", (e.id, None))
        shown = [await age(tx, date(2026, 3, 1))]
        stop_the_clock(date(2026, 4, 20))
        await dunning.mark_overdue(tx, tx.caller)
        await dunning.run_dunning(tx, tx.caller, DunningDraft())
        await receive(tx, "150", (a.id, None), (b.id, "20"))
        await credit_notes.issue_credit_note(tx, tx.caller, c.id, CreditNoteDraft(reason="Damaged"))
        shown.append(await age(tx, date(2026, 4, 20)))
        stop_the_clock(date(2026, 6, 15))
        await invoices.void_invoice(tx, tx.caller, d.id, reason="Mistake", on=None)
        await payments.reverse_payment(tx, tx.caller, paid_then.id, reason="Returned", on=None)
        await invoices.write_off(tx, tx.caller, b.id, amount=None, reason="Gone", on=None)
        await make_invoice(tx, customer)
        assert await age(tx, date(2026, 3, 1)) == shown[0]
        assert await age(tx, date(2026, 4, 20)) == shown[1]
        assert [str(r.totals[0].net) for r in shown] == ["455.00", "202.00"]
        assert str((await age(tx, date(2026, 6, 15))).totals[0].net) == "176.00"


async def test_what_was_entered_later_with_an_earlier_day_can_be_left_out(house: House) -> None:
    """A payment of May entered in June changes May's ageing, unless May is asked for as known
    then; once May is closed nothing can be entered into it at all."""
    stop_the_clock(date(2026, 5, 31))
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        invoice = await make_invoice(tx, customer)
        shown = await age(tx, date(2026, 5, 31))
        clock.set(datetime(2026, 6, 5, 9, tzinfo=UTC))
        payment = await receive(tx, "30", (invoice.id, None), received_on=date(2026, 5, 30))
        assert str((await age(tx, date(2026, 5, 31))).totals[0].net) == "70.00"
        then = datetime(2026, 5, 31, 22, tzinfo=UTC)
        known = await age(tx, date(2026, 5, 31), known_at=then)
        assert known.items == shown.items
        seller: Any = await tx.find(Seller, unit_id=None)
        await sellers.close_books(tx, tx.caller, seller.id, through=date(2026, 5, 31))
        before = await age(tx, date(2026, 5, 31))
        for attempt in (
            receive(tx, "5", (invoice.id, None), received_on=date(2026, 5, 31)),
            payments.reverse_payment(
                tx, tx.caller, payment.id, reason="x", on=date(2026, 5, 31)
            ),
            make_invoice(tx, customer, document_date=date(2026, 5, 31)),
            credit_notes.issue_credit_note(
                tx, tx.caller, invoice.id,
                CreditNoteDraft(reason="x", document_date=date(2026, 5, 31)),
            ),
            invoices.write_off(
                tx, tx.caller, invoice.id, amount=None, reason="x", on=date(2026, 5, 31)
            ),
        ):  # fmt: skip
            with pytest.raises(dates.PeriodClosed):
                await attempt
        assert await age(tx, date(2026, 5, 31)) == before
        with pytest.raises(Malformed):
            await age(tx, TODAY, known_at=datetime(2026, 5, 31))  # noqa: DTZ001 - the point


class Story:
    """A year of an office where anything may happen, by a seed."""

    def __init__(self, tx: Tx, seed: int) -> None:
        self.tx = tx
        self.random = Random(seed)
        self.day = date(2026, 1, 1)
        self.customers: list[Any] = []
        self.shown: dict[date, Any] = {}

    async def act(self) -> None:
        tx, roll = self.tx, self.random
        row: Any = await self._any("invoice")
        payment: Any = await self._any("payment")
        amount = Decimal(roll.randint(1, 15000)) / 100
        customer = roll.choice(self.customers)
        what = roll.randint(0, 8)
        if what <= 2 or row is None:
            lines = [line(str(amount), tax_codes=[roll.choice(["DE19", "DE7", "DE0"])])]
            await make_invoice(tx, customer, *lines, payment_term=roll.choice(["NOW", "NET14"]))
        elif what == 3:
            await receive(tx, str(amount), (row.id, None))
        elif what == 4:
            await receive(tx, str(amount), customer_id=customer.id, oldest_first=True)
        elif what == 5:
            draft = CreditNoteDraft(reason="x", amount=min(amount, row.amount_open) or amount)
            await credit_notes.issue_credit_note(tx, tx.caller, row.id, draft)
        elif what == 6 and payment is not None:
            await payments.reverse_payment(tx, tx.caller, payment.id, reason="x", on=None)
        elif what == 7 and payment is not None:
            share = [ApplicationDraft(invoice_id=row.id)]
            await payments.apply_payment(tx, tx.caller, payment.id, share, on=None)
        elif roll.random() < 0.5:
            await invoices.void_invoice(tx, tx.caller, row.id, reason="x", on=None)
        else:
            await invoices.write_off(tx, tx.caller, row.id, amount=None, reason="x", on=None)

    async def _any(self, table: str) -> Any:
        found = await self.tx.rows(
            "select id from invoice order by created_at, id"
            if table == "invoice"
            else "select id from payment order by created_at, id"
        )
        if not found:
            return None
        kind: Any = Invoice if table == "invoice" else Payment
        return await self.tx.one(kind, self.random.choice(found).id)

    async def live(self, steps: int) -> int:
        """Try things day after day; answers how many were refused."""
        refused = 0
        self.customers = [await make_customer(self.tx, name) for name in ("Alpha", "Beta")]
        for _ in range(steps):
            stop_the_clock(self.day)
            try:
                async with self.tx.savepoint():
                    await self.act()
            except Refusal:
                refused += 1
            if self.random.random() < 0.4:
                await dunning.mark_overdue(self.tx, self.tx.caller)
                self.shown[self.day] = await age(self.tx, self.day)
                self.day += timedelta(days=self.random.randint(1, 9))
        return refused


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_books_agree(house: House, seed: int) -> None:
    """Every invoice owes its total less its ledger; every day's ageing stays what it was; the
    statements of all customers close at the same figure (FIN-1, FIN-4)."""
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        story = Story(tx, seed)
        refused = await story.live(120)
        assert 10 < refused < 90
        assert len(story.shown) > 20
        for day, report in story.shown.items():
            assert await age(tx, day) == report
        wrong = await tx.rows(
            "select i.id from invoice i left join settlement s on s.invoice_id = i.id"
            " where i.state <> 'draft' group by i.id"
            " having i.amount_open <> i.total - coalesce(sum(s.amount), 0)"
            " or i.amount_paid <> coalesce(sum(s.amount) filter (where s.entry = 'payment'), 0)"
        )
        assert wrong == []
        loose = await tx.rows(
            "select p.id from payment p left join settlement s"
            " on s.payment_id = p.id and s.entry = 'payment'"
            " where p.state = 'received' group by p.id"
            " having p.amount_unapplied <> p.amount - coalesce(sum(s.amount), 0)"
        )
        assert loose == []
        today = await age(tx, story.day)
        by_bucket = await tx.rows("select due_on, amount_open from invoice where amount_open > 0")
        for name in ageing.BUCKETS:
            wanted = sum(
                (r.amount_open for r in by_bucket if ageing.bucket(r.due_on, story.day) == name),
                Decimal(0),
            )
            assert sum((getattr(row, name) for row in today.items), Decimal(0)) == wanted
        for customer in story.customers:
            told = await reports.statement(
                tx, tx.caller, customer.id, currency="EUR",
                date_from=date(2026, 1, 1), date_to=story.day,
            )  # fmt: skip
            owed = next((r.net for r in today.items if r.customer_id == customer.id), Decimal(0))
            assert (told.opening, told.closing) == (Decimal(0), owed)
            half = await reports.statement(
                tx, tx.caller, customer.id, currency="EUR",
                date_from=date(2026, 3, 1), date_to=story.day,
            )  # fmt: skip
            assert half.closing == owed


async def test_revenue_is_what_was_billed_less_credits_and_voids(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        old = await make_invoice(
            tx, customer, line("1000", tax_codes=["DE19"]), document_date=date(2025, 12, 31)
        )
        await make_invoice(tx, customer, line("200"), document_date=date(2026, 5, 1))
        mistake = await make_invoice(tx, customer, line("50"), document_date=date(2026, 5, 2))
        await invoices.void_invoice(tx, tx.caller, mistake.id, reason="x", on=None)
        draft = CreditNoteDraft(reason="x", amount=Decimal("119.00"))
        await credit_notes.issue_credit_note(tx, tx.caller, old.id, draft)
        await make_invoice(tx, customer, line("7"), currency="USD")

        async def rows(by: Any) -> list[tuple[str, str, str, str, str]]:
            report = await reports.revenue(tx, tx.caller, by=by, date_from=date.min, date_to=TODAY)
            return [
                (r.period, r.currency, str(r.total_net), str(r.total_tax), str(r.total))
                for r in report.items
            ]

        assert await rows("month") == [
            ("2025-12", "EUR", "1000.00", "190.00", "1190.00"),
            ("2026-05", "EUR", "250.00", "0.00", "250.00"),
            ("2026-06", "EUR", "-150.00", "-19.00", "-169.00"),
            ("2026-06", "USD", "7.00", "0.00", "7.00"),
        ]
        assert await rows("year") == [
            ("2025", "EUR", "1000.00", "190.00", "1190.00"),
            ("2026", "EUR", "100.00", "-19.00", "81.00"),
            ("2026", "USD", "7.00", "0.00", "7.00"),
        ]


async def test_the_tax_report_ties_to_the_documents(house: House) -> None:
    """FIN-7: what is owed of each tax is what the documents printed, less credits and voids."""
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        both = await make_invoice(
            tx, customer, line("100", tax_codes=["DE19"]), line("50", tax_codes=["DE7"])
        )
        void = await make_invoice(tx, customer, line("10", tax_codes=["DE19"]))
        await invoices.void_invoice(tx, tx.caller, void.id, reason="x", on=None)
        draft = CreditNoteDraft(reason="x", amount=Decimal("17.25"))
        await credit_notes.issue_credit_note(tx, tx.caller, both.id, draft)
        report = await reports.tax_report(tx, tx.caller, date_from=TODAY, date_to=TODAY)
        assert [(r.tax_code, str(r.base), str(r.amount)) for r in report.items] == [
            ("DE19", "90.00", "17.10"),
            ("DE7", "45.00", "3.15"),
        ]
        total = await tx.value(
            "select (select sum(total_tax) from invoice where state <> 'void')"
            " - (select sum(total_tax) from credit_note)"
        )
        assert sum(r.amount for r in report.items) == total


async def test_figures_show_the_state_of_things(house: House) -> None:
    stop_the_clock()
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        customer = await make_customer(tx)
        await make_invoice(tx, customer, issue=False)
        late = await make_invoice(
            tx, customer, document_date=date(2026, 5, 1), due_on=date(2026, 5, 2)
        )
        fresh = await make_invoice(tx, customer, line("40"))
        await receive(tx, "30", (late.id, None), received_on=date(2026, 5, 31))
        await receive(tx, "50", (fresh.id, None))
        told = await figures.figures(tx, tx.caller)
        assert (told.customers, told.drafts) == (1, 1)
        assert told.by_state == {"draft": 1, "partly_paid": 1, "paid": 1}
        assert told.currencies[0].model_dump(mode="json") == {
            "currency": "EUR", "invoices_open": 1, "invoices_overdue": 1, "amount_open": "70.00",
            "amount_overdue": "70.00", "amount_unapplied": "10.00", "revenue_month": "40.00",
            "revenue_year": "140.00", "received_month": "50.00",
        }  # fmt: skip


async def test_a_report_shows_no_more_than_the_reader_may_see(house: House) -> None:
    """ID-7: the report's rule is the list's rule; without the permission there is no report."""
    tenant = await house.new_tenant()
    async with house.tx("invoicing", tenant=tenant) as tx:
        from dataclasses import replace

        from orrery.kernel.types.ids import new_id

        customer, seller = await make_customer(tx), new_id()
        mine = await make_invoice(tx, customer, line("5"), salesperson_id=seller)
        await make_invoice(tx, customer, line("100"))
        someone = replace(
            tx.caller, user_id=new_id(), employee_id=seller, grants={"invoicing.*.read": "own"}
        )
        report = await reports.receivables_ageing(tx, someone, as_of=tx.caller.today)
        assert [str(t.total) for t in report.totals] == ["5.00"]
        assert (await figures.figures(tx, someone)).by_state == {"issued": 1}
        stranger = replace(someone, grants={"assets.*": "all"})
        with pytest.raises(Forbidden):
            await reports.receivables_ageing(tx, stranger, as_of=tx.caller.today)
        assert (await again(tx, mine)).salesperson_id == seller
