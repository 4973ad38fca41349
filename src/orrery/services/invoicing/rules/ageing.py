"""How old a receivable is: the columns of the ageing report."""

from bisect import bisect_right
from datetime import date

BUCKETS = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90")
# The first day past due of every column but the first; the reports' SQL is given the same numbers.
STARTS = (1, 31, 61, 91)


def bucket(due_on: date, as_of: date) -> str:
    """The column of an invoice; it is not due up to and on its due date."""
    return BUCKETS[bisect_right(STARTS, (as_of - due_on).days)]
