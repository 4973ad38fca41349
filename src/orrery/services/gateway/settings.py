"""What an operator may set about the door (``ORRERY_GATEWAY_...``)."""

from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Limits of the gateway; every one of them has a default that a small company never meets."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_GATEWAY_", extra="ignore")

    # Requests per minute; a bucket that was left alone lets that many through at once.
    tenant_per_minute: int = 60_000
    user_per_minute: int = 18_000
    key_per_minute: int = 18_000
    address_per_minute: int = 3_000
    sign_in_per_minute: int = 60
    # Whoever is over a limit is told so after this pause, so that hammering costs next to nothing.
    refused_seconds: float = 0.1

    # Requests at work at the same time, and of one tenant among them. A process works on one thing
    # at a time and has ten database connections: more slots would only let one tenant's rush stand
    # before another's request. A gateway before many processes may have more.
    slots: int = 20
    tenant_slots: int = 12
    queue_length: int = 512
    queue_seconds: float = 5.0
    # Live connections cost no slot, only memory.
    live_connections: int = 1_000
    live_connections_of_user: int = 10
    # An export holds a database connection for as long as its reader takes.
    exports: int = 4
    exports_of_user: int = 2

    body_bytes: int = 10_000_000
    import_bytes: int = 100_000_000
    header_bytes: int = 32_768
    # Bodies up to this size are read before a slot is taken, so that a slow client holds none.
    held_bytes: int = 262_144
    request_seconds: float = 30.0
    import_seconds: float = 600.0
    # The longest pause between two pieces of a body, and the slowest pace of a whole one.
    pause_seconds: float = 10.0
    body_bytes_per_second: int = 1_000

    credential_seconds: float = 5.0
    # Origins whose pages may call the API with their own credentials, separated by commas.
    allowed_origins: str = ""
    # Networks of load balancers whose X-Forwarded-For is believed, separated by commas.
    trusted_proxies: str = ""
