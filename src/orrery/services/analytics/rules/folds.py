"""What each event says about its subject: an asset, an invoice, an employee.

A fold answers the subject's next state and the business day on which the change counts.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from orrery.contracts.assets import (
    AssetAssigned,
    AssetChanged,
    AssetCostChanged,
    AssetCreated,
    AssetDisposed,
    AssetReturned,
    AssetStatusChanged,
    AssetWithdrawn,
)
from orrery.contracts.invoicing import (
    CreditNoteIssued,
    InvoiceIssued,
    InvoicePaid,
    InvoiceReopened,
    InvoiceVoided,
    InvoiceWrittenOff,
    PaymentReceived,
    PaymentReversed,
)
from orrery.contracts.people import EmployeeDeleted, EmployeeHired
from orrery.kernel.types.money import round_money
from orrery.services.analytics.rules import metrics
from orrery.services.analytics.rules.tallies import ZERO, Key, Share

AssetMove = (
    AssetChanged
    | AssetCostChanged
    | AssetStatusChanged
    | AssetAssigned
    | AssetReturned
    | AssetDisposed
    | AssetWithdrawn
)
AssetEvent = AssetCreated | AssetMove
InvoiceEvent = (
    InvoiceIssued
    | PaymentReceived
    | PaymentReversed
    | CreditNoteIssued
    | InvoiceWrittenOff
    | InvoicePaid
    | InvoiceReopened
    | InvoiceVoided
)
EmployeeEvent = EmployeeHired | EmployeeDeleted
NO_CATEGORY = "none"
GONE = frozenset({"disposed", "withdrawn"})
ONE = Decimal(1)


@dataclass(frozen=True)
class AssetState:
    """What is known of an asset; ``since`` is the first day it counts."""

    since: date
    status: str
    category: str
    cost: Decimal
    currency: str

    @property
    def share(self) -> Share:
        """What this asset adds to the facts; nothing once it is gone."""
        if self.status in GONE:
            return {}
        return {
            Key(metrics.ASSET_STATUS, self.status): ONE,
            Key(metrics.ASSET_CATEGORY, self.category): ONE,
            Key(metrics.ASSET_COST, currency=self.currency): self.cost,
        }


def asset_after(
    state: AssetState | None, event: AssetEvent, told_on: date
) -> tuple[AssetState, date] | None:
    """The asset after an event; None for one that was never announced as created."""
    if isinstance(event, AssetCreated):
        # Bought earlier it was there earlier; but whatever is in the register counts from then on.
        since = min(event.purchased_on or told_on, told_on)
        category = event.category_name or NO_CATEGORY
        return AssetState(since, event.status, category, event.cost, event.currency), since
    if state is None:
        return None
    changed, on = _asset_change(state, event, told_on)
    return changed, max(on, state.since)


def _asset_change(state: AssetState, event: AssetMove, told_on: date) -> tuple[AssetState, date]:
    match event:
        case AssetChanged(category_name=name):
            return replace(state, category=name or NO_CATEGORY), told_on
        case AssetCostChanged(cost_after=cost):
            return replace(state, cost=cost), told_on
        case AssetStatusChanged(status_after=status):
            return replace(state, status=status), told_on
        case AssetAssigned(assigned_on=on):
            # Whether or not the change of status is announced as well.
            return replace(state, status="assigned"), on
        case AssetReturned(returned_on=on):
            # An asset that went from its holder to maintenance or out of use stays there.
            is_back = state.status == "assigned"
            return (replace(state, status="active") if is_back else state), on
        case AssetDisposed(disposed_on=on):
            return replace(state, status="disposed"), on
        case AssetWithdrawn():
            # Its import was undone: it never was there.
            return replace(state, status="withdrawn"), state.since


@dataclass(frozen=True)
class InvoiceState:
    """What is known of an invoice; amounts of credit notes and payments are sums so far."""

    currency: str
    due_on: date | None = None
    moved_on: date | None = None
    is_issued: bool = False
    is_paid: bool = False
    is_void: bool = False
    net: Decimal = ZERO
    total: Decimal = ZERO
    credited_net: Decimal = ZERO
    credited: Decimal = ZERO
    written_off: Decimal = ZERO
    received: Decimal = ZERO

    @property
    def revenue(self) -> Decimal:
        """The net amount less credit notes."""
        return self.net - self.credited_net

    @property
    def earned(self) -> Decimal:
        """The revenue less the same share of it as was given up of the gross amount."""
        owed = self.total - self.credited
        if not self.written_off or not owed:
            return self.revenue
        return round_money(self.revenue * (owed - self.written_off) / owed, self.currency)

    @property
    def open(self) -> Decimal:
        """What the customer still owes; negative when too much was paid or credited."""
        if self.is_void or not self.is_issued:
            return ZERO
        return self.total - self.credited - self.written_off - self.received

    @property
    def share(self) -> Share:
        """What this invoice adds to revenue and receivables."""
        if self.is_void:
            return {}
        share = {Key(metrics.RECEIVABLES, currency=self.currency): self.open}
        if self.is_issued:
            share[Key(metrics.REVENUE_INVOICED, currency=self.currency)] = self.revenue
        if self.is_paid:
            share[Key(metrics.REVENUE_PAID, currency=self.currency)] = self.earned
        return share


def invoice_after(
    state: InvoiceState | None, event: InvoiceEvent, told_on: date
) -> tuple[InvoiceState, date]:
    """The invoice after an event."""
    known = state or InvoiceState(currency=event.currency)
    changed, on = _invoice_change(known, event, told_on)
    return replace(changed, moved_on=on), on


def _invoice_change(
    state: InvoiceState, event: InvoiceEvent, told_on: date
) -> tuple[InvoiceState, date]:
    match event:
        case InvoiceIssued(issued_on=on, due_on=due_on, total_net=net, total=total):
            return replace(state, is_issued=True, due_on=due_on, net=net, total=total), on
        case PaymentReceived(received_on=on, amount=amount):
            return replace(state, received=state.received + amount), on
        case PaymentReversed(reversed_on=on, amount=amount):
            return replace(state, received=state.received - amount), on
        case CreditNoteIssued(issued_on=on, total_net=net, total=total):
            credited, credited_net = state.credited + total, state.credited_net + net
            return replace(state, credited=credited, credited_net=credited_net), on
        case InvoiceWrittenOff(written_off_on=on, amount=amount):
            return replace(state, written_off=state.written_off + amount), on
        case InvoicePaid(paid_on=on):
            return replace(state, is_paid=True), on
        case InvoiceVoided(voided_on=on):
            return replace(state, is_void=True), on
        case InvoiceReopened():
            # It follows the reversed payment that caused it and counts on the same day.
            return replace(state, is_paid=False), state.moved_on or told_on


@dataclass(frozen=True)
class EmployeeState:
    """What is known of an employee."""

    hired_on: date
    left_on: date | None = None

    @property
    def share(self) -> Share:
        """One head while employed."""
        return {} if self.left_on else {Key(metrics.EMPLOYEES): ONE}


def employee_after(
    state: EmployeeState | None, event: EmployeeEvent
) -> tuple[EmployeeState, date] | None:
    """The employee after an event; somebody who comes back counts again from that day."""
    if isinstance(event, EmployeeHired):
        return EmployeeState(event.hired_on), event.hired_on
    if state is None:
        return None
    left_on = max(event.left_on, state.hired_on)
    return replace(state, left_on=left_on), left_on
