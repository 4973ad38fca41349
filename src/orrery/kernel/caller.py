"""Who calls: tenant, person, grants; made from a signed token at a service's door."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey

from orrery.kernel import clock
from orrery.kernel.types.permission import SCOPES, Permission, Scope
from orrery.kernel.types.refusal import Unauthenticated

SERVICE_TOKEN_LIFE = timedelta(minutes=2)
# Clocks of two machines may differ a little.
LEEWAY_SECONDS = 5


@dataclass(frozen=True)
class Caller:
    """The person or service a request works for; actions get it beside ``tx``."""

    tenant: str
    user_id: UUID | None = None
    name: str = ""
    email: str = ""
    employee_id: UUID | None = None
    unit_ids: tuple[UUID, ...] = ()
    department_ids: tuple[UUID, ...] = ()
    grants: Mapping[str, Scope] = field(default_factory=dict)
    on_behalf_of: str | None = None
    session_id: UUID | None = None
    request_id: str = "-"
    time_zone: str = "UTC"
    service: str | None = None

    @property
    def now(self) -> datetime:
        """The present instant in UTC."""
        return clock.now()

    @property
    def today(self) -> date:
        """The business day in the tenant's time zone (STYLE rule 14)."""
        return clock.today(self.time_zone)

    @property
    def actor(self) -> str | None:
        """What the history names: the user, or the service that acted."""
        return str(self.user_id) if self.user_id else self.service

    def scope(self, permission: Permission) -> Scope | None:
        """The widest scope in which the caller holds a permission; None when not at all."""
        held = [s for pattern, s in self.grants.items() if permission.matches(pattern)]
        return max(held, key=SCOPES.index) if held else None

    def may(self, permission: Permission) -> bool:
        """Whether the caller holds a permission in any scope."""
        return self.scope(permission) is not None

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any], request_id: str) -> Self:
        """Read an access token's or service token's claims."""
        subject = claims.get("sub")
        employee, session = claims.get("employee_id"), claims.get("sid")
        return cls(
            tenant=claims["tenant"],
            user_id=UUID(subject) if subject else None,
            name=claims.get("name") or "",
            email=claims.get("email") or "",
            employee_id=UUID(employee) if employee else None,
            unit_ids=tuple(UUID(u) for u in claims.get("unit_ids") or ()),
            department_ids=tuple(UUID(d) for d in claims.get("department_ids") or ()),
            grants=claims.get("grants") or {},
            on_behalf_of=claims.get("obo"),
            session_id=UUID(session) if session else None,
            request_id=request_id,
            time_zone=claims.get("time_zone") or "UTC",
            service=claims.get("service"),
        )


def service_caller(tenant: str, service: str, *, behalf: str | None, request_id: str) -> Caller:
    """A service acting by itself in its own schema: reactions, jobs, seeds."""
    return Caller(
        tenant=tenant,
        service=f"service:{service}",
        grants={"*": "all"},
        on_behalf_of=behalf,
        request_id=request_id,
    )


def sign_service_token(key: str, *, service: str, tenant: str, behalf: str | None) -> str:
    """A short token by which one service calls another (HS256, ORRERY_SERVICE_KEY)."""
    claims = {
        "iss": "orrery-service",
        "service": f"service:{service}",
        "tenant": tenant,
        "grants": {"*": "all"},
        "obo": behalf,
        "exp": int((clock.now() + SERVICE_TOKEN_LIFE).timestamp()),
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


class Verifier:
    """Checks tokens: ES256 with the issuer's published keys, HS256 between services."""

    def __init__(self, service_key: str) -> None:
        self._service_key = OctKey.import_key(service_key)
        self._keys: dict[str, ECKey] = {}
        self._added: dict[str, ECKey] = {}
        self._seen: dict[str, Mapping[str, Any]] = {}

    def trust(self, key_set: Mapping[str, Any]) -> None:
        """Replace the issuer's keys by a JWK set."""
        told = {key["kid"]: ECKey.import_key(key) for key in key_set["keys"]}
        self._keys = self._added | told
        self._seen.clear()

    def add(self, kid: str, key: ECKey) -> None:
        """Trust one more key; for tests that sign their own tokens."""
        self._added[kid] = self._keys[kid] = key

    def knows(self, token: str) -> bool:
        """Whether the token's key is among the trusted ones."""
        return str(self._header(token).get("kid")) in self._keys

    @staticmethod
    def _header(token: str) -> Mapping[str, Any]:
        from joserfc.jws import extract_compact  # light: only reads the header

        try:
            header: Mapping[str, Any] = extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise Unauthenticated(reason="broken_token") from error
        return header

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a valid token. Refuses: Unauthenticated."""
        known = self._seen.get(token)
        if known is None:
            known = self._decode(token)
            if len(self._seen) > 10_000:
                self._seen.clear()
            self._seen[token] = known
        if known["exp"] + LEEWAY_SECONDS < clock.now().timestamp():
            self._seen.pop(token, None)
            raise Unauthenticated(reason="expired")
        return known

    def _decode(self, token: str) -> Mapping[str, Any]:
        header = self._header(token)
        try:
            if header.get("alg") == "HS256":
                claims = jwt.decode(token, self._service_key, algorithms=["HS256"]).claims
                expected = "orrery-service"
            else:
                key = self._keys.get(str(header.get("kid")))
                if key is None:
                    raise Unauthenticated(reason="unknown_key")
                claims = jwt.decode(token, key, algorithms=["ES256"]).claims
                expected = "orrery"
        except (JoseError, ValueError) as error:
            raise Unauthenticated(reason="bad_signature") from error
        is_whole = isinstance(claims.get("exp"), int) and "tenant" in claims
        if claims.get("iss") != expected or not is_whole:
            raise Unauthenticated(reason="bad_claims")
        return claims
