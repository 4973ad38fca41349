"""Tokens for programs: refresh rotation with reuse detection (ID-3) and API tokens."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.identity import models as m
from orrery.services.identity.actions import tokens as actions
from tests.api.identity.visitors import (
    HOME,
    OTHER_PASSWORD,
    Visitor,
    announced,
    bearer,
    browser,
    client_of,
    make_user,
    refresh,
    resolve,
    resolved,
    said,
    tokens,
)

START = datetime(2031, 6, 2, 8, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


async def test_a_program_gets_a_short_token_and_the_means_for_the_next(house: House) -> None:
    visitor = await make_user(house, "accountant")
    pair = await tokens(house, visitor)
    claims = said(pair["access_token"])
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 300
    assert claims["exp"] - claims["iat"] == 300
    assert claims["grants"] == {
        "identity.account.read": "own",
        "identity.account.use": "own",
        "analytics.*.read": "all",
        "assets.*.read": "all",
        "invoicing.*": "all",
        "people.*.read": "all",
    }
    assert pair["refresh_token"].startswith("orr_acme_")


async def test_an_access_token_works_for_five_minutes(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    async with await client_of(house, visitor) as client:
        clock.set(START + timedelta(minutes=5))
        assert (await client.get(f"{HOME}/me")).status_code == 200
        # Clocks may differ by five seconds (the kernel's leeway).
        clock.set(START + timedelta(minutes=5, seconds=6))
        assert (await client.get(f"{HOME}/me")).status_code == 401


async def test_each_refresh_brings_a_new_pair_and_uses_the_old_one_up(house: House) -> None:
    visitor = await make_user(house)
    first = await tokens(house, visitor)
    second = (await refresh(house, first["refresh_token"])).json()
    third = (await refresh(house, second["refresh_token"])).json()
    assert len({p["refresh_token"] for p in (first, second, third)}) == 3
    assert said(third["access_token"])["sid"] == said(first["access_token"])["sid"]
    async with bearer(house, third["access_token"]) as client:
        assert (await client.get(f"{HOME}/me")).status_code == 200


async def test_a_refresh_token_used_twice_ends_the_whole_family(house: House) -> None:
    """ID-3: "refresh rotation with reuse detection". The newest token dies with the stolen one."""
    visitor = await make_user(house)
    other = await tokens(house, visitor)
    first = await tokens(house, visitor)
    second = (await refresh(house, first["refresh_token"])).json()
    reused = await refresh(house, first["refresh_token"])
    assert (reused.status_code, reused.json()["code"]) == (401, "identity.bad_refresh_token")
    assert (await refresh(house, second["refresh_token"])).status_code == 401
    told = await announced(house, "identity.sessions_revoked.v1", visitor.id)
    session = said(first["access_token"])["sid"]
    assert [(e["session_id"], e["reason"]) for e in told] == [(session, "refresh_token_reused")]
    # Another program of the same user goes on.
    assert (await refresh(house, other["refresh_token"])).status_code == 200


async def test_two_refreshes_at_once_are_a_reuse(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    answers = await asyncio.gather(*(refresh(house, pair["refresh_token"]) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 401, 401, 401]
    winner = next(a.json() for a in answers if a.status_code == 200)
    assert (await refresh(house, winner["refresh_token"])).status_code == 401
    async with house.tx("identity") as tx:
        (session,) = await tx.all(m.Session, user_id=visitor.id)
    assert session.ended_because == "refresh_token_reused"


@pytest.mark.parametrize(
    "token", ["", "nonsense", "orr_acme_" + "A" * 43, "orr_nowhere_" + "A" * 43]
)
async def test_a_refresh_token_that_is_none_is_refused(house: House, token: str) -> None:
    answer = await refresh(house, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "identity.bad_refresh_token")


async def test_a_refresh_token_that_rests_for_fourteen_days_ends(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    pair = await tokens(house, visitor)
    clock.set(START + 14 * DAY - SECOND)
    pair = (await refresh(house, pair["refresh_token"])).json()
    clock.set(START + 28 * DAY - SECOND)
    assert (await refresh(house, pair["refresh_token"])).status_code == 401


async def test_a_programs_session_ends_after_ninety_days_however_busy(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    pair = await tokens(house, visitor)
    for days in (13, 26, 39, 52, 65, 78, 89):
        clock.set(START + days * DAY)
        pair = (await refresh(house, pair["refresh_token"])).json()
    clock.set(START + 90 * DAY)
    assert (await refresh(house, pair["refresh_token"])).status_code == 401


async def test_a_disabled_user_is_not_refreshed(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    async with house.client({"*": "all"}) as admin:
        await admin.post(f"{HOME}/users/{visitor.id}/disable", json={"reason": "left"})
    assert (await refresh(house, pair["refresh_token"])).status_code == 401


async def test_signing_out_ends_the_programs_refreshing(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    async with bearer(house, pair["access_token"]) as client:
        assert (await client.delete(f"{HOME}/sessions/current")).json() == {"ended": 1}
    assert (await refresh(house, pair["refresh_token"])).status_code == 401


async def test_a_programs_session_is_no_cookie(house: House) -> None:
    visitor = await make_user(house)
    pair = await tokens(house, visitor)
    assert (await resolve(house, pair["refresh_token"])).status_code == 401
    assert (await resolve(house, pair["refresh_token"], "api_token")).status_code == 401


# ------------------------------------------------------------------------------- API tokens
async def issue(house: House, visitor: Visitor, **more: Any) -> Any:
    draft = {"name": "Nightly sync", "expires_at": str(clock.now() + 30 * DAY)} | more
    async with await client_of(house, visitor) as client:
        return await client.post(f"{HOME}/api-tokens", json=draft)


async def test_an_api_tokens_secret_is_shown_once_and_works(house: House) -> None:
    """The brief: "API tokens (prefix shown, secret once, hashed, expiry, last used, revoke)"."""
    visitor = await make_user(house, "asset_manager")
    clock.set(START)
    answer = await issue(house, visitor)
    assert answer.status_code == 201
    secret = answer.json()["secret"]
    assert secret.startswith("ork_acme_")
    told = await resolved(house, secret, "api_token")
    claims = said(told["access_token"])
    assert told["session_id"] is None
    assert claims["sub"] == str(visitor.id)
    assert claims["grants"]["assets.*"] == "all"
    async with await client_of(house, visitor) as client:
        (listed,) = (await client.get(f"{HOME}/api-tokens")).json()["items"]
    assert listed["shown"] == secret[:15]
    assert listed["last_used_at"] == "2031-06-02T08:00:00+00:00"
    assert listed["patterns"] is None
    async with house.tx("identity") as tx:
        kept = await tx.value(
            "select count(*) from history where after::text like %(secret)s", secret=f"%{secret}%"
        )
        answers = await tx.value(
            "select count(*) from idempotency_key where convert_from(body, 'utf8') like %(secret)s",
            secret=f"%{secret}%",
        )
    assert (kept, answers) == (0, 0)
    events = await announced(house, "identity.api_token_issued.v1", visitor.id)
    assert [e["title"] for e in events] == ["Nightly sync"]


async def test_the_secret_is_not_kept_for_an_idempotency_key(house: House) -> None:
    visitor = await make_user(house)
    async with await client_of(house, visitor) as client:
        draft = {"name": "Sync", "expires_at": str(clock.now() + DAY)}
        answer = await client.post(
            f"{HOME}/api-tokens", json=draft, headers={"Idempotency-Key": "once"}
        )
    secret = answer.json()["secret"]
    async with house.tx("identity") as tx:
        bodies = await tx.rows("select body from idempotency_key where body is not null")
    assert all(secret.encode() not in bytes(row.body) for row in bodies)


async def test_a_limited_token_holds_only_its_patterns(house: House) -> None:
    visitor = await make_user(house, "admin")
    answer = await issue(house, visitor, patterns=["identity.*.read"])
    told = await resolved(house, answer.json()["secret"], "api_token")
    assert said(told["access_token"])["grants"] == {
        "identity.*.read": "all",
        "identity.account.read": "own",
    }
    async with bearer(house, told["access_token"]) as client:
        assert (await client.get(f"{HOME}/users")).status_code == 200
        assert (await client.get(f"{HOME}/api-tokens")).status_code == 200
        body = {"code": "x1", "name": "X", "grants": {"identity.user.read": "all"}}
        assert (await client.post(f"{HOME}/roles", json=body)).status_code == 403
        assert (await client.patch(f"{HOME}/me", json={"language": "de"})).status_code == 403


async def test_a_program_cannot_make_itself_more_tokens(house: House) -> None:
    visitor = await make_user(house, "admin")
    secret = (await issue(house, visitor)).json()["secret"]
    told = await resolved(house, secret, "api_token")
    draft = {"name": "Another", "expires_at": str(clock.now() + DAY)}
    async with bearer(house, told["access_token"]) as client:
        answer = await client.post(f"{HOME}/api-tokens", json=draft)
        assert (answer.status_code, answer.json()["code"]) == (409, "identity.no_session")
        assert len((await client.get(f"{HOME}/api-tokens")).json()["items"]) == 1
        for path in ("sessions/current", "sessions/others"):
            assert (await client.delete(f"{HOME}/{path}")).status_code == 409


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"expires_at": "2020-01-01T00:00:00+00:00"}, 409, "identity.bad_expiry"),
        ({"expires_at": "2099-01-01T00:00:00+00:00"}, 409, "identity.bad_expiry"),
        ({"expires_at": "2031-01-01"}, 422, "kernel.malformed"),
        ({"patterns": ["payroll.*"]}, 409, "identity.unknown_permission"),
        ({"patterns": []}, 422, "kernel.malformed"),
        ({"name": " "}, 422, "kernel.malformed"),
    ],
)
async def test_a_token_that_cannot_be_is_not_made(
    house: House, more: dict[str, Any], status: int, code: str
) -> None:
    visitor = await make_user(house)
    answer = await issue(house, visitor, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    async with house.tx("identity") as tx:
        assert await tx.all(m.ApiToken, user_id=visitor.id) == []


async def test_a_token_ends_at_its_last_instant(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    secret = (await issue(house, visitor, expires_at=str(START + DAY))).json()["secret"]
    clock.set(START + DAY - SECOND)
    assert (await resolve(house, secret, "api_token")).status_code == 200
    clock.set(START + DAY)
    answer = await resolve(house, secret, "api_token")
    assert (answer.status_code, answer.json()["code"]) == (401, "identity.bad_api_token")


async def test_a_disabled_users_token_and_cookie_stand_for_nobody(house: House) -> None:
    """Also when the account was disabled past us, with its sessions and tokens still alive."""
    visitor = await make_user(house)
    secret = (await issue(house, visitor)).json()["secret"]
    cookie = (await browser(house, visitor)).headers["set-cookie"].split(";")[0].split("=")[1]
    assert (await resolve(house, secret, "api_token")).status_code == 200
    assert (await resolve(house, cookie)).status_code == 200
    async with house.tx("identity", commits=True) as tx:
        await tx.change(await tx.one(m.User, visitor.id), is_active=False)
    assert (await resolve(house, secret, "api_token")).status_code == 401
    assert (await resolve(house, cookie)).status_code == 401


async def test_a_tokens_use_is_written_at_most_once_a_minute(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    secret = (await issue(house, visitor)).json()["secret"]
    for later, seen in ((0, 0), (59, 0), (60, 60)):
        clock.set(START + later * SECOND)
        await resolved(house, secret, "api_token")
        async with house.tx("identity") as tx:
            (token,) = await tx.all(m.ApiToken, user_id=visitor.id)
        assert token.last_used_at == START + seen * SECOND


async def test_a_revoked_token_is_useless_and_only_mine_can_be_revoked(house: House) -> None:
    mine, theirs = await make_user(house), await make_user(house, "admin")
    made = (await issue(house, mine)).json()
    path = f"{HOME}/api-tokens/{made['token']['id']}"
    async with await client_of(house, theirs) as stranger:
        assert (await stranger.delete(path)).status_code == 404
        assert (await stranger.delete(f"{HOME}/api-tokens/{new_id()}")).status_code == 404
    assert (await resolve(house, made["secret"], "api_token")).status_code == 200
    async with await client_of(house, mine) as client:
        assert (await client.delete(path)).json()["revoked_at"] is not None
        assert (await client.delete(path)).status_code == 200
    assert (await resolve(house, made["secret"], "api_token")).status_code == 401
    events = await announced(house, "identity.api_token_revoked.v1", mine.id)
    assert [e["token_id"] for e in events] == [made["token"]["id"]]


async def test_a_user_has_at_most_fifty_tokens_that_work(house: House) -> None:
    visitor = await make_user(house)
    draft = {"name": "Sync", "expires_at": str(clock.now() + DAY)}
    async with await client_of(house, visitor) as client:
        for _ in range(actions.API_TOKENS_MOST):
            last = await client.post(f"{HOME}/api-tokens", json=draft)
            assert last.status_code == 201
        answer = await client.post(f"{HOME}/api-tokens", json=draft)
        assert answer.json()["code"] == "identity.too_many_tokens"
        await client.delete(f"{HOME}/api-tokens/{last.json()['token']['id']}")
        assert (await client.post(f"{HOME}/api-tokens", json=draft)).status_code == 201


async def test_a_wrong_password_gets_a_program_nothing(house: House) -> None:
    visitor = await make_user(house)
    async with house.client() as client:
        answer = await client.post(f"{HOME}/tokens", json=visitor.card(OTHER_PASSWORD))
    assert (answer.status_code, answer.json()["code"]) == (401, "identity.wrong_credentials")
    async with house.tx("identity") as tx:
        assert await tx.all(m.Session, user_id=visitor.id) == []
