"""The figures as they are shown: a flat set of keys, made of the tallies as of a day."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from orrery.kernel.types.money import minor_units, round_money
from orrery.kernel.types.permission import Permission
from orrery.services.analytics.rules.metrics import (
    BREAKDOWNS,
    METRICS,
    RECEIVABLES,
    SEES_INVOICES,
    Metric,
)
from orrery.services.analytics.rules.tallies import ZERO, Key

Balances = Mapping[Key, Decimal]
# Days past the due date, inclusive, as receivables are usually aged; the last bucket is open.
AGEING = (("not_due", 0), ("1_30", 30), ("31_60", 60), ("61_90", 90))
AGEING_LAST = "over_90"
AGEING_BUCKETS = (*(code for code, _ in AGEING), AGEING_LAST)


@dataclass(frozen=True)
class Figure:
    """One value and the permission that its reader needs."""

    value: int | str
    needs: Permission


@dataclass(frozen=True)
class FigureSet:
    """All figures of a day; ``currency`` is the one of the undotted amounts."""

    as_of: date
    currency: str
    figures: Mapping[str, Figure]


def ageing_bucket(due_on: date, as_of: date) -> str:
    """The bucket of an amount by the days it is overdue; on the due date itself it is not."""
    days = (as_of - due_on).days
    return next((code for code, limit in AGEING if days <= limit), AGEING_LAST)


def main_currency(own: str, seen: Iterable[str]) -> str:
    """The currency of the undotted keys: the tenant's own, or the only one that ever occurred."""
    others = {currency for currency in seen if currency}
    return others.pop() if len(others) == 1 else own


def figures(
    *,
    currency: str,
    balances: Balances,
    month: Balances,
    year: Balances,
    ageing: Mapping[tuple[str, str], Decimal],
) -> dict[str, Figure]:
    """Every figure by its key. ``month`` and ``year`` are the moves of the period to date."""
    shown: dict[str, Figure] = {}
    for metric in METRICS.values():
        shown |= _of_metric(metric, metric.code, balances, currency)
        if metric.kind == "flow":
            shown |= _of_metric(metric, f"{metric.code}_month", month, currency)
            shown |= _of_metric(metric, f"{metric.code}_year", year, currency)
    for breakdown in BREAKDOWNS:
        for dimension, count in _by_dimension(balances, breakdown.fact):
            shown[f"{breakdown.code}.{dimension}"] = Figure(int(count), breakdown.needs)
    return shown | _ageing(ageing, balances, currency)


def visible(
    all_figures: Mapping[str, Figure], may: Callable[[Permission], bool]
) -> dict[str, int | str]:
    """The figures that a reader may see; the others are left out, not shown as zero."""
    return {key: figure.value for key, figure in all_figures.items() if may(figure.needs)}


def changes(
    before: Mapping[str, int | str], after: Mapping[str, int | str]
) -> dict[str, int | str | None]:
    """What differs between two sets of figures; None for a key that is gone."""
    gone = dict.fromkeys(before.keys() - after.keys())
    return {key: value for key, value in after.items() if before.get(key) != value} | gone


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount with its currency's number of decimal places."""
    return f"{round_money(amount, currency):.{minor_units(currency)}f}"


def value_of(metric: Metric, balances: Balances, currency: str) -> Decimal:
    """A metric's value: the sum over what it counts, in one currency when it is money."""
    return sum(
        (
            amount
            for key, amount in balances.items()
            if key.fact == metric.fact
            and metric.dimension in (None, key.dimension)
            and (metric.unit == "count" or key.currency == currency)
        ),
        ZERO,
    )


def value_text(metric: Metric, value: Decimal, currency: str) -> int | str:
    """A count as a number, money as a string."""
    return int(value) if metric.unit == "count" else amount_text(value, currency)


def _of_metric(metric: Metric, code: str, balances: Balances, currency: str) -> dict[str, Figure]:
    if metric.unit == "count":
        return {code: Figure(int(value_of(metric, balances, currency)), metric.needs)}
    shown = {
        code: Figure(amount_text(value_of(metric, balances, currency), currency), metric.needs)
    }
    for other in _currencies(balances, metric.fact):
        value = value_of(metric, balances, other)
        shown[f"{code}.{other}"] = Figure(amount_text(value, other), metric.needs)
    return shown


def _currencies(balances: Balances, fact: str) -> list[str]:
    return sorted({key.currency for key in balances if key.fact == fact})


def _by_dimension(balances: Balances, fact: str) -> list[tuple[str, Decimal]]:
    return sorted(
        (key.dimension, amount) for key, amount in balances.items() if key.fact == fact and amount
    )


def _ageing(
    ageing: Mapping[tuple[str, str], Decimal], balances: Balances, currency: str
) -> dict[str, Figure]:
    shown = {}
    for bucket in AGEING_BUCKETS:
        amount = ageing.get((bucket, currency), ZERO)
        shown[f"receivables_ageing.{bucket}"] = Figure(amount_text(amount, currency), SEES_INVOICES)
        for other in _currencies(balances, RECEIVABLES):
            amount = ageing.get((bucket, other), ZERO)
            shown[f"receivables_ageing.{bucket}.{other}"] = Figure(
                amount_text(amount, other), SEES_INVOICES
            )
    return shown
