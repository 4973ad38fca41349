"""Routes of activity."""

from orrery.kernel.resources import resource_routes
from orrery.services.activity.queries import ENTRIES

entries = resource_routes(ENTRIES)
