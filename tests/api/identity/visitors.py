"""People who come to the door: made in the database, signed in through the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2
import orjson
from prometheus_client import REGISTRY

from orrery.kernel.caller import sign_service_token
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.identity import models as m
from orrery.services.identity.actions import passwords, users

PASSWORD = "violet tram 41"
OTHER_PASSWORD = "seven pale lamps"
HOME = "/api/v1/identity"


@dataclass(frozen=True)
class Visitor:
    """A user that a test made."""

    id: UUID
    email: str
    tenant: str

    def card(self, password: str = PASSWORD) -> dict[str, str]:
        """What he types to sign in."""
        return {"tenant": self.tenant, "email": self.email, "password": password}


async def make_user(
    house: House,
    *roles: str,
    tenant: str = "acme",
    password: str | None = PASSWORD,
    is_temporary: bool = False,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    units: Sequence[UUID] = (),
) -> Visitor:
    """A user with roles, ready to sign in."""
    email = f"u{new_id().hex[-12:]}@{tenant}.example"
    async with house.tx("identity", tenant=tenant, commits=True) as tx:
        user = await users.add_user(
            tx, tx.caller, email=email, full_name="Una Visitor", language="en"
        )
        if units:
            user = await tx.change(user, unit_ids=list(units))
        if password is not None:
            await passwords.store_password(tx, tx.caller, user, password, is_temporary=is_temporary)
        for code in roles:
            role = await tx.find(m.Role, code=code)
            assert role is not None
            await tx.add(
                m.RoleAssignment,
                user_id=user.id,
                role_id=role.id,
                valid_from=valid_from,
                valid_until=valid_until,
            )
    return Visitor(user.id, email, tenant)


async def knock(house: House, card: dict[str, str], **headers: str) -> httpx2.Response:
    """Try to sign in with a browser."""
    async with house.client() as client:
        return await client.post(f"{HOME}/sessions", json=card, headers=headers)


async def browser(house: House, visitor: Visitor, **headers: str) -> httpx2.Response:
    """Sign in with a browser, successfully."""
    answer = await knock(house, visitor.card(), **headers)
    assert answer.status_code == 201, answer.text
    return answer


async def tokens(house: House, visitor: Visitor, password: str = PASSWORD) -> dict[str, Any]:
    """Sign in with a program."""
    async with house.client() as client:
        answer = await client.post(f"{HOME}/tokens", json=visitor.card(password))
    assert answer.status_code == 201, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


async def refresh(house: House, token: str) -> httpx2.Response:
    """Exchange a refresh token."""
    async with house.client() as client:
        return await client.post(f"{HOME}/tokens/refresh", json={"refresh_token": token})


async def resolve(
    house: House, credential: str, kind: str = "session", address: str | None = None
) -> httpx2.Response:
    """Ask as the gateway does for whom a credential stands."""
    key = house.runtime.settings.service_key.get_secret_value()
    token = sign_service_token(key, service="gateway", tenant="acme", behalf=None)
    async with house.client() as client:
        return await client.post(
            "/internal/identity/resolve",
            json={"kind": kind, "credential": credential, "address": address, "device": None},
            headers={"Authorization": f"Bearer {token}"},
        )


async def resolved(house: House, credential: str, kind: str = "session") -> dict[str, Any]:
    """For whom a credential stands, when it does."""
    answer = await resolve(house, credential, kind)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def bearer(house: House, token: str) -> httpx2.AsyncClient:
    """A client that shows an access token."""
    client = house.client()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


async def client_of(house: House, visitor: Visitor) -> httpx2.AsyncClient:
    """A client of somebody who has just signed in with a program."""
    return bearer(house, (await tokens(house, visitor))["access_token"])


def said(token: str) -> dict[str, Any]:
    """What an access token says, unverified."""
    import base64

    part = token.split(".")[1]
    claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def password_checks() -> int:
    """How many passwords were compared with a hash so far."""
    return int(REGISTRY.get_sample_value("orrery_identity_password_checks_total") or 0)


async def announced(house: House, name: str, subject: UUID, tenant: str = "acme") -> list[Any]:
    """The data of the events of one kind about one record, in order."""
    async with house.tx("identity", tenant=tenant) as tx:
        rows = await tx.rows(
            "select data from outbox where name = %(name)s and subject = %(subject)s order by seq",
            name=name,
            subject=str(subject),
        )
    return [row.data for row in rows]
