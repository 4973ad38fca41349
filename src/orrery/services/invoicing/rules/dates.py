"""Days of documents: terms, early-payment discounts, and what may be dated when."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from orrery.kernel.types.money import round_money
from orrery.kernel.types.refusal import Refusal

HUNDRED = Decimal(100)


class DatedInFuture(Refusal):
    """A fact cannot be dated later than today."""

    code = "invoicing.dated_in_future"


class DueBeforeDocument(Refusal):
    """The due date lies before the document's date."""

    code = "invoicing.due_before_document"


class PeriodClosed(Refusal):
    """The books are closed through that day; nothing may be dated into it any more."""

    code = "invoicing.period_closed"


class ClosedFurther(Refusal):
    """The books are closed further already; a closing is never taken back."""

    code = "invoicing.closed_further"


class DatedBefore(Refusal):
    """A consequence cannot be dated before what it follows from."""

    code = "invoicing.dated_before"


@dataclass(frozen=True)
class Term:
    """When an invoice is due, and what is given for paying early."""

    days: int
    is_end_of_month: bool = False
    discount_days: int | None = None
    discount_percent: Decimal | None = None


def due_date(document_date: date, term: Term) -> date:
    """The last day to pay in full; end of month counts on to the last day of that month."""
    due = document_date + timedelta(days=term.days)
    if not term.is_end_of_month:
        return due
    return due.replace(day=calendar.monthrange(due.year, due.month)[1])


def discount_date(document_date: date, term: Term) -> date | None:
    """The last day of the early-payment discount, when the term offers one."""
    if term.discount_days is None or not term.discount_percent:
        return None
    return document_date + timedelta(days=term.discount_days)


def early_discount(
    total: Decimal, *, percent: Decimal | None, until: date | None, paid_on: date, currency: str
) -> Decimal:
    """What may be deducted from a payment of this day; zero after the last day."""
    if percent is None or until is None or paid_on > until:
        return round_money(Decimal(0), currency)
    return round_money(total * percent / HUNDRED, currency)


def check_document(
    *, document_date: date, due_on: date, today: date, closed_through: date | None
) -> None:
    """Whether a document may bear these dates. Refuses: DueBeforeDocument and as check_fact."""
    if due_on < document_date:
        raise DueBeforeDocument(document_date=document_date, due_on=due_on)
    check_fact(document_date, today=today, closed_through=closed_through)


def check_fact(day: date, *, today: date, closed_through: date | None) -> None:
    """Whether something may be booked on a day. Refuses: DatedInFuture, PeriodClosed.

    That closed days stay closed is what keeps a report of a past day as it was (FIN-4).
    """
    if day > today:
        raise DatedInFuture(day=day, today=today)
    if closed_through is not None and day <= closed_through:
        raise PeriodClosed(day=day, closed_through=closed_through)


def check_follows(day: date, *, after: date) -> None:
    """Whether a consequence is dated on or after its cause. Refuses: DatedBefore."""
    if day < after:
        raise DatedBefore(day=day, not_before=after)


def check_closing(through: date, *, today: date, closed_through: date | None) -> None:
    """Whether the books may be closed through a day. Refuses: DatedInFuture, ClosedFurther."""
    if through > today:
        raise DatedInFuture(day=through, today=today)
    if closed_through is not None and through < closed_through:
        raise ClosedFurther(through=through, closed_through=closed_through)
