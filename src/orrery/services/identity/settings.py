"""Settings of identity (``ORRERY_IDENTITY_...``)."""

from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """How long things last and how hard guessing is made."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_IDENTITY_", extra="ignore")

    # Argon2id with the least that OWASP asks for: 19 MiB and two passes. Tests lower it.
    argon2_memory_kib: int = 19_456
    argon2_time_cost: int = 2
    argon2_lanes: int = 1

    lockout_failures: int = 5
    lockout_wait_seconds: int = 60
    lockout_wait_longest_seconds: int = 3_600
    lockout_forget_hours: int = 24

    session_idle_hours: int = 12
    session_absolute_days: int = 14
    # Programs refresh by themselves, so their sessions may rest and live longer.
    program_idle_days: int = 14
    program_absolute_days: int = 90
    # Ended sessions and forgotten tallies are kept this long for whoever asks what happened.
    keep_ended_days: int = 30

    access_token_seconds: int = 300
    # Verifiers may hold a key set for a while; a key is published this long before it signs.
    key_lead_minutes: int = 15
    key_rotation_days: int = 30
