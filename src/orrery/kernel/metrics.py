"""What the house counts, for Prometheus."""

from prometheus_client import REGISTRY, Counter, Histogram

REQUESTS = Histogram(
    "orrery_request_seconds",
    "Time to answer a request, by service, route and status.",
    ["service", "route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
EVENTS_RELAYED = Counter(
    "orrery_events_relayed", "Events carried from an outbox to the inboxes.", ["service"]
)
REACTIONS = Counter(
    "orrery_reactions", "Reactions by outcome: done, retry, dead.", ["service", "outcome"]
)
JOBS = Counter("orrery_jobs", "Background jobs by outcome.", ["service", "job", "outcome"])
__all__ = ["EVENTS_RELAYED", "JOBS", "REACTIONS", "REGISTRY", "REQUESTS"]
