"""How events move the facts: assets, invoices, employees."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.contracts import assets, invoicing, people
from orrery.services.analytics.rules import metrics
from orrery.services.analytics.rules.folds import (
    AssetEvent,
    AssetState,
    InvoiceEvent,
    InvoiceState,
    asset_after,
    employee_after,
    invoice_after,
)
from orrery.services.analytics.rules.tallies import SHARDS, ZERO, Key, Move, moves_between, shard_of

ID = UUID(int=7)
OTHER = UUID(int=8)
TOLD = date(2026, 3, 10)
COST = Key(metrics.ASSET_COST, currency="EUR")
PAID = Key(metrics.REVENUE_PAID, currency="EUR")
INVOICED = Key(metrics.REVENUE_INVOICED, currency="EUR")
OPEN = Key(metrics.RECEIVABLES, currency="EUR")


def created(*, bought: date | None = None, status: str = "active") -> assets.AssetCreated:
    return assets.AssetCreated(
        ID, "A1", "Laptop", OTHER, "Laptops", status, Decimal("1200.50"), "EUR", bought
    )


def status_changed(before: str, after: str) -> assets.AssetStatusChanged:
    return assets.AssetStatusChanged(ID, "A1", before, after)


def follow_asset(events: Iterable[AssetEvent]) -> tuple[AssetState | None, list[Move]]:
    state: AssetState | None = None
    moves: list[Move] = []
    for event in events:
        found = asset_after(state, event, TOLD)
        if found is not None:
            moves += moves_between(state.share if state else {}, found[0].share, found[1])
            state = found[0]
    return state, moves


def figure(moves: Iterable[Move], key: Key, until: date = date.max) -> Decimal:
    return sum((m.amount for m in moves if m.key == key and m.on <= until), ZERO)


@pytest.mark.parametrize(
    ("bought", "since"),
    [(None, TOLD), (date(2020, 1, 2), date(2020, 1, 2)), (date(2026, 3, 11), TOLD)],
)
def test_an_asset_counts_from_its_purchase_but_never_later_than_its_entry(
    bought: date | None, since: date
) -> None:
    """4.1: asset.created -> dashboard total asset value."""
    state, moves = follow_asset([created(bought=bought)])
    assert state is not None
    assert {move.on for move in moves} == {since}
    assert figure(moves, COST) == Decimal("1200.50")
    assert figure(moves, Key(metrics.ASSET_CATEGORY, "Laptops")) == 1


def test_an_assignment_and_its_change_of_status_count_once() -> None:
    """4.2: status active | assigned; both announcements of one act move the figure once."""
    handed = assets.AssetAssigned(ID, "A1", OTHER, date(2026, 3, 12))
    back = assets.AssetReturned(ID, "A1", OTHER, date(2026, 3, 20), None)
    _, moves = follow_asset(
        [
            created(),
            handed,
            status_changed("active", "assigned"),
            back,
            status_changed("assigned", "active"),
        ]
    )
    assigned = Key(metrics.ASSET_STATUS, "assigned")
    assert figure(moves, assigned, date(2026, 3, 11)) == 0
    assert figure(moves, assigned, date(2026, 3, 12)) == 1
    assert figure(moves, assigned, date(2026, 3, 20)) == 0
    assert figure(moves, Key(metrics.ASSET_STATUS, "active")) == 1


def test_an_asset_that_went_to_maintenance_stays_there_when_its_holder_gives_it_back() -> None:
    """4.2: the status machine decides, not the return."""
    handed = assets.AssetAssigned(ID, "A1", OTHER, TOLD)
    back = assets.AssetReturned(ID, "A1", OTHER, TOLD, None)
    state, moves = follow_asset(
        [created(), handed, status_changed("assigned", "maintenance"), back]
    )
    assert state is not None
    assert state.status == "maintenance"
    assert figure(moves, Key(metrics.ASSET_STATUS, "maintenance")) == 1


def test_a_corrected_cost_moves_the_value_by_the_difference() -> None:
    """AssetCostChanged: the value moves by what changed, told twice it moves once."""
    changed = assets.AssetCostChanged(ID, Decimal("1200.50"), Decimal(1000), "EUR")
    _, moves = follow_asset([created(), changed, changed])
    assert figure(moves, COST) == 1000
    assert len([move for move in moves if move.key == COST]) == 2


def test_an_asset_that_is_sorted_anew_changes_its_category() -> None:
    """Counts by category follow the register."""
    sorted_anew = assets.AssetChanged(ID, "A1", "Laptop", OTHER, "Servers")
    _, moves = follow_asset([created(), sorted_anew])
    assert figure(moves, Key(metrics.ASSET_CATEGORY, "Laptops")) == 0
    assert figure(moves, Key(metrics.ASSET_CATEGORY, "Servers")) == 1
    assert figure(moves, COST) == Decimal("1200.50")


def test_an_asset_whose_import_was_undone_never_was_there() -> None:
    """Undo of an import: the past shows nothing of it either."""
    withdrawn = assets.AssetWithdrawn(ID, "A1")
    _, moves = follow_asset([created(bought=date(2020, 1, 1)), withdrawn])
    assert figure(moves, COST, date(2020, 1, 1)) == 0
    assert figure(moves, Key(metrics.ASSET_STATUS, "active")) == 0


def test_a_disposed_asset_counts_nowhere() -> None:
    """4.2: delete = disposed."""
    disposed = assets.AssetDisposed(
        ID, "A1", date(2026, 4, 1), Decimal("1200.50"), ZERO, ZERO, ZERO, "EUR"
    )
    _, moves = follow_asset([created(), status_changed("active", "disposed"), disposed])
    for key in (COST, Key(metrics.ASSET_STATUS, "active"), Key(metrics.ASSET_STATUS, "disposed")):
        assert figure(moves, key) == 0


def test_no_change_counts_before_the_asset_itself() -> None:
    """A hand-over dated before the entry must not make a past day negative."""
    handed = assets.AssetAssigned(ID, "A1", OTHER, date(2026, 1, 1))
    _, moves = follow_asset([created(), handed])
    assert figure(moves, Key(metrics.ASSET_STATUS, "active"), date(2026, 3, 9)) == 0


def test_an_asset_nobody_announced_is_left_out() -> None:
    """Events of an asset that is not in the log cannot be counted, and must not fail."""
    assert follow_asset([status_changed("active", "assigned")]) == (None, [])


def issued(
    on: date = date(2026, 1, 10), net: str = "100", total: str = "119"
) -> invoicing.InvoiceIssued:
    return invoicing.InvoiceIssued(
        ID, "I1", OTHER, "Customer", on, date(2026, 2, 10), "EUR",
        Decimal(net), Decimal(total) - Decimal(net), Decimal(total),
    )  # fmt: skip


def received(amount: str, on: date) -> invoicing.PaymentReceived:
    return invoicing.PaymentReceived(ID, OTHER, OTHER, on, "bank", Decimal(amount), "EUR")


def reversed_(amount: str, on: date) -> invoicing.PaymentReversed:
    return invoicing.PaymentReversed(ID, OTHER, OTHER, on, Decimal(amount), "EUR")


def credited(net: str, total: str, on: date) -> invoicing.CreditNoteIssued:
    return invoicing.CreditNoteIssued(
        ID,
        OTHER,
        "C1",
        OTHER,
        on,
        "EUR",
        Decimal(net),
        Decimal(total) - Decimal(net),
        Decimal(total),
    )


AMOUNTS = (Decimal(100), Decimal(19), Decimal(119))


def paid(on: date) -> invoicing.InvoicePaid:
    return invoicing.InvoicePaid(ID, "I1", OTHER, "Customer", None, on, "EUR", *AMOUNTS)


def reopened() -> invoicing.InvoiceReopened:
    return invoicing.InvoiceReopened(ID, "I1", OTHER, "EUR", *AMOUNTS)


def voided(on: date) -> invoicing.InvoiceVoided:
    return invoicing.InvoiceVoided(ID, "I1", OTHER, on, "mistake", "EUR", *AMOUNTS)


def follow_invoice(events: Sequence[InvoiceEvent]) -> tuple[InvoiceState, list[Move]]:
    state: InvoiceState | None = None
    moves: list[Move] = []
    for event in events:
        after, on = invoice_after(state, event, TOLD)
        moves += moves_between(state.share if state else {}, after.share, on)
        state = after
    assert state is not None
    return state, moves


def test_a_paid_invoice_is_revenue_on_the_day_it_was_paid() -> None:
    """4.1: invoice.paid -> revenue; the net amount, not the tax."""
    day = date(2026, 2, 3)
    _, moves = follow_invoice([issued(), received("119", day), paid(day)])
    assert figure(moves, PAID, date(2026, 2, 2)) == 0
    assert figure(moves, PAID, day) == 100
    assert figure(moves, INVOICED, date(2026, 1, 9)) == 0
    assert figure(moves, INVOICED, date(2026, 1, 10)) == 100
    assert figure(moves, OPEN, date(2026, 2, 2)) == 119
    assert figure(moves, OPEN, day) == 0


def test_a_reopened_invoice_takes_its_revenue_back_on_the_day_of_the_reversal() -> None:
    """InvoicePaid adds; InvoiceReopened takes back; the past stays as it was shown."""
    day, later = date(2026, 2, 3), date(2026, 2, 20)
    _, moves = follow_invoice(
        [issued(), received("119", day), paid(day), reversed_("119", later), reopened()]
    )
    assert figure(moves, PAID, date(2026, 2, 19)) == 100
    assert figure(moves, PAID, later) == 0
    assert figure(moves, OPEN, later) == 119


def test_credit_notes_reduce_revenue_before_and_after_payment() -> None:
    """Revenue = paid invoices' net less credit notes, whichever came first."""
    day = date(2026, 2, 3)
    early: list[InvoiceEvent] = [
        issued(),
        credited("30", "35.70", date(2026, 1, 20)),
        received("83.30", day),
        paid(day),
    ]
    late: list[InvoiceEvent] = [
        issued(),
        received("119", day),
        paid(day),
        credited("30", "35.70", date(2026, 3, 1)),
    ]
    _, moves = follow_invoice(early)
    assert figure(moves, PAID) == figure(moves, INVOICED) == 70
    assert figure(moves, PAID, date(2026, 2, 2)) == 0
    state, moves = follow_invoice(late)
    assert figure(moves, PAID, date(2026, 2, 28)) == 100
    assert figure(moves, PAID) == 70
    assert state.open == Decimal("-35.70")


