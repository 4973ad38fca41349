"""Settings of people (``ORRERY_PEOPLE_...``)."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """How attendance is kept."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_PEOPLE_", extra="ignore")

    clock_forgotten_after_hours: int = Field(
        default=16, ge=1, le=48, description="An open clock-in this old was forgotten."
    )
    closing_window_days: int = Field(
        default=7, ge=1, le=31, description="How far back open days are closed after a stop."
    )
