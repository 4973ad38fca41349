"""Signing keys: made, published before use, rotated; and access tokens signed with them."""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import ECKey

from orrery.kernel import clock, log
from orrery.kernel.db import Tx
from orrery.kernel.http import Opener
from orrery.kernel.settings import Settings as HouseSettings
from orrery.kernel.types.ids import new_id
from orrery.services.identity import models as m
from orrery.services.identity.queries.keys import RING_LIFE, keep_for
from orrery.services.identity.rules import keys
from orrery.services.identity.settings import Settings

logger = log.logger("identity.keys")


class Signer:
    """A private key, ready to sign access tokens."""

    def __init__(self, kid: str, key: ECKey) -> None:
        self._header = {"alg": "ES256", "kid": kid}
        self._key = key

    def sign(self, claims: dict[str, Any]) -> str:
        """The access token that says these claims."""
        return jwt.encode(self._header, claims, self._key, algorithms=["ES256"])


class Ring:
    """The keys as one process knows them, so that signing costs no read."""

    def __init__(self) -> None:
        self._rows: list[m.SigningKey] = []
        self._read_at: datetime | None = None
        self._signers: dict[Any, Signer] = {}

    async def signer(self, open_tx: Opener) -> Signer:
        """The key that signs now; the first one ever is made here."""
        now = clock.now()
        if self._read_at is None or abs(now - self._read_at) >= RING_LIFE:
            await self._read(open_tx)
        row = keys.signing(self._rows, clock.now())
        if row is None:
            await self._read(open_tx)
            row = keys.signing(self._rows, clock.now())
        if row is None:
            raise LookupError("there is no signing key, although one was just made")
        return self._signers[row.id]

    async def _read(self, open_tx: Opener) -> None:
        async with open_tx(None) as tx:
            self._take(await ensure_key(tx), _sealer(tx))
        self._read_at = clock.now()

    def _take(self, rows: Sequence[m.SigningKey], sealer: Fernet) -> None:
        opened = {row.id: key for row in rows if (key := _opened(row, sealer)) is not None}
        # A key sealed with another ORRERY_SECRET_KEY cannot sign; its tokens still verify.
        self._rows = [row for row in rows if row.id in opened]
        self._signers = {id: Signer(str(id), key) for id, key in opened.items()}


_rings: WeakKeyDictionary[Any, Ring] = WeakKeyDictionary()


def ring_of(tx: Tx) -> Ring:
    """The key ring of the process, one per service host."""
    return _rings.setdefault(tx.host, Ring())


def forget_rings() -> None:
    """Read the keys again at the next token, as a fresh process does."""
    _rings.clear()


async def ensure_key(tx: Tx) -> list[m.SigningKey]:
    """Every key; one that can sign now is made if there is none.

    Whoever asks for the keys before the first token is signed learns of the key that signs it.
    """
    rows, now = await tx.all(m.SigningKey), clock.now()
    if _may_sign(tx, rows, now):
        return rows
    # Two processes that miss a key wait here for each other; the second finds one.
    await _lock_keys(tx)
    rows = await tx.all(m.SigningKey)
    return rows if _may_sign(tx, rows, now) else [*rows, await make_key(tx, signs_from=now)]


async def make_key(tx: Tx, *, signs_from: datetime) -> m.SigningKey:
    """Make a key pair that signs from an instant on; it is published at once."""
    id, pair = new_id(), ECKey.generate_key("P-256", private=True)
    public = {**pair.as_dict(private=False), "kid": str(id), "use": "sig", "alg": "ES256"}
    return await tx.add(
        m.SigningKey,
        id=id,
        public_key=public,
        private_key=_sealer(tx).encrypt(pair.as_pem(private=True)).decode(),
        created_at=clock.now(),
        signs_from=signs_from,
    )


async def rotate_keys(tx: Tx) -> m.SigningKey:
    """Publish a new key now that signs after the lead, when every verifier has seen it."""
    settings = tx.settings(Settings)
    row = await make_key(tx, signs_from=clock.now() + timedelta(minutes=settings.key_lead_minutes))
    logger.info("signing key made", kid=str(row.id), signs_from=row.signs_from.isoformat())
    return row


async def tend_keys(tx: Tx) -> None:
    """Rotate when the newest key has served its time, and forget those whose tokens ended."""
    settings, now = tx.settings(Settings), clock.now()
    await _lock_keys(tx)
    rows = await tx.all(m.SigningKey)
    kept = {row.id for row in keys.published(rows, now, keep_for=keep_for(settings))}
    for row in rows:
        if row.id not in kept:
            await tx.remove(row)
    rotate_every = timedelta(days=settings.key_rotation_days)
    if rows and keys.is_rotation_due(rows, now, rotate_every=rotate_every):
        await rotate_keys(tx)


def _sealer(tx: Tx) -> Fernet:
    secret = tx.settings(HouseSettings).secret_key.get_secret_value()
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"orrery identity signing keys")
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))


async def _lock_keys(tx: Tx) -> None:
    await tx.run("select pg_advisory_xact_lock(hashtext('identity.signing_key'))")


def _may_sign(tx: Tx, rows: Sequence[m.SigningKey], now: datetime) -> bool:
    sealer = _sealer(tx)
    return keys.signing([row for row in rows if _opened(row, sealer)], now) is not None


def _opened(row: m.SigningKey, sealer: Fernet) -> ECKey | None:
    try:
        return ECKey.import_key(sealer.decrypt(row.private_key.encode()))
    except InvalidToken:
        logger.warning("signing key is sealed with another ORRERY_SECRET_KEY", kid=str(row.id))
        return None
