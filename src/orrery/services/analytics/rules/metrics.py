"""Every metric, defined once: title, formula, grain, owner, unit (AN-1).

A metric is read from one *fact*: a running count or amount that events move up and down on a
business day. What is not listed here is not shown anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import NotFound

ASSET_STATUS = "asset_status"
ASSET_CATEGORY = "asset_category"
ASSET_COST = "asset_cost"
REVENUE_PAID = "revenue_paid"
REVENUE_INVOICED = "revenue_invoiced"
RECEIVABLES = "receivables"
EMPLOYEES = "employees"

# What a reader needs besides ``analytics.figure.read``, in scope all: whoever may only see his own
# assets must not learn the value of everybody's. The codes belong to the services named in them.
SEES_ASSETS = Permission("assets.asset.read", "See assets")
SEES_INVOICES = Permission("invoicing.report.read", "See receivables and revenue")
SEES_EMPLOYEES = Permission("people.employee.read", "See employees")


class UnknownMetric(NotFound):
    """There is no metric of this code, or the caller may not see it."""

    code = "analytics.unknown_metric"


@dataclass(frozen=True)
class Metric:
    """A figure with one meaning; ``stock`` is a level on a day, ``flow`` adds up over days."""

    code: str
    title: str
    formula: str
    owner: str
    unit: Literal["count", "money"]
    kind: Literal["stock", "flow"]
    needs: Permission
    fact: str
    dimension: str | None = None
    grain: str = "day"


_ALL = (
    Metric(
        code="assets_total",
        title="Assets",
        formula="Assets created and not disposed; counted from the day of purchase, or from the "
        "day they were entered when that is earlier or no purchase date is known.",
        owner="assets",
        unit="count",
        kind="stock",
        needs=SEES_ASSETS,
        fact=ASSET_STATUS,
    ),
    *(
        Metric(
            code=f"assets_{code}",
            title=f"Assets {title}",
            formula=f"Assets whose status is {status}.",
            owner="assets",
            unit="count",
            kind="stock",
            needs=SEES_ASSETS,
            fact=ASSET_STATUS,
            dimension=status,
        )
        for code, title, status in (
            ("available", "available", "active"),
            ("assigned", "assigned", "assigned"),
            ("maintenance", "in maintenance", "maintenance"),
            ("retired", "retired", "retired"),
        )
    ),
    Metric(
        code="assets_value",
        title="Asset value at cost",
        formula="Sum of the acquisition cost of all assets that are not disposed; a corrected "
        "cost counts from the day of the correction.",
        owner="assets",
        unit="money",
        kind="stock",
        needs=SEES_ASSETS,
        fact=ASSET_COST,
    ),
    Metric(
        code="revenue_paid",
        title="Revenue, paid",
        formula="Net amount of every invoice on the day nothing was left to pay on it, less its "
        "credit notes and less the share of it that was written off or discounted. An invoice that "
        "is reopened takes its amount back on the day of the reversal.",
        owner="invoicing",
        unit="money",
        kind="flow",
        needs=SEES_INVOICES,
        fact=REVENUE_PAID,
    ),
    Metric(
        code="revenue_invoiced",
        title="Revenue, invoiced",
        formula="Net amount of every invoice on its date of issue, less the net amount of credit "
        "notes on theirs and of voided invoices on the day they were voided.",
        owner="invoicing",
        unit="money",
        kind="flow",
        needs=SEES_INVOICES,
        fact=REVENUE_INVOICED,
    ),
    Metric(
        code="receivables_open",
        title="Receivables, open",
        formula="Gross amount of issued and overdue invoices less payments, credit notes and "
        "write-offs; a voided invoice owes nothing, a reversed payment is owed again.",
        owner="invoicing",
        unit="money",
        kind="stock",
        needs=SEES_INVOICES,
        fact=RECEIVABLES,
    ),
    Metric(
        code="head_count",
        title="Head count",
        formula="Employees from the day they were hired to the day before they left.",
        owner="people",
        unit="count",
        kind="stock",
        needs=SEES_EMPLOYEES,
        fact=EMPLOYEES,
    ),
)
METRICS: Mapping[str, Metric] = {metric.code: metric for metric in _ALL}


@dataclass(frozen=True)
class Breakdown:
    """A fact shown by its dimension, as keys ``code.dimension`` beside the metrics."""

    code: str
    needs: Permission
    fact: str


BREAKDOWNS = (
    Breakdown("assets_by_status", SEES_ASSETS, ASSET_STATUS),
    Breakdown("assets_by_category", SEES_ASSETS, ASSET_CATEGORY),
)


def metric_named(code: str) -> Metric:
    """The metric of this code. Refuses: UnknownMetric."""
    if code not in METRICS:
        raise UnknownMetric(metric=code)
    return METRICS[code]
