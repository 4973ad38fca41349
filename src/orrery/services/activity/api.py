"""Routes of activity."""

from orrery.kernel.routing import resource_routes
from orrery.services.activity.queries import ENTRIES

entries = resource_routes(ENTRIES)
