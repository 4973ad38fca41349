"""The manifest of the gateway."""

from orrery.kernel.service import Service
from orrery.services.gateway.api.door import Door
from orrery.services.gateway.settings import Settings

SERVICE = Service(
    "gateway",
    title="Gateway",
    # Identity says whose a credential is; the services of a composed view are asked as the caller.
    asks=["identity"],
    settings=Settings,
    is_gateway=True,
    app=Door,
)
