"""Who calls: a cookie session, an access token or an API token becomes one short token."""

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from typing import Any

from orrery.kernel.types.refusal import Unauthenticated
from orrery.services.gateway.api.exchange import Exchange
from orrery.services.gateway.neighbours import asking
from orrery.services.gateway.rules import csrf
from orrery.services.gateway.rules.headers import session_of
from orrery.services.gateway.rules.limits import Bucket, Rate

SESSION = re.compile(r"([a-z][a-z0-9]{1,30})\.[A-Za-z0-9_-]{20,128}")
API_TOKEN = re.compile(r"ork_([a-z][a-z0-9]{1,30})_[A-Za-z0-9_-]{16,128}")
# More credentials than this at once are somebody guessing; what is known is then forgotten.
KNOWN_MAX = 20_000


@dataclass(frozen=True, eq=False)
class Principal:
    """Somebody who proved who they are."""

    tenant: str
    user: str
    authorization: bytes
    buckets: tuple[Bucket, ...]
    session: str | None = None


@dataclass(eq=False)
class _Known:
    until: float
    answer: "asyncio.Task[Principal | Unauthenticated]"

    @property
    def principal(self) -> Principal | None:
        """Who it is, when that is known already and still holds."""
        if not self.answer.done() or self.until <= time.monotonic():
            return None
        found = None if self.answer.cancelled() or self.answer.exception() else self.answer.result()
        return found if isinstance(found, Principal) else None


@dataclass(frozen=True)
class Rates:
    """How much somebody may ask: as a tenant, as a user, with a key."""

    tenant: Rate
    user: Rate
    key: Rate


class Credentials:
    """Resolves credentials, and remembers the answers for some seconds."""

    def __init__(self, host: Any, *, rates: Rates, seconds: float, secret: str) -> None:
        self._host = host
        self._rates = rates
        self._seconds = seconds
        self._secret = secret
        self._tokens: dict[str, Principal] = {}
        self._known: dict[str, dict[str, _Known]] = {}
        self._count = 0

    def presented(self, exchange: Exchange) -> tuple[str, str] | None:
        """Kind and text of the credential that a request brings; a header goes before a cookie."""
        header = exchange.told(b"authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            token = token.strip()
            if scheme.lower() != "bearer" or not token:
                return ("unknown", header)
            return ("api_token" if token.startswith("ork_") else "access", token)
        cookies = exchange.told(b"cookie")
        session = session_of(cookies) if cookies is not None else None
        return None if session is None else ("session", session)

    def is_remembered(self, kind: str, text: str) -> bool:
        """Whether it is known, without asking anybody, who presents a credential."""
        if kind == "access":
            return text in self._tokens
        tenant = _tenant_of(kind, text)
        known = self._known.get(tenant or "", {}).get(text)
        return known is not None and known.principal is not None

    async def resolve(self, exchange: Exchange, kind: str, text: str) -> Principal:
        """Who presents a credential. Refuses: Unauthenticated, CsrfTokenMissing, Unavailable."""
        if kind == "access":
            return await self._of_access_token(text)
        tenant = _tenant_of(kind, text)
        if tenant is None:
            raise Unauthenticated(reason="unknown_credential")
        if kind == "session" and exchange.method not in csrf.SAFE_METHODS:
            csrf.check_token(secret=self._secret, session=text, sent=exchange.told(b"x-csrf-token"))
        return await self._remembered(exchange, tenant, kind, text)

    def forget(self, tenant: str) -> None:
        """Ask again about everybody of a tenant: a session ended or rights changed."""
        self._count -= len(self._known.pop(tenant, ()))

    async def _of_access_token(self, token: str) -> Principal:
        # The verifier remembers tokens, and looks at the expiry every time.
        claims = await self._host.runtime.claims(token)
        known = self._tokens.get(token)
        if known is not None:
            return known
        if claims.get("service") or not claims.get("sub"):
            # Services speak to each other behind the door, never through it.
            raise Unauthenticated(reason="not_a_user")
        principal = self._principal(claims["tenant"], claims["sub"], token, key=None, session=None)
        if len(self._tokens) >= KNOWN_MAX:
            self._tokens.clear()
        self._tokens[token] = principal
        return principal

    async def _remembered(self, exchange: Exchange, tenant: str, kind: str, text: str) -> Principal:
        """One question for all who ask at the same time, and none for some seconds after."""
        of_tenant = self._known.setdefault(tenant, {})
        known = of_tenant.get(text)
        if known is None or known.until <= time.monotonic():
            if self._count >= KNOWN_MAX:
                self._known, self._count = {tenant: (of_tenant := {})}, 0
            if text not in of_tenant:
                self._count += 1
            asked = asyncio.create_task(self._ask(exchange, tenant, kind, text))
            known = of_tenant[text] = _Known(time.monotonic() + self._seconds, asked)
            asked.add_done_callback(lambda done: self._drop_failure(tenant, text, done))
        # A client that leaves must not take the answer away from the others who wait for it.
        found = await asyncio.shield(known.answer)
        if isinstance(found, Unauthenticated):
            raise Unauthenticated(**found.facts)
        return found

    def _drop_failure(self, tenant: str, text: str, done: "asyncio.Task[Any]") -> None:
        """What identity said is remembered; that it could not be asked is not."""
        of_tenant = self._known.get(tenant, {})
        known = of_tenant.get(text)
        if (done.cancelled() or done.exception()) and known is not None and known.answer is done:
            del of_tenant[text]
            self._count -= 1

    async def _ask(
        self, exchange: Exchange, tenant: str, kind: str, text: str
    ) -> Principal | Unauthenticated:
        try:
            answer = await asking.resolve(
                self._host,
                kind=kind,
                credential=text,
                tenant=tenant,
                address=exchange.address,
                device=exchange.told(b"user-agent"),
            )
        except Unauthenticated as refusal:
            # Kept as a value: an exception raised again and again would grow with every raise.
            return refusal
        return self._principal(
            answer["tenant"],
            answer["user_id"],
            answer["access_token"],
            key=text if kind == "api_token" else None,
            session=text if kind == "session" else None,
        )

    def _principal(
        self, tenant: str, user: str, token: str, *, key: str | None, session: str | None
    ) -> Principal:
        buckets = [
            Bucket.of(f"tenant:{tenant}", self._rates.tenant),
            Bucket.of(f"user:{tenant}:{user}", self._rates.user),
        ]
        if key is not None:
            digest = hashlib.sha256(key.encode()).hexdigest()[:32]
            buckets.append(Bucket.of(f"key:{digest}", self._rates.key))
        return Principal(
            tenant=tenant,
            user=f"{tenant}:{user}",
            authorization=f"Bearer {token}".encode(),
            buckets=tuple(buckets),
            session=session,
        )


def _tenant_of(kind: str, text: str) -> str | None:
    pattern = {"session": SESSION, "api_token": API_TOKEN}.get(kind)
    found = pattern.fullmatch(text) if pattern else None
    return found[1] if found else None
