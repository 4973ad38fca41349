"""Settings of activity (``ORRERY_ACTIVITY_...``)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """How long the feed remembers."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_ACTIVITY_", extra="ignore")

    keep_days: int | None = Field(
        default=None,
        ge=1,
        description="Entries older than this leave the feed; kept forever when unset.",
    )
