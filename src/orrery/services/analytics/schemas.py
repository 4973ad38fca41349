"""JSON of analytics: metrics, figures and series."""

from datetime import date
from typing import Literal

from pydantic import Field, RootModel

from orrery.kernel.schemas import View
from orrery.services.analytics.rules.periods import Grain


class MetricView(View):
    """A metric as it is defined, once, for the API, dashboards and alerts."""

    code: str
    title: str
    formula: str
    grain: str
    owner: str
    unit: Literal["count", "money"]
    kind: Literal["stock", "flow"]
    needs: str = Field(description="The permission, in scope all, that a reader needs besides.")


class FiguresView(RootModel[dict[str, int | str]]):
    """Figures by key; counts are numbers, amounts are strings, dotted keys break a figure down.

    `as_of`, `currency` (of the amounts under plain keys); `assets_total`, `assets_available`,
    `assets_assigned`, `assets_maintenance`, `assets_retired`, `assets_by_status.<status>`,
    `assets_by_category.<name>`, `assets_value`; `revenue_paid` and `revenue_invoiced` since the
    beginning, with `_month` and `_year` for the month and year to date; `receivables_open` and
    `receivables_ageing.not_due|1_30|31_60|61_90|over_90` by days past the due date; `head_count`.
    Every amount also stands under `<key>.<CURRENCY>` for each currency that occurs.
    """


class PointView(View):
    """A metric in one period: the sum of a flow, or the level of a stock at the period's end."""

    period: str
    start: date
    end: date
    value: int | str


class SeriesView(View):
    """A metric over time."""

    metric: str
    unit: Literal["count", "money"]
    currency: str | None
    grain: Grain
    points: list[PointView]
