"""The tenant's profile."""

from collections.abc import Mapping
from typing import Any

from orrery.contracts.organization import ProfileChanged
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.organization import models as m
from orrery.services.organization import queries
from orrery.services.organization.rules import profile as rules


async def change_profile(tx: Tx, caller: Caller, changes: Mapping[str, Any]) -> m.Profile:
    """Change the tenant's title or look. Refuses: ProfileUnsound. Announces: ProfileChanged."""
    known = await queries.profile(tx)
    profile = await tx.lock(m.Profile, known.id)
    values = dict(changes)
    if "accent_colour" in values:
        values["accent_colour"] = rules.accent(values["accent_colour"])
    changed = {name: value for name, value in values.items() if getattr(profile, name) != value}
    if not changed:
        return profile
    profile = await tx.change(profile, **changed)
    announce_profile(tx, profile)
    return profile


def announce_profile(tx: Tx, profile: m.Profile) -> None:
    """Tell the others what the tenant looks like now."""
    tx.announce(
        ProfileChanged(
            profile_id=profile.id,
            title=profile.title,
            logo_text=profile.logo_text,
            accent_colour=profile.accent_colour,
            paper_size=profile.paper_size,
        )
    )
