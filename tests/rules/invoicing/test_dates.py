"""Terms, early payment, and which days a fact may bear (FIN-2, FIN-4)."""

from datetime import date
from decimal import Decimal

import pytest

from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.rules.dates import (
    ClosedFurther,
    DatedBefore,
    DatedInFuture,
    DueBeforeDocument,
    PeriodClosed,
    Term,
    check_closing,
    check_document,
    check_fact,
    check_follows,
    discount_date,
    due_date,
    early_discount,
)

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    "document_date, days, is_end_of_month, due",
    [
        (date(2026, 1, 31), 30, False, date(2026, 3, 2)),
        (date(2026, 1, 31), 0, False, date(2026, 1, 31)),
        (date(2026, 1, 15), 30, True, date(2026, 2, 28)),
        (date(2028, 1, 30), 30, True, date(2028, 2, 29)),
        (date(2025, 12, 2), 30, True, date(2026, 1, 31)),
    ],
)
def test_the_due_date_follows_from_the_term(
    document_date: date,
    days: int,
    is_end_of_month: bool,
    due: date,
) -> None:
    assert due_date(document_date, Term(days, is_end_of_month)) == due


def test_the_discount_lasts_its_days() -> None:
    term = Term(30, discount_days=10, discount_percent=Decimal(2))
    assert discount_date(date(2026, 6, 1), term) == date(2026, 6, 11)
    assert discount_date(date(2026, 6, 1), Term(30)) is None


@pytest.mark.parametrize(
    "paid_on, discount", [(date(2026, 6, 11), "2.38"), (date(2026, 6, 12), "0.00")]
)
def test_paying_early_earns_the_discount_through_its_last_day(paid_on: date, discount: str) -> None:
    """FIN-4, early-payment discount: 2 % of 119.00, rounded half-up."""
    got = early_discount(
        Decimal("119.00"),
        percent=Decimal(2),
        until=date(2026, 6, 11),
        paid_on=paid_on,
        currency="EUR",
    )
    assert str(got) == discount


@pytest.mark.parametrize(
    "document_date, due_on, closed_through, refusal",
    [
        (TODAY, TODAY, None, None),
        (date(2026, 6, 16), date(2026, 7, 1), None, DatedInFuture),
        (TODAY, date(2026, 6, 14), None, DueBeforeDocument),
        (date(2026, 6, 1), date(2026, 7, 1), date(2026, 5, 31), None),
        (date(2026, 5, 31), date(2026, 7, 1), date(2026, 5, 31), PeriodClosed),
    ],
)
def test_the_days_a_document_may_bear(
    document_date: date, due_on: date, closed_through: date | None, refusal: type[Refusal] | None
) -> None:
    if refusal is None:
        check_document(
            document_date=document_date, due_on=due_on, today=TODAY, closed_through=closed_through
        )
        return
    with pytest.raises(refusal):
        check_document(
            document_date=document_date, due_on=due_on, today=TODAY, closed_through=closed_through
        )


def test_a_fact_is_dated_today_or_on_any_open_day() -> None:
    """FIN-2: a correction is dated today or on any open date."""
    check_fact(TODAY, today=TODAY, closed_through=date(2026, 6, 14))
    with pytest.raises(PeriodClosed):
        check_fact(date(2026, 6, 14), today=TODAY, closed_through=date(2026, 6, 14))
    with pytest.raises(DatedInFuture):
        check_fact(date(2026, 6, 16), today=TODAY, closed_through=None)


def test_a_consequence_is_not_dated_before_its_cause() -> None:
    check_follows(TODAY, after=TODAY)
    with pytest.raises(DatedBefore):
        check_follows(date(2026, 6, 14), after=TODAY)


def test_books_are_closed_forwards_only() -> None:
    check_closing(TODAY, today=TODAY, closed_through=date(2026, 5, 31))
    with pytest.raises(ClosedFurther):
        check_closing(date(2026, 4, 30), today=TODAY, closed_through=date(2026, 5, 31))
    with pytest.raises(DatedInFuture):
        check_closing(date(2026, 6, 16), today=TODAY, closed_through=None)
