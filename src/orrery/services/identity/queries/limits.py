"""The limits that the rules read, made of the service's settings."""

from datetime import timedelta

from orrery.services.identity.rules import lockout, sessions
from orrery.services.identity.settings import Settings


def of_lockout(settings: Settings) -> lockout.Limits:
    """What wrong passwords cost."""
    return lockout.Limits(
        failures_allowed=settings.lockout_failures,
        wait_first=timedelta(seconds=settings.lockout_wait_seconds),
        wait_longest=timedelta(seconds=settings.lockout_wait_longest_seconds),
        forget_after=timedelta(hours=settings.lockout_forget_hours),
    )


def of_sessions(settings: Settings, *, for_programs: bool) -> sessions.Limits:
    """How long sessions rest and live: those of programs longer, which refresh by themselves."""
    if for_programs:
        return sessions.Limits(
            idle=timedelta(days=settings.program_idle_days),
            absolute=timedelta(days=settings.program_absolute_days),
        )
    return sessions.Limits(
        idle=timedelta(hours=settings.session_idle_hours),
        absolute=timedelta(days=settings.session_absolute_days),
    )
