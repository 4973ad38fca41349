"""The figures of a day, and metrics over time, read from the tallies."""

from datetime import date, timedelta
from decimal import Decimal

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.permission import Permission
from orrery.services.analytics import schemas as s
from orrery.services.analytics.models import Reporting
from orrery.services.analytics.rules import figures as rules
from orrery.services.analytics.rules import periods
from orrery.services.analytics.rules.metrics import METRICS, Metric, UnknownMetric, metric_named
from orrery.services.analytics.rules.tallies import Key

CURRENCY_FALLBACK = "EUR"


def may_see(caller: Caller, needs: Permission) -> bool:
    """Whether a caller sees a whole service's figures: a narrower scope would give them away."""
    return caller.scope(needs) == "all"


def metrics_for(caller: Caller) -> list[s.MetricView]:
    """The metrics that a caller may see, as they are defined."""
    return [
        s.MetricView.of(metric, needs=metric.needs.code)
        for metric in METRICS.values()
        if may_see(caller, metric.needs)
    ]


async def figures_for(tx: ReadTx, caller: Caller, as_of: date | None) -> s.FiguresView:
    """The figures of a day that a caller may see."""
    shown = await all_figures(tx, as_of or caller.today)
    return s.FiguresView(visible_to(caller, shown))


def visible_to(caller: Caller, shown: rules.FigureSet) -> dict[str, int | str]:
    """What a caller may see of a set of figures, with its day and currency."""
    return {
        "as_of": shown.as_of.isoformat(),
        "currency": shown.currency,
        **rules.visible(shown.figures, lambda needs: may_see(caller, needs)),
    }


async def all_figures(tx: ReadTx, as_of: date) -> rules.FigureSet:
    """Every figure of a day."""
    balances = await _balances(tx, as_of)
    currency = await _currency(tx, balances)
    month, year = await _to_date(tx, as_of)
    figures = rules.figures(
        currency=currency,
        balances=balances,
        month=month,
        year=year,
        ageing=await _ageing(tx, as_of),
    )
    return rules.FigureSet(as_of=as_of, currency=currency, figures=figures)


async def moves_so_far(tx: ReadTx) -> int:
    """A number that grows with every move; whoever watches asks only for it."""
    count: int = await tx.value("select coalesce(sum(moves), 0)::bigint from tally")
    return count


async def series(
    tx: ReadTx,
    caller: Caller,
    *,
    metric: str,
    grain: periods.Grain,
    start: date,
    end: date,
    currency: str | None,
) -> s.SeriesView:
    """A metric over time. Refuses: UnknownMetric, BadPeriod."""
    asked = metric_named(metric)
    if not may_see(caller, asked.needs):
        raise UnknownMetric(metric=metric)
    spans = periods.periods(grain, start, end)
    if asked.unit == "money" and currency is None:
        currency = await _currency(tx, await _balances(tx, end))
    stated = currency if asked.unit == "money" and currency else ""
    moves = await _moves(tx, asked, stated, start=start, end=end)
    level = await _level_before(tx, asked, stated, start) if asked.kind == "stock" else Decimal(0)
    points = []
    for span in spans:
        moved = sum((a for on, a in moves.items() if span.start <= on <= span.end), Decimal(0))
        level = level + moved if asked.kind == "stock" else moved
        points.append(_point(asked, grain, span, level, stated))
    return s.SeriesView(
        metric=asked.code, unit=asked.unit, currency=stated or None, grain=grain, points=points
    )


def _point(
    metric: Metric, grain: periods.Grain, span: periods.Period, value: Decimal, currency: str
) -> s.PointView:
    return s.PointView(
        period=periods.label(grain, span.start),
        start=span.start,
        end=span.end,
        value=rules.value_text(metric, value, currency),
    )


async def _currency(tx: ReadTx, balances: rules.Balances) -> str:
    row = await tx.find(Reporting)
    own = row.currency if row else CURRENCY_FALLBACK
    return rules.main_currency(own, (key.currency for key in balances))


async def _balances(tx: ReadTx, as_of: date) -> dict[Key, Decimal]:
    rows = await tx.rows(
        "select fact, dimension, currency, sum(amount) as amount from ("
        " select fact, dimension, currency, amount from tally union all"
        ' select fact, dimension, currency, -amount from tally_day where "on" > %(as_of)s'
        ") moved group by fact, dimension, currency",
        as_of=as_of,
    )
    return {Key(row.fact, row.dimension, row.currency): row.amount for row in rows}


async def _to_date(tx: ReadTx, as_of: date) -> tuple[dict[Key, Decimal], dict[Key, Decimal]]:
    """What moved in the month and in the year up to a day, for metrics that add up over days."""
    rows = await tx.rows(
        "select fact, dimension, currency, sum(amount) as year,"
        ' coalesce(sum(amount) filter (where "on" >= %(month)s), 0) as month from tally_day'
        ' where fact = any(%(facts)s) and "on" between %(year)s and %(as_of)s'
        " group by fact, dimension, currency",
        facts=[metric.fact for metric in METRICS.values() if metric.kind == "flow"],
        month=as_of.replace(day=1),
        year=as_of.replace(month=1, day=1),
        as_of=as_of,
    )
    keyed = [(Key(row.fact, row.dimension, row.currency), row) for row in rows]
    return {key: row.month for key, row in keyed}, {key: row.year for key, row in keyed}


async def _ageing(tx: ReadTx, as_of: date) -> dict[tuple[str, str], Decimal]:
    """What is owed by bucket and currency."""
    rows = await tx.rows(
        "select due_on, currency, sum(amount) as amount from receivable_day"
        ' where "on" <= %(as_of)s group by due_on, currency having sum(amount) <> 0',
        as_of=as_of,
    )
    owed: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (rules.ageing_bucket(row.due_on, as_of), row.currency)
        owed[key] = owed.get(key, Decimal(0)) + row.amount
    return owed


async def _moves(
    tx: ReadTx, metric: Metric, currency: str, *, start: date, end: date
) -> dict[date, Decimal]:
    rows = await tx.rows(
        'select "on", sum(amount) as amount from tally_day where fact = %(fact)s'
        " and (%(dimension)s::text is null or dimension = %(dimension)s)"
        ' and currency = %(currency)s and "on" between %(start)s and %(end)s group by "on"',
        fact=metric.fact,
        dimension=metric.dimension,
        currency=currency,
        start=start,
        end=end,
    )
    return {row.on: row.amount for row in rows}


async def _level_before(tx: ReadTx, metric: Metric, currency: str, day: date) -> Decimal:
    if day == date.min:
        return Decimal(0)
    return rules.value_of(metric, await _balances(tx, day - timedelta(days=1)), currency)
