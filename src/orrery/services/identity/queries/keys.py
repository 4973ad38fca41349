"""The public keys by which access tokens are verified."""

from datetime import timedelta

from orrery.kernel import clock
from orrery.kernel.db import ReadTx
from orrery.services.identity import models as m
from orrery.services.identity import schemas as s
from orrery.services.identity.rules import keys
from orrery.services.identity.settings import Settings

# A process may sign with a key list this old; far less than the lead of a new key.
RING_LIFE = timedelta(seconds=60)


def keep_for(settings: Settings) -> timedelta:
    """How long a key stays published after its successor began to sign: until the last token of a
    process that had not heard of the successor has ended, with the lead once more for clocks."""
    return RING_LIFE + timedelta(
        seconds=settings.access_token_seconds, minutes=settings.key_lead_minutes
    )


async def key_set(tx: ReadTx) -> s.JsonWebKeySet:
    """The keys that verifiers must know now: those that sign, will sign or lately signed."""
    rows = await tx.all(m.SigningKey)
    known = keys.published(rows, clock.now(), keep_for=keep_for(tx.settings(Settings)))
    return s.JsonWebKeySet(keys=[dict(row.public_key) for row in known])
