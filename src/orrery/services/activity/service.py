"""The manifest of activity."""

from orrery.kernel.events import all_events
from orrery.kernel.service import Service
from orrery.services.activity import api, jobs, models, permissions, reactions
from orrery.services.activity.settings import Settings

SERVICE = Service(
    "activity",
    title="Activity",
    routers=[api.entries],
    # Every event of every contract: a new one is in the feed without a line here.
    reactions={event: [reactions.record] for event in all_events()},
    jobs={"40 3 * * *": jobs.forget_old_entries},
    permissions=permissions.ALL,
    settings=Settings,
    tables=models.Base.metadata,
    projections=[models.Entry, models.Person],
)
