"""Signing in: who gets in, who does not, and what that costs him (ID-1)."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.services.identity import models as m
from tests.api.identity.visitors import (
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    announced,
    browser,
    client_of,
    knock,
    make_user,
    password_checks,
    said,
    tokens,
)

NOON = datetime(2031, 6, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def test_the_right_password_begins_a_session_that_a_cookie_carries(house: House) -> None:
    visitor = await make_user(house, "accountant")
    answer = await browser(house, visitor, **{"user-agent": "curl/8.5.0"})
    told = answer.json()
    session, csrf = answer.headers.get_list("set-cookie")
    value = session.split(";")[0].removeprefix("orrery_session=")
    assert session.endswith("; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax")
    assert value.startswith("acme.")
    secret = house.runtime.settings.secret_key.get_secret_value().encode()
    expected = hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()
    assert csrf == f"orrery_csrf={expected}; Max-Age=1209600; Path=/; SameSite=lax"
    assert told["csrf_token"] == expected
    assert told["user"]["email"] == visitor.email
    assert told["user"]["roles"] == ["accountant"]
    assert told["must_change_password"] is False
    begun = await announced(house, "identity.user_signed_in.v1", visitor.id)
    assert [(e["session_id"], e["device"]) for e in begun] == [(told["session_id"], "curl/8.5.0")]


async def test_the_database_keeps_only_digests_of_secrets(house: House) -> None:
    visitor = await make_user(house)
    value = (await browser(house, visitor)).headers.get_list("set-cookie")[0].split(";")[0]
    random = value.split(".", 1)[1]
    async with house.tx("identity") as tx:
        session = await tx.find(m.Session, user_id=visitor.id)
        credential = await tx.find(m.Credential, user_id=visitor.id)
        history = await tx.rows(
            "select distinct table_name from history where after::text like '%%argon2%%'"
        )
    assert session is not None
    assert credential is not None
    assert session.digest == hashlib.sha256(f"acme.{random}".encode()).hexdigest()
    assert credential.password_hash.startswith("$argon2id$")
    assert history == []


async def test_the_address_may_be_typed_in_capitals_and_with_spaces(house: House) -> None:
    visitor = await make_user(house)
    card = visitor.card() | {"email": f"  {visitor.email.upper()} "}
    assert (await knock(house, card)).status_code == 201


@pytest.mark.parametrize("what", ["password", "email", "tenant", "bad_tenant", "disabled", "none"])
async def test_whoever_is_refused_learns_nothing_and_costs_one_comparison(
    house: House, what: str
) -> None:
    """The brief: "constant-time answer for unknown users by hashing against a dummy"; proven by
    counting the comparisons, not by a stop-watch."""
    visitor = await make_user(house, password=None if what == "none" else PASSWORD)
    if what == "disabled":
        async with house.tx("identity", commits=True) as tx:
            await tx.change(await tx.one(m.User, visitor.id), is_active=False)
    card = visitor.card() | {
        "password": {"password": OTHER_PASSWORD},
        "email": {"email": "nobody@acme.example"},
        "tenant": {"tenant": "nowhere"},
        "bad_tenant": {"tenant": "acme__people; --"},
    }.get(what, {})
    before = password_checks()
    answer = await knock(house, card)
    assert password_checks() - before == 1
    told = answer.json()
    told.pop("request_id")
    assert answer.status_code == 401
    assert told == {
        "type": "about:blank",
        "title": "Wrong credentials",
        "status": 401,
        "code": "identity.wrong_credentials",
        "facts": {},
    }
    assert "set-cookie" not in answer.headers
    async with house.tx("identity") as tx:
        assert await tx.all(m.Session, user_id=visitor.id) == []


async def test_a_refused_attempt_stays_on_record(house: House) -> None:
    """The brief: "failed attempts must be recorded although the request is refused"."""
    visitor = await make_user(house)
    headers = {"x-forwarded-for": "6.6.6.6, 203.0.113.9", "user-agent": "curl/8.5.0"}
    await knock(house, visitor.card(OTHER_PASSWORD), **headers)
    async with house.tx("identity") as tx:
        rows = await tx.all(m.SignIn, user_id=visitor.id)
    assert [(r.outcome, r.address, r.device) for r in rows] == [
        ("wrong_password", "203.0.113.9", "curl/8.5.0")
    ]
    async with house.client({"identity.sign_in.read": "all"}) as client:
        listed = (await client.get(f"{HOME}/sign-ins", params={"user_id": str(visitor.id)})).json()
    assert [(i["email"], i["outcome"]) for i in listed["items"]] == [
        (visitor.email, "wrong_password")
    ]


async def test_the_sixth_attempt_is_refused_even_with_the_right_password(house: House) -> None:
    """ID-1 "lockout with back-off": 5 wrong -> 60 s."""
    visitor = await make_user(house)
    clock.set(NOON)
    for _ in range(5):
        assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 401
    before = password_checks()
    clock.set(NOON + MINUTE - timedelta(seconds=1))
    answer = await knock(house, visitor.card())
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "identity.locked_out"
    assert password_checks() == before
    told = await announced(house, "identity.user_locked_out.v1", visitor.id)
    assert [e["until"] for e in told] == ["2031-06-02T12:01:00Z"]
    clock.set(NOON + MINUTE)
    assert (await knock(house, visitor.card())).status_code == 201


async def test_the_right_password_clears_what_was_counted(house: House) -> None:
    visitor = await make_user(house)
    for _ in range(2):
        for _ in range(4):
            assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 401
        assert (await knock(house, visitor.card())).status_code == 201


async def test_each_further_wrong_password_doubles_the_wait(house: House) -> None:
    visitor = await make_user(house)
    now = NOON
    clock.set(now)
    for _ in range(5):
        await knock(house, visitor.card(OTHER_PASSWORD))
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        clock.set(now + minutes * MINUTE - timedelta(seconds=1))
        assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 429
        now += minutes * MINUTE
        clock.set(now)
        assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 401


async def test_an_unknown_address_is_locked_like_a_known_one(house: House) -> None:
    """Else the lock itself would tell who has an account."""
    visitor = await make_user(house)
    card = visitor.card() | {"email": visitor.email.replace("u", "nobody", 1)}
    statuses = [(await knock(house, card)).status_code for _ in range(6)]
    assert statuses == [401, 401, 401, 401, 401, 429]


async def test_a_crowd_gets_no_more_guesses_than_a_queue(house: House) -> None:
    visitor = await make_user(house)
    before = password_checks()
    answers = await asyncio.gather(*(knock(house, visitor.card(OTHER_PASSWORD)) for _ in range(12)))
    assert sorted(a.status_code for a in answers) == [401] * 5 + [429] * 7
    assert password_checks() - before == 5


async def test_one_account_locked_leaves_the_others_open(house: House) -> None:
    locked, other = await make_user(house), await make_user(house)
    for _ in range(6):
        await knock(house, locked.card(OTHER_PASSWORD))
    assert (await knock(house, locked.card())).status_code == 429
    assert (await knock(house, other.card())).status_code == 201


async def test_the_same_person_in_two_tenants_is_two_users(house: House) -> None:
    visitor = await make_user(house, tenant="acme")
    card = visitor.card() | {"tenant": "globex"}
    assert (await knock(house, card)).status_code == 401


async def test_a_hash_of_older_parameters_is_renewed_at_sign_in(house: House) -> None:
    """The brief: "rehash when parameters change"."""
    visitor = await make_user(house)
    old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
    async with house.tx("identity", commits=True) as tx:
        credential = await tx.find(m.Credential, user_id=visitor.id)
        assert credential is not None
        await tx.change(credential, password_hash=old)
    await browser(house, visitor)
    async with house.tx("identity") as tx:
        credential = await tx.find(m.Credential, user_id=visitor.id)
    assert credential is not None
    renewed = extract_parameters(credential.password_hash)
    assert (renewed.memory_cost, renewed.time_cost) == (64, 1)
    await browser(house, visitor)


async def test_with_a_temporary_password_one_can_only_replace_it(house: House) -> None:
    visitor = await make_user(house, "admin", is_temporary=True)
    pair = await tokens(house, visitor)
    assert pair["must_change_password"] is True
    assert said(pair["access_token"])["grants"] == {
        "identity.account.read": "own",
        "identity.account.use": "own",
    }
    async with await client_of(house, visitor) as client:
        assert (await client.get(f"{HOME}/users")).status_code == 403
        body = {"present": PASSWORD, "new": OTHER_PASSWORD}
        assert (await client.post(f"{HOME}/me/password", json=body)).status_code == 200
    pair = await tokens(house, visitor, OTHER_PASSWORD)
    assert pair["must_change_password"] is False
    assert said(pair["access_token"])["grants"]["*"] == "all"


@pytest.mark.parametrize(
    "card",
    [
        {"tenant": "acme", "email": "a@b.ee"},
        {"tenant": "acme", "email": "a@b.ee", "password": "x", "more": 1},
        {"tenant": ["acme"], "email": "a@b.ee", "password": "x"},
        {"tenant": "acme", "email": "a" * 300, "password": "x"},
        {"tenant": "acme", "email": "a@b.ee", "password": "x" * 1001},
    ],
)
async def test_a_malformed_card_is_refused_without_repeating_the_password(
    house: House, card: dict[str, str]
) -> None:
    async with house.client() as client:
        answer = await client.post(f"{HOME}/sessions", json=card)
    assert answer.status_code == 422
    assert "x" * 500 not in answer.text


async def test_an_address_with_a_nul_character_is_refused_and_not_a_bug(house: House) -> None:
    card = {"tenant": "acme", "email": "a\x00@b.ee", "password": "x"}
    assert (await knock(house, card)).status_code in (401, 422)
