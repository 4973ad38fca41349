"""Credentials at the door: cookie sessions, access tokens, API tokens; cross-site requests."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from orrery.kernel import clock, testing
from orrery.kernel.caller import sign_service_token
from orrery.services.gateway.rules.csrf import token_of
from tests.api.gateway.kit import World, world

ECHO = "/api/v1/upstream/echo"
SESSIONS = "/api/v1/identity/sessions"
LOGIN = {
    "tenant": "acme",
    "email": "admin@acme.example",
    "password": testing.ADMIN_PASSWORD,
}


async def sign_in(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.post(SESSIONS, json=LOGIN)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_browser_signs_in_and_its_cookie_becomes_a_short_token(gateway: World) -> None:
    """Seed 4, section 6: the door decodes the session and sends a bearer token inward."""
    async with gateway.client() as client:
        assert (await client.get(ECHO)).status_code == 401
        signed_in = await sign_in(client)
        answer = await client.get(ECHO)
        told = answer.json()
        assert (told["tenant"], told["user"]) == ("acme", signed_in["user"]["id"])
        assert told["headers"]["authorization"].startswith("Bearer ey")
        assert "cookie" not in told["headers"]


async def test_a_change_with_a_cookie_needs_the_token_of_that_session(gateway: World) -> None:
    async with gateway.client() as client:
        token = (await sign_in(client))["csrf_token"]
        for sent in (None, "0" * 64):
            headers = {"X-CSRF-Token": sent} if sent else {}
            refused = await client.post(ECHO, headers=headers)
            assert refused.status_code == 403
            assert refused.json()["code"] == "gateway.csrf_token_missing"
        assert gateway.seen.calls == []
        assert (await client.post(ECHO, headers={"X-CSRF-Token": token})).status_code == 200
        assert gateway.seen.calls == [ECHO]


async def test_the_token_is_hmac_of_the_session_with_the_houses_key(gateway: World) -> None:
    async with gateway.client() as client:
        told = await sign_in(client)
        secret = gateway.house.runtime.settings.secret_key.get_secret_value()
        session = client.cookies["orrery_session"]
        assert told["csrf_token"] == token_of(secret, session) == client.cookies["orrery_csrf"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_another_sites_page_can_neither_change_nor_sign_in(
    gateway: World, headers: dict[str, str]
) -> None:
    async with gateway.client() as client:
        token = (await sign_in(client))["csrf_token"]
        refused = await client.post(ECHO, headers={"X-CSRF-Token": token} | headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "gateway.cross_site")
        again = await client.post(SESSIONS, json=LOGIN, headers=headers)
        assert (again.status_code, again.json()["code"]) == (403, "gateway.cross_site")
        assert gateway.seen.calls == []
        own = {"X-CSRF-Token": token, "Origin": gateway.url}
        assert (await client.post(ECHO, headers=own)).status_code == 200


async def test_a_program_with_a_token_needs_no_csrf_token(gateway: World) -> None:
    async with gateway.client({}) as client:
        answer = await client.post(ECHO, headers={"Origin": "http://elsewhere.example"})
    assert answer.status_code == 200


async def test_a_header_goes_before_a_cookie(gateway: World) -> None:
    async with gateway.client() as client:
        await sign_in(client)
        token = gateway.house.token({}, tenant="globex")
        answer = await client.post(ECHO, headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["tenant"] == "globex"
        broken = await client.get(ECHO, headers={"Authorization": "Basic YTpi"})
        assert broken.status_code == 401


@pytest.mark.parametrize(
    "credential",
    [
        "Bearer x.y.z",
        "Bearer ork_acme_" + "x" * 43,
        "Bearer ork_nobody_" + "x" * 43,
        "Bearer ork_' or 1=1",
        "Bearer",
        "Basic YTpi",
    ],
)
async def test_credentials_that_are_not_valid_are_401(gateway: World, credential: str) -> None:
    async with gateway.client() as client:
        answer = await client.get(ECHO, headers={"Authorization": credential})
    assert (answer.status_code, answer.json()["code"]) == (401, "kernel.unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert gateway.seen.calls == []


@pytest.mark.parametrize(
    "session", ["acme." + "x" * 43, "nobody." + "x" * 43, "x", "a.b", "../../x"]
)
async def test_a_cookie_that_is_not_valid_is_401_and_signing_in_still_works(
    gateway: World, session: str
) -> None:
    async with gateway.client() as client:
        client.cookies.set("orrery_session", session)
        for _ in range(2):
            assert (await client.get(ECHO)).status_code == 401
        assert gateway.seen.calls == []
        assert (await client.post(SESSIONS, json=LOGIN)).status_code == 201


async def test_an_expired_token_is_401_also_when_it_was_known(gateway: World) -> None:
    async with gateway.client({}) as client:
        assert (await client.get(ECHO)).status_code == 200
        clock.set(clock.now().replace(year=clock.now().year + 1))
        assert (await client.get(ECHO)).status_code == 401


async def test_services_cannot_come_through_the_door(gateway: World) -> None:
    """A service's own token may do everything, so it is good behind the door only."""
    key = gateway.house.runtime.settings.service_key.get_secret_value()
    token = sign_service_token(key, service="people", tenant="acme", behalf=None)
    async with gateway.client() as client:
        answer = await client.get(ECHO, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["facts"]) == (401, {"reason": "not_a_user"})
    assert gateway.seen.calls == []


