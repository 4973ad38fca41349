"""The API of analytics: metrics, figures, series and the live stream."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import StreamingResponse

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, refusals, routes
from orrery.kernel.types.refusal import Unavailable
from orrery.services.analytics import permissions as p
from orrery.services.analytics import schemas as s
from orrery.services.analytics.queries import figures, live
from orrery.services.analytics.rules.metrics import UnknownMetric
from orrery.services.analytics.rules.periods import BadPeriod, Grain

router = routes("", tags="analytics")


class EventStream(StreamingResponse):
    """Server-sent events, which no cache or proxy may hold back."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


@router.get("/metrics")
async def list_metrics(caller: Annotated[Caller, May(p.METRIC_READ)]) -> list[s.MetricView]:
    """How each metric is defined: title, formula, grain, owner, unit."""
    return figures.metrics_for(caller)


@router.get("/figures")
async def read_figures(
    tx: ReadTx,
    caller: Annotated[Caller, May(p.FIGURE_READ)],
    as_of: Annotated[date | None, Query(description="A day; today when left out.")] = None,
) -> s.FiguresView:
    """The company's figures of a day; what the caller may not see is left out."""
    return await figures.figures_for(tx, caller, as_of)


@router.get("/series", responses=refusals(UnknownMetric, BadPeriod))
async def read_series(
    tx: ReadTx,
    caller: Annotated[Caller, May(p.FIGURE_READ)],
    metric: Annotated[str, Query(description="A code of `/metrics`.")],
    start: Annotated[date, Query(alias="from")],
    end: Annotated[date, Query(alias="to")],
    grain: Grain = Grain.MONTH,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
) -> s.SeriesView:
    """A metric over time: sums of a flow, levels of a stock at the end of each period."""
    return await figures.series(
        tx, caller, metric=metric, grain=grain, start=start, end=end, currency=currency
    )


@router.get("/live", status_code=200, response_class=EventStream, responses=refusals(Unavailable))
async def watch_figures(
    request: Request, caller: Annotated[Caller, May(p.FIGURE_READ)]
) -> EventStream:
    """The figures as server-sent events: `figures` first, then `changes` as they happen."""
    return EventStream(live.open_stream(request.app.state.host, caller))
