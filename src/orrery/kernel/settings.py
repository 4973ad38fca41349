"""Settings: read once from the environment (``ORRERY_...``), typed, masked when printed."""

import os
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)

# Good enough for a laptop; ``refuse_default_secrets`` keeps it from going further.
DEFAULT_SECRET = "orrery-development-only"


class DefaultSecret(RuntimeError):
    """A secret still has its development value outside development."""


class Settings(BaseSettings):
    """What the process as a whole needs to know."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_", extra="ignore")

    environment: Literal["development", "test", "staging", "production"] = "development"
    data: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: SecretStr | None = None
    neighbours: str = ""
    secret_key: SecretStr = SecretStr(DEFAULT_SECRET)
    service_key: SecretStr = SecretStr(DEFAULT_SECRET)
    demo_password: SecretStr = SecretStr("orrery-demo")
    log_level: str = "INFO"
    log_format: Literal["json", "console"] = "console"
    pool_size: int = 10
    statement_timeout_ms: int = 30_000
    worker_concurrency: int = 4
    metrics_token: SecretStr | None = None


class ServiceSettings(BaseSettings):
    """Base of a service's own settings; the prefix is ``ORRERY_<SERVICE>_``."""

    model_config = SettingsConfigDict(extra="ignore")
    secrets: ClassVar[tuple[str, ...]] = ()


_known: dict[Any, Any] = {}


def read(kind: type[S]) -> S:
    """Read settings of a kind from the environment, once per process."""
    if kind not in _known:
        _known[kind] = kind()
    return cast(S, _known[kind])


def refuse_default_secrets(settings: Settings) -> None:
    """Refuse to start outside development while a secret is empty or has its default value."""
    if settings.environment in ("development", "test"):
        return
    defaults = [
        f"ORRERY_{name.upper()}"
        for name in ("secret_key", "service_key", "demo_password")
        if getattr(settings, name).get_secret_value()
        in ("", Settings.model_fields[name].default.get_secret_value())
    ]
    if defaults:
        raise DefaultSecret(f"Set {', '.join(defaults)} before starting in {settings.environment}.")


def masked(settings: BaseSettings) -> dict[str, Any]:
    """The effective values with every secret shown as stars."""
    return {name: "********" if isinstance(value, SecretStr) else value for name, value in settings}


def demo_password() -> str:
    """The password of the demo logins (``ORRERY_DEMO_PASSWORD``)."""
    return read(Settings).demo_password.get_secret_value()


def worker_number() -> int:
    """A small number that tells parallel test workers apart (pytest-xdist)."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0)
