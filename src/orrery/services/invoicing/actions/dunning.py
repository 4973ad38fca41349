"""Late payers: invoices fall due by themselves, reminders go out in rounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from orrery.contracts.invoicing import InvoiceOverdue, InvoiceReminded
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions.desk import check_unit
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.models.settlements import DunningRun, Reminder
from orrery.services.invoicing.queries import billing
from orrery.services.invoicing.queries.scopes import LATE, scope_values
from orrery.services.invoicing.rules import dates, dunning, states
from orrery.services.invoicing.rules.dunning import Level
from orrery.services.invoicing.schemas.payments import DunningDraft, SkippedView

# One round writes at most so many letters; the next round goes on where it stopped.
MAX_LETTERS = 2000
# One night's job moves at most so many invoices; the oldest first.
MAX_OVERDUE = 20_000
DUE: LiteralString = (
    "select id from invoice where state = any(%(states)s) and due_on < %(today)s"
    " and amount_open > 0 order by due_on, id limit %(limit)s"
)
FALL_DUE: LiteralString = (
    "update invoice set state = %(late)s, version = version + 1 where id = any(%(ids)s)"
)
REMIND: LiteralString = (
    "update invoice set state = %(state)s, dunning_level = u.level, reminded_on = %(day)s,"
    " version = version + 1 from unnest(%(ids)s::uuid[], %(levels)s::bigint[]) as u (id, level)"
    " where invoice.id = u.id"
)


@dataclass(frozen=True)
class Letter:
    """A reminder that goes out."""

    invoice: Any
    customer: Any
    level: Level
    days_late: int
    fee: Decimal
    interest: Decimal


async def mark_overdue(tx: Tx, caller: Caller) -> int:
    """Move every unpaid invoice past its due date to overdue. Announces: InvoiceOverdue."""
    sources = [state for state in states.OPEN if state != "overdue"]
    rows = await tx.rows(DUE, states=sources, today=caller.today, limit=MAX_OVERDUE)
    locked: list[Any] = await tx.lock_many(Invoice, [row.id for row in rows])
    return await _fall_due(tx, [row for row in locked if row.state in sources])


async def run_dunning(tx: Tx, caller: Caller, draft: DunningDraft) -> tuple[Any, list[SkippedView]]:
    """Remind customers of late invoices, each by the next letter that is due.

    Refuses: DatedInFuture. Announces: InvoiceReminded.
    """
    check_unit(caller, p.DUNNING_RUN, draft.unit_id)
    day = draft.run_on or caller.today
    dates.check_fact(day, today=caller.today, closed_through=None)
    levels = await billing.dunning_levels(tx)
    late = await _late_invoices(tx, caller, draft, day)
    await _fall_due(tx, [row for row in late if row.state != "overdue"])
    customers = {c.id: c for c in await tx.many(Customer, {i.customer_id for i in late})}
    letters: list[Letter] = []
    left_out: list[SkippedView] = []
    for invoice in late:
        letter = _decide(levels, invoice, customers[invoice.customer_id], day)
        if isinstance(letter, Letter):
            letters.append(letter)
        else:
            left_out.append(_skipped(invoice, letter))
    run: Any = await tx.add(
        DunningRun,
        run_on=day,
        unit_id=draft.unit_id,
        reminders=len(letters),
        skipped=len(left_out),
        external_id=None,
    )
    await _send(tx, run, letters, on=day)
    return run, left_out


def _decide(levels: Sequence[Level], invoice: Any, customer: Any, day: date) -> Letter | str:
    """The letter an invoice gets, or the reason why it gets none."""
    if customer.is_dunning_blocked:
        return "customer_blocked"
    days_late = dunning.days_past(invoice.due_on, day)
    reminded = invoice.reminded_on
    level = dunning.next_level(
        levels,
        reached=invoice.dunning_level,
        days_late=days_late,
        days_since_reminder=(day - reminded).days if reminded else None,
    )
    if level is None:
        return "not_due_yet" if invoice.dunning_level < _highest(levels) else "last_level_reached"
    return Letter(
        invoice=invoice,
        customer=customer,
        level=level,
        days_late=days_late,
        fee=dunning.fee_of(level, invoice.currency),
        interest=dunning.interest_of(
            level,
            amount_open=invoice.amount_open,
            days_late=days_late,
            currency=invoice.currency,
        ),
    )


def _highest(levels: Sequence[Level]) -> int:
    return max((level.level for level in levels), default=0)


async def _late_invoices(tx: Tx, caller: Caller, draft: DunningDraft, day: date) -> list[Any]:
    """The late invoices the round may touch, locked in id order; the state may be a night old."""
    rows = await tx.rows(
        LATE,
        day=day,
        unit=draft.unit_id,
        customers=draft.customer_ids or None,
        limit=MAX_LETTERS,
        **scope_values(caller, p.DUNNING_RUN),
    )
    locked: list[Any] = await tx.lock_many(Invoice, [row.id for row in rows])
    # Somebody may have paid between the two statements.
    return [row for row in locked if row.state in states.OPEN and row.amount_open > 0]


async def _fall_due(tx: Tx, rows: Sequence[Any]) -> int:
    """Move locked invoices to overdue in one statement and tell."""
    late = {states.INVOICE.after(row.state, "fall_due") for row in rows}
    if late:
        await tx.run(FALL_DUE, late=late.pop(), ids=[row.id for row in rows])
    for row in rows:
        tx.announce(
            InvoiceOverdue(
                invoice_id=row.id,
                number=row.number,
                customer_id=row.customer_id,
                due_on=row.due_on,
                currency=row.currency,
                amount_open=row.amount_open,
            )
        )
    return len(rows)


async def _send(tx: Tx, run: Any, letters: Sequence[Letter], *, on: date) -> None:
    await tx.add_many(Reminder, [_reminder_row(run.id, letter, on) for letter in letters])
    await tx.run(
        REMIND,
        state=states.INVOICE.after("overdue", "remind"),
        day=on,
        ids=[letter.invoice.id for letter in letters],
        levels=[letter.level.level for letter in letters],
    )
    for letter in letters:
        invoice, customer = letter.invoice, letter.customer
        tx.announce(
            InvoiceReminded(
                invoice_id=invoice.id,
                number=invoice.number,
                customer_id=customer.id,
                customer_name=customer.name,
                recipient=customer.email,
                level=letter.level.level,
                fee=letter.fee,
                amount_open=invoice.amount_open,
                currency=invoice.currency,
                due_on=invoice.due_on,
            )
        )


def _reminder_row(run_id: UUID, letter: Letter, on: date) -> dict[str, Any]:
    invoice = letter.invoice
    return {
        "run_id": run_id,
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "level": letter.level.level,
        "reminded_on": on,
        "days_late": letter.days_late,
        "amount_open": invoice.amount_open,
        "fee": letter.fee,
        "interest": letter.interest,
        "currency": invoice.currency,
        "recipient": letter.customer.email,
        "text": letter.level.text,
    }


def _skipped(invoice: Any, reason: str) -> SkippedView:
    return SkippedView(
        invoice_id=invoice.id,
        number=invoice.number,
        customer_id=invoice.customer_id,
        reason=reason,
    )
