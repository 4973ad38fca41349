"""Permission codes of analytics; each metric also names the permission of the service it counts."""

from orrery.kernel.types.permission import Permission

METRIC_READ = Permission("analytics.metric.read", "See how each metric is defined")
FIGURE_READ = Permission("analytics.figure.read", "See the company's figures and their history")

ALL = [METRIC_READ, FIGURE_READ]