def test_a_voided_invoice_counts_nowhere_from_that_day_on() -> None:
    """Invoiced revenue: InvoiceIssued adds, InvoiceVoided takes back."""
    state, moves = follow_invoice([issued(), voided(date(2026, 1, 15))])
    assert figure(moves, INVOICED, date(2026, 1, 14)) == 100
    assert figure(moves, INVOICED) == figure(moves, OPEN) == 0
    assert state.open == 0


def test_a_write_off_leaves_revenue_but_nothing_open() -> None:
    """Receivables: issued + overdue - payments - credit notes - write-offs."""
    given_up = invoicing.InvoiceWrittenOff(
        ID, "I1", OTHER, "write_off", date(2026, 5, 1), Decimal(19), "EUR"
    )
    _, moves = follow_invoice([issued(), received("100", date(2026, 2, 1)), given_up])
    assert figure(moves, OPEN, date(2026, 4, 30)) == 19
    assert figure(moves, OPEN) == 0
    assert figure(moves, INVOICED) == 100


@pytest.mark.parametrize(
    ("received_amount", "given_up", "earned"),
    [("119", "0", "100"), ("100", "19", "84.03"), ("59.50", "59.50", "50"), ("0", "119", "0")],
)
def test_what_was_given_up_is_no_paid_revenue(
    received_amount: str, given_up: str, earned: str
) -> None:
    """Revenue is what came in: an invoice settled by a write-off alone earned nothing."""
    day = date(2026, 5, 1)
    off = invoicing.InvoiceWrittenOff(ID, "I1", OTHER, "write_off", day, Decimal(given_up), "EUR")
    _, moves = follow_invoice([issued(), received(received_amount, day), off, paid(day)])
    assert figure(moves, PAID) == Decimal(earned)
    assert figure(moves, INVOICED) == 100
    assert figure(moves, OPEN) == 0