async def test_signing_out_takes_effect_at_once(gateway: World) -> None:
    """Issue 2 B: "list, revoke one/all": the door forgets what it knew."""
    async with gateway.client() as client:
        token = (await sign_in(client))["csrf_token"]
        cookie = client.cookies["orrery_session"]
        assert (await client.get(ECHO)).status_code == 200
        ended = await client.delete(f"{SESSIONS}/current", headers={"X-CSRF-Token": token})
        assert ended.status_code < 300, ended.text
        client.cookies.set("orrery_session", cookie)
        assert (await client.get(ECHO)).status_code == 401


async def test_a_session_ended_elsewhere_is_out_after_five_seconds_at_most(
    prepared: str,
) -> None:
    async with world(prepared, credential_seconds=0.3) as gateway, gateway.client() as client:
        user = (await sign_in(client))["user"]["id"]
        assert (await client.get(ECHO)).status_code == 200
        async with gateway.house.client({"*": "all"}) as past_the_door:
            ended = await past_the_door.delete(f"/api/v1/identity/users/{user}/sessions")
            assert ended.status_code < 300, ended.text
        await asyncio.sleep(0.35)
        assert (await client.get(ECHO)).status_code == 401


async def test_identity_is_asked_once_for_many_requests_at_the_same_time(prepared: str) -> None:
    async with world(prepared) as gateway, gateway.client() as client:
        await sign_in(client)
        asked = 0
        app = gateway.house.runtime.apps["identity"]

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            nonlocal asked
            asked += scope["path"] == "/internal/identity/resolve"
            await app(scope, receive, send)

        gateway.house.runtime.directory.serve("identity", counting)
        answers = await asyncio.gather(*(client.get(ECHO) for _ in range(10)))
        assert [answer.status_code for answer in answers] == [200] * 10
        assert asked == 1


async def test_identity_being_down_is_503_and_is_not_remembered(prepared: str) -> None:
    """GW-3: the response names the service that failed."""
    async with world(prepared) as gateway, gateway.client() as client:
        await sign_in(client)
        directory = gateway.house.runtime.directory
        app = gateway.house.runtime.apps["identity"]

        async def down(_scope: Any, _receive: Any, _send: Any) -> None:
            raise OSError("down")

        directory.serve("identity", down)
        refused = await client.get(ECHO)
        assert (refused.status_code, refused.json()["facts"]["service"]) == (503, "identity")
        assert refused.headers["retry-after"] == "1"
        directory.serve("identity", app)
        assert (await client.get(ECHO)).status_code == 200


async def test_an_api_token_is_resolved_and_its_user_named(gateway: World) -> None:
    async with gateway.client() as client:
        told = await sign_in(client)
        until = (clock.now() + timedelta(days=1)).isoformat()
        made = await client.post(
            "/api/v1/identity/api-tokens",
            json={"name": f"import {uuid4()}", "expires_at": until},
            headers={"X-CSRF-Token": told["csrf_token"]},
        )
    assert made.status_code == 201, made.text
    token = next(value for value in made.json().values() if str(value).startswith("ork_acme_"))
    async with gateway.client() as program:
        answer = await program.post(ECHO, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["user"]) == (200, told["user"]["id"])
    assert token not in str(answer.json()["headers"])
