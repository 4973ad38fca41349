"""Settings of notifications (prefix ``ORRERY_NOTIFICATIONS_``)."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where mail goes and from whom it comes when a tenant has not said otherwise."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_NOTIFICATIONS_", extra="ignore")
    secrets: ClassVar[tuple[str, ...]] = ("smtp_url",)

    # smtp://user:password@host:587?starttls=1 or smtps://user:password@host:465; without it every
    # mail becomes a file, so that nothing is lost on a laptop.
    smtp_url: SecretStr | None = None
    # Better no start than every mail refused because its sender has no valid address.
    sender: Annotated[str, Field(pattern=r"^[^\s@<>,;:\"]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+$")] = (
        "no-reply@localhost.localdomain"
    )
    # Where those files go; without it ``mail`` in the house's data folder.
    mail_folder: Path | None = None
    smtp_timeout_seconds: int = 60
    smtp_connections: int = 4