def test_a_payment_before_the_issue_is_owed_to_nobody() -> None:
    """A payment on account does not make receivables negative before the invoice exists."""
    _, moves = follow_invoice([received("119", date(2026, 1, 5)), issued()])
    assert figure(moves, OPEN, date(2026, 1, 9)) == 0
    assert figure(moves, OPEN) == 0


@given(st.lists(st.integers(min_value=1, max_value=500), max_size=6), st.booleans())
def test_what_is_open_is_always_the_total_less_what_came_in(
    cents: list[int], is_reversed: bool
) -> None:
    """Receivables hold for any payments and reversals."""
    events: list[InvoiceEvent] = [issued()]
    for number, amount in enumerate(cents):
        events.append(received(str(Decimal(amount) / 100), date(2026, 2, 1 + number)))
        if is_reversed:
            events.append(reversed_(str(Decimal(amount) / 100), date(2026, 2, 10 + number)))
    state, moves = follow_invoice(events)
    came_in = ZERO if is_reversed else sum((Decimal(c) / 100 for c in cents), ZERO)
    assert state.open == figure(moves, OPEN) == Decimal(119) - came_in


def test_an_employee_counts_from_the_hiring_to_the_leaving_and_again_after_coming_back() -> None:
    """Head count (EmployeeHired/Deleted)."""
    key = Key(metrics.EMPLOYEES)

    def hired(on: date) -> people.EmployeeHired:
        return people.EmployeeHired(ID, "EMP-001", "Anna", None, None, on)

    def left(on: date) -> people.EmployeeDeleted:
        return people.EmployeeDeleted(ID, "EMP-001", "Anna", None, on)

    first, second = date(2024, 1, 1), date(2026, 1, 1)
    moves: list[Move] = []
    state = None
    for event in (
        left(first),
        hired(first),
        left(date(2025, 6, 1)),
        left(date(2025, 6, 1)),
        hired(second),
    ):
        found = employee_after(state, event)
        if found is not None:
            moves += moves_between(state.share if state else {}, found[0].share, found[1])
            state = found[0]
    assert figure(moves, key, date(2023, 12, 31)) == 0
    assert figure(moves, key, date(2025, 5, 31)) == 1
    assert figure(moves, key, date(2025, 6, 1)) == 0
    assert figure(moves, key) == 1


@given(st.uuids())
def test_a_subject_always_counts_in_the_same_shard(subject: UUID) -> None:
    """Writers spread over shards; a rebuild must come to the same rows."""
    assert shard_of(subject) == shard_of(UUID(str(subject)))
    assert 0 <= shard_of(subject) < SHARDS
