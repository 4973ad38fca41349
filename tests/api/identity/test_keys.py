"""Signing keys: "JWKS rotation without logout" (ID-3)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import KeySet

from orrery.kernel import clock, testing
from orrery.kernel.http import own_transaction
from orrery.kernel.testing import House
from orrery.services.identity import models as m
from orrery.services.identity.actions import keys
from tests.api.identity.visitors import HOME, Visitor, client_of, make_user, refresh, tokens

START = datetime(2032, 3, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(scope="module")
async def vault() -> AsyncIterator[House]:
    """A house with a database of its own: these tests rotate keys in other years."""
    async with testing.embedded_database() as url, testing.house(url, only=["identity"]) as opened:
        clock.set(START)
        await key_set(opened)
        yield opened


@pytest.fixture(autouse=True)
async def _one_key(vault: House) -> None:
    """Each test starts on the first of March with one key, as fresh processes do."""
    clock.set(START)
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        rows = await tx.all(m.SigningKey)
        for row in rows:
            await tx.remove(row)
        await keys.make_key(tx, signs_from=START)
    keys.forget_rings()


async def key_set(vault: House) -> list[Any]:
    async with vault.client() as client:
        answer = await client.get(f"{HOME}/jwks")
    assert answer.headers["cache-control"] == "public, max-age=60"
    told: list[Any] = answer.json()["keys"]
    return told


async def rotate(vault: House) -> str:
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        return str((await keys.rotate_keys(tx)).id)


async def tend(vault: House) -> None:
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        await keys.tend_keys(tx)


def kid_of(token: str) -> str:
    from joserfc.jws import extract_compact

    return str(extract_compact(token.encode()).headers()["kid"])


async def visit(vault: House) -> tuple[Visitor, Any]:
    visitor = await make_user(vault)
    return visitor, await tokens(vault, visitor)


async def test_the_published_keys_are_public_and_verify_the_tokens(vault: House) -> None:
    _, pair = await visit(vault)
    (key,) = await key_set(vault)
    assert {name: key[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
    }
    assert sorted(key) == ["alg", "crv", "kid", "kty", "use", "x", "y"]
    known = KeySet.import_key_set({"keys": [key]})
    assert jwt.decode(pair["access_token"], known, algorithms=["ES256"]).claims["iss"] == "orrery"


async def test_private_keys_lie_sealed_in_the_database(vault: House) -> None:
    await visit(vault)
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        (row,) = await tx.all(m.SigningKey)
    assert "PRIVATE" not in row.private_key
    assert row.private_key.startswith("gAAAA")
    assert "d" not in row.public_key


async def test_a_tenants_role_cannot_read_the_keys(vault: House) -> None:
    async with vault.tx("identity") as tx:
        readable = await tx.value(
            "select has_table_privilege(current_user, 'identity.signing_key', 'select')"
        )
    assert readable is False


async def test_a_new_key_is_published_before_it_signs(vault: House) -> None:
    visitor, pair = await visit(vault)
    old = kid_of(pair["access_token"])
    new = await rotate(vault)
    assert [k["kid"] for k in await key_set(vault)] == [old, new]
    clock.set(START + 15 * MINUTE - timedelta(seconds=1))
    assert kid_of((await tokens(vault, visitor))["access_token"]) == old
    clock.set(START + 15 * MINUTE)
    assert kid_of((await tokens(vault, visitor))["access_token"]) == new


async def test_tokens_of_before_the_rotation_still_verify_after_it(vault: House) -> None:
    """The brief: "tokens of before the rotation still verify after it"; nobody signs in again."""
    visitor, _ = await visit(vault)
    new = await rotate(vault)
    clock.set(START + 15 * MINUTE - timedelta(seconds=1))
    pair = await tokens(vault, visitor)
    async with await client_of(vault, visitor) as client:
        clock.set(START + 15 * MINUTE)
        fresh = await tokens(vault, visitor)
        assert kid_of(fresh["access_token"]) == new
        # A verifier that has seen the new key and fetched the set again still knows the old one.
        vault.runtime.verifier.trust({"keys": await key_set(vault)})
        assert (await client.get(f"{HOME}/me")).status_code == 200
        clock.set(START + 20 * MINUTE - timedelta(seconds=1))
        vault.runtime.verifier.trust({"keys": await key_set(vault)})
        assert (await client.get(f"{HOME}/me")).status_code == 200
    answer = await refresh(vault, pair["refresh_token"])
    assert answer.status_code == 200
    assert kid_of(answer.json()["access_token"]) == new


async def test_an_old_key_is_forgotten_when_its_last_token_has_ended(vault: House) -> None:
    _, pair = await visit(vault)
    old, new = kid_of(pair["access_token"]), await rotate(vault)
    # 15 minutes until it signs; then 5 for the last token, 1 for a stale list, 15 for clocks.
    last = START + 15 * MINUTE + 21 * MINUTE
    clock.set(last - timedelta(seconds=1))
    await tend(vault)
    assert [k["kid"] for k in await key_set(vault)] == [old, new]
    clock.set(last)
    assert [k["kid"] for k in await key_set(vault)] == [new]
    await tend(vault)
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        assert [str(row.id) for row in await tx.all(m.SigningKey)] == [new]


async def test_a_key_is_rotated_after_thirty_days_and_once_only(vault: House) -> None:
    clock.set(START + 30 * DAY - timedelta(seconds=1))
    await tend(vault)
    assert len(await key_set(vault)) == 1
    clock.set(START + 30 * DAY)
    await tend(vault)
    await tend(vault)
    assert len(await key_set(vault)) == 2


async def test_every_tenants_job_looks_and_one_of_them_rotates(vault: House) -> None:
    clock.set(START + 31 * DAY)
    for tenant in ("acme", "globex"):
        await vault.runtime.jobs.run(tenant, "identity", "tend_signing_keys", {}, {})
    assert len(await key_set(vault)) == 2


async def test_a_key_sealed_with_another_secret_signs_no_more_but_still_verifies(
    vault: House,
) -> None:
    """Whoever changes ORRERY_SECRET_KEY signs nobody out."""
    visitor, pair = await visit(vault)
    old = kid_of(pair["access_token"])
    async with own_transaction(vault.runtime.hosts["identity"], None) as tx:
        (row,) = await tx.all(m.SigningKey)
        strange = Fernet(Fernet.generate_key()).encrypt(b"no key of ours").decode()
        await tx.change(row, private_key=strange)
    keys.forget_rings()
    clock.set(START + timedelta(seconds=1))
    fresh = await tokens(vault, visitor)
    assert kid_of(fresh["access_token"]) != old
    assert [k["kid"] for k in await key_set(vault)] == [old, kid_of(fresh["access_token"])]
    vault.runtime.verifier.trust({"keys": await key_set(vault)})
    for token in (pair, fresh):
        async with vault.client() as client:
            client.headers["Authorization"] = f"Bearer {token['access_token']}"
            assert (await client.get(f"{HOME}/me")).status_code == 200
