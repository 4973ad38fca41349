"""Metrics: defined once, complete, each with the permission it needs (AN-1)."""

import pytest

from orrery.services.analytics.rules.metrics import METRICS, UnknownMetric, metric_named


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.code)
def test_a_metric_says_what_it_means(metric: object) -> None:
    """AN-1: metric defined once (formula, grain, owner)."""
    told = vars(metric)
    assert told["formula"].endswith(".")
    assert told["title"]
    assert told["grain"] == "day"
    assert told["needs"].code.startswith(f"{told['owner']}.")
    assert told["needs"].code.endswith(".read")


def test_an_unknown_metric_is_refused() -> None:
    """AN-1: what is not defined is not shown."""
    with pytest.raises(UnknownMetric):
        metric_named("happiness")
