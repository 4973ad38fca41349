"""The life of an invoice: draft -> issued -> partly_paid -> paid | overdue | void."""

from datetime import date
from decimal import Decimal

import pytest

from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import WrongState
from orrery.services.invoicing.rules.states import (
    INVOICE,
    PAYMENT,
    CreditLimitExceeded,
    CustomerArchived,
    InvoiceEmpty,
    InvoiceHasSettlements,
    NoRecipient,
    TotalNegative,
    after_issue,
    after_reversal,
    after_settlement,
    check_credit_limit,
    check_issue,
    check_voidable,
    recipient,
)

TODAY = date(2026, 6, 15)


def test_every_state_can_be_reached() -> None:
    assert INVOICE.unreachable() == set()
    assert PAYMENT.unreachable() == set()
    assert INVOICE.states == {"draft", "issued", "partly_paid", "paid", "overdue", "void"}


@pytest.mark.parametrize(
    "state, verb, amount_open, after",
    [
        ("issued", "pay_part", "0.01", "partly_paid"),
        ("issued", "pay_part", "0.00", "paid"),
        ("partly_paid", "pay_part", "5.00", "partly_paid"),
        ("partly_paid", "pay_part", "0", "paid"),
        # Overdue may still be partly paid, and paid.
        ("overdue", "pay_part", "5.00", "overdue"),
        ("overdue", "pay_part", "0", "paid"),
        ("issued", "credit", "5.00", "issued"),
        ("issued", "credit", "0", "paid"),
        ("overdue", "write_off", "0", "paid"),
    ],
)
def test_what_is_open_decides_the_state(
    state: str, verb: str, amount_open: str, after: str
) -> None:
    assert after_settlement(state, verb=verb, amount_open=Decimal(amount_open)) == after


@pytest.mark.parametrize("state", ["draft", "paid", "void"])
@pytest.mark.parametrize("verb", ["pay_part", "credit", "write_off", "remind", "void"])
def test_nothing_is_booked_on_a_draft_a_paid_or_a_void_invoice(state: str, verb: str) -> None:
    with pytest.raises(WrongState):
        INVOICE.after(state, verb)


@pytest.mark.parametrize("state", ["issued", "partly_paid", "paid", "overdue", "void"])
@pytest.mark.parametrize("verb", ["change", "issue"])
def test_an_issued_invoice_is_never_changed_or_issued_again(state: str, verb: str) -> None:
    """FIN-2: the original is never changed."""
    with pytest.raises(WrongState):
        INVOICE.after(state, verb)


@pytest.mark.parametrize(
    "state, paid, amount_open, due_on, after",
    [
        ("paid", "0", "100", date(2026, 6, 15), "issued"),
        ("paid", "40", "60", date(2026, 6, 15), "partly_paid"),
        ("paid", "40", "60", date(2026, 6, 14), "overdue"),
        ("partly_paid", "0", "100", date(2026, 7, 1), "issued"),
        ("partly_paid", "10", "90", date(2026, 7, 1), "partly_paid"),
        ("overdue", "0", "100", date(2026, 6, 1), "overdue"),
        ("paid", "100", "0", date(2026, 6, 1), "paid"),
    ],
)
def test_a_payment_taken_back_reopens_the_invoice(
    state: str, paid: str, amount_open: str, due_on: date, after: str
) -> None:
    assert (
        after_reversal(
            state,
            amount_paid=Decimal(paid),
            amount_open=Decimal(amount_open),
            due_on=due_on,
            today=TODAY,
        )
        == after
    )


@pytest.mark.parametrize(
    "lines, total, is_archived, refusal",
    [
        (1, "0.00", False, None),
        (1, "100", False, None),
        (0, "0", False, InvoiceEmpty),
        (1, "-0.01", False, TotalNegative),
        (1, "100", True, CustomerArchived),
    ],
)
def test_what_may_be_issued(
    lines: int,
    total: str,
    is_archived: bool,
    refusal: type[Refusal] | None,
) -> None:
    """The issue verb refuses an empty invoice, an archived customer, a total below zero."""
    if refusal is None:
        check_issue(lines=lines, total=Decimal(total), is_archived=is_archived)
        return
    with pytest.raises(refusal):
        check_issue(lines=lines, total=Decimal(total), is_archived=is_archived)


def test_an_invoice_over_nothing_is_paid_at_once() -> None:
    assert after_issue(total=Decimal("0.00")) == "paid"
    assert after_issue(total=Decimal("0.01")) == "issued"


@pytest.mark.parametrize(
    "limit, owed, total, refused",
    [
        (None, "1000000", "1", False),
        ("100", "60", "40", False),
        ("100", "60", "40.01", True),
        ("0", "0", "0", False),
        ("0", "0", "0.01", True),
    ],
)
def test_the_credit_limit_may_be_reached_but_not_passed(
    limit: str | None,
    owed: str,
    total: str,
    refused: bool,
) -> None:
    values = {
        "limit": Decimal(limit) if limit is not None else None,
        "owed": Decimal(owed),
        "total": Decimal(total),
    }
    if not refused:
        check_credit_limit(**values)  # type: ignore[arg-type] # keyword table
        return
    with pytest.raises(CreditLimitExceeded):
        check_credit_limit(**values)  # type: ignore[arg-type] # keyword table


@pytest.mark.parametrize("paid, reduced", [("0.01", "0"), ("0", "0.01")])
def test_an_invoice_with_payments_or_credits_is_not_voided(paid: str, reduced: str) -> None:
    check_voidable(amount_paid=Decimal(0), amount_reduced=Decimal(0))
    with pytest.raises(InvoiceHasSettlements):
        check_voidable(amount_paid=Decimal(paid), amount_reduced=Decimal(reduced))


def test_a_document_goes_to_the_named_address_or_else_to_the_customer_s() -> None:
    assert recipient("a@b.example", "c@d.example") == "a@b.example"
    assert recipient(None, "c@d.example") == "c@d.example"
    with pytest.raises(NoRecipient):
        recipient(None, None)
