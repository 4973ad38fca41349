"""Sessions (ID-5): list with device, revoke one, all or all others, idle and absolute limits."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.identity import models as m
from tests.api.identity.visitors import (
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    Visitor,
    announced,
    bearer,
    browser,
    knock,
    make_user,
    password_checks,
    resolve,
    resolved,
    said,
)

START = datetime(2031, 6, 2, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def cookie_of(house: House, visitor: Visitor, **headers: str) -> str:
    answer = await browser(house, visitor, **headers)
    first: str = answer.headers.get_list("set-cookie")[0]
    return first.split(";")[0].removeprefix("orrery_session=")


async def session_row(house: House, id: str) -> m.Session:
    async with house.tx("identity") as tx:
        return await tx.one(m.Session, UUID(id))


async def test_a_cookie_stands_for_a_short_token_of_its_user(house: House) -> None:
    visitor = await make_user(house, "hr_manager")
    clock.set(START)
    told = await resolved(house, await cookie_of(house, visitor))
    claims = said(told["access_token"])
    assert told["tenant"] == claims["tenant"] == "acme"
    assert told["user_id"] == claims["sub"] == str(visitor.id)
    assert told["session_id"] == claims["sid"]
    assert told["expires_at"] == "2031-06-02T08:05:00+00:00"
    assert claims["grants"]["people.*"] == "all"
    async with bearer(house, told["access_token"]) as client:
        me = (await client.get(f"{HOME}/me")).json()
    assert me["user"]["email"] == visitor.email
    assert (me["tenant"], me["time_zone"]) == ("acme", "Europe/Berlin")
    assert [role["code"] for role in me["roles"]] == ["hr_manager"]


async def test_only_services_may_resolve_credentials(house: House) -> None:
    body = {"kind": "session", "credential": "acme.x", "address": None, "device": None}
    async with house.client() as nobody, house.client({"*": "all"}) as admin:
        assert (await nobody.post("/internal/identity/resolve", json=body)).status_code == 401
        assert (await admin.post("/internal/identity/resolve", json=body)).status_code == 404


@pytest.mark.parametrize(
    "credential",
    ["", "nonsense", "acme." + "A" * 43, "nowhere." + "A" * 43, "acme__people." + "A" * 43],
)
async def test_a_cookie_that_is_none_stands_for_nobody(house: House, credential: str) -> None:
    answer = await resolve(house, credential)
    assert answer.status_code == 401
    assert answer.json()["code"] == "identity.session_ended"


async def test_a_cookie_of_one_tenant_opens_no_other(house: House) -> None:
    cookie = await cookie_of(house, await make_user(house))
    assert (await resolve(house, cookie.replace("acme.", "globex."))).status_code == 401


async def test_a_session_that_rests_for_twelve_hours_ends(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    cookie = await cookie_of(house, visitor)
    clock.set(START + timedelta(hours=12) - SECOND)
    await resolved(house, cookie)
    clock.set(START + timedelta(hours=24) - SECOND)
    assert (await resolve(house, cookie)).status_code == 401


async def test_a_session_ends_after_fourteen_days_however_busy(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    cookie = await cookie_of(house, visitor)
    for hours in range(11, 14 * 24, 11):
        clock.set(START + timedelta(hours=hours))
        await resolved(house, cookie)
    clock.set(START + timedelta(days=14) - SECOND)
    await resolved(house, cookie)
    clock.set(START + timedelta(days=14))
    assert (await resolve(house, cookie)).status_code == 401


async def test_being_seen_is_written_at_most_once_a_minute(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    cookie = await cookie_of(house, visitor)
    told = await resolved(house, cookie)
    for later, seen in ((59, 0), (60, 60), (119, 60), (120, 120)):
        clock.set(START + later * SECOND)
        assert (await resolve(house, cookie, address="198.51.100.7")).status_code == 200
        row = await session_row(house, told["session_id"])
        assert row.last_seen_at == START + seen * SECOND
    assert row.address == "198.51.100.7"


async def test_a_disabled_users_cookie_stands_for_nobody(house: House) -> None:
    visitor = await make_user(house)
    cookie = await cookie_of(house, visitor)
    async with house.client({"*": "all"}) as admin:
        body = {"reason": "left"}
        assert (
            await admin.post(f"{HOME}/users/{visitor.id}/disable", json=body)
        ).status_code == 200
    assert (await resolve(house, cookie)).status_code == 401


async def test_i_see_where_i_am_signed_in(house: House) -> None:
    visitor, other = await make_user(house), await make_user(house)
    await cookie_of(house, other)
    clock.set(START)
    linux = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"
    await cookie_of(house, visitor, **{"user-agent": linux, "x-forwarded-for": "203.0.113.9"})
    clock.set(START + SECOND)
    here = await resolved(house, await cookie_of(house, visitor, **{"user-agent": "curl/8.5.0"}))
    async with bearer(house, here["access_token"]) as client:
        items = (await client.get(f"{HOME}/sessions")).json()["items"]
    assert [(i["device"], i["is_current"]) for i in items] == [
        ("curl/8.5.0", True),
        ("Firefox on Linux", False),
    ]
    assert items[1]["address"] == "203.0.113.9"
    assert items[1]["ends_at"] == "2031-06-02T20:00:00+00:00"


async def test_i_sign_out_here(house: House) -> None:
    visitor = await make_user(house)
    cookie, elsewhere = await cookie_of(house, visitor), await cookie_of(house, visitor)
    here = await resolved(house, cookie)
    async with bearer(house, here["access_token"]) as client:
        answer = await client.delete(f"{HOME}/sessions/current")
    assert answer.json() == {"ended": 1}
    cleared = answer.headers.get_list("set-cookie")
    assert [c.split("=")[0] for c in cleared] == ["orrery_session", "orrery_csrf"]
    assert all("Max-Age=0" in c for c in cleared)
    assert (await resolve(house, cookie)).status_code == 401
    assert (await resolve(house, elsewhere)).status_code == 200
    told = await announced(house, "identity.sessions_revoked.v1", visitor.id)
    assert [(e["session_id"], e["reason"]) for e in told] == [(here["session_id"], "signed_out")]


async def test_i_sign_out_on_another_device(house: House) -> None:
    visitor = await make_user(house)
    cookie, lost = await cookie_of(house, visitor), await cookie_of(house, visitor)
    here, there = await resolved(house, cookie), await resolved(house, lost)
    async with bearer(house, here["access_token"]) as client:
        path = f"{HOME}/sessions/{there['session_id']}"
        assert (await client.delete(path)).json() == {"ended": 1}
        assert (await client.delete(path)).status_code == 404
    assert (await resolve(house, lost)).status_code == 401
    assert (await resolve(house, cookie)).status_code == 200


async def test_i_cannot_end_somebody_elses_session(house: House) -> None:
    mine, theirs = await make_user(house, "admin"), await make_user(house)
    cookie = await cookie_of(house, theirs)
    other = await resolved(house, cookie)
    here = await resolved(house, await cookie_of(house, mine))
    async with bearer(house, here["access_token"]) as client:
        answer = await client.delete(f"{HOME}/sessions/{other['session_id']}")
        assert answer.status_code == 404
        assert (await client.delete(f"{HOME}/sessions/{new_id()}")).status_code == 404
    assert (await resolve(house, cookie)).status_code == 200


async def test_i_sign_out_everywhere_else(house: House) -> None:
    visitor = await make_user(house)
    cookies = [await cookie_of(house, visitor) for _ in range(3)]
    here = await resolved(house, cookies[1])
    async with bearer(house, here["access_token"]) as client:
        assert (await client.delete(f"{HOME}/sessions/others")).json() == {"ended": 2}
    assert [(await resolve(house, c)).status_code for c in cookies] == [401, 200, 401]


async def test_i_sign_out_everywhere(house: House) -> None:
    visitor, other = await make_user(house), await make_user(house)
    cookies = [await cookie_of(house, visitor) for _ in range(2)]
    theirs = await cookie_of(house, other)
    here = await resolved(house, cookies[0])
    async with bearer(house, here["access_token"]) as client:
        assert (await client.delete(f"{HOME}/sessions")).json() == {"ended": 2}
    assert [(await resolve(house, c)).status_code for c in (*cookies, theirs)] == [401, 401, 200]


async def test_an_administrator_signs_somebody_out_everywhere(house: House) -> None:
    visitor = await make_user(house)
    cookies = [await cookie_of(house, visitor) for _ in range(2)]
    async with house.client({"identity.*": "all"}) as admin:
        listed = (await admin.get(f"{HOME}/users/{visitor.id}/sessions")).json()["items"]
        answer = await admin.delete(f"{HOME}/users/{visitor.id}/sessions")
    assert len(listed) == 2
    assert answer.json() == {"ended": 2}
    assert [(await resolve(house, c)).status_code for c in cookies] == [401, 401]


async def test_a_dry_run_ends_nothing(house: House) -> None:
    cookie = await cookie_of(house, await make_user(house))
    here = await resolved(house, cookie)
    async with bearer(house, here["access_token"]) as client:
        answer = await client.delete(f"{HOME}/sessions/current", params={"dry_run": "true"})
    assert answer.json()["result"] == {"ended": 1}
    assert (await resolve(house, cookie)).status_code == 200


async def test_a_new_password_ends_my_other_sessions(house: House) -> None:
    """The brief: "change own password (ends the other sessions)"."""
    visitor = await make_user(house)
    cookie, other = await cookie_of(house, visitor), await cookie_of(house, visitor)
    here = await resolved(house, cookie)
    async with bearer(house, here["access_token"]) as client:
        body = {"present": PASSWORD, "new": OTHER_PASSWORD}
        assert (await client.post(f"{HOME}/me/password", json=body)).json() == {"ended": 1}
    assert (await resolve(house, cookie)).status_code == 200
    assert (await resolve(house, other)).status_code == 401
    assert (await knock(house, visitor.card())).status_code == 401
    assert (await knock(house, visitor.card(OTHER_PASSWORD))).status_code == 201
    changed = await announced(house, "identity.password_changed.v1", visitor.id)
    assert [e["is_temporary"] for e in changed] == [False, False]


@pytest.mark.parametrize(
    ("present", "new", "status", "code"),
    [
        (OTHER_PASSWORD, "nine quiet boats", 409, "identity.wrong_password"),
        (PASSWORD, "too short", 409, "identity.weak_password"),
        (PASSWORD, "Password2026!", 409, "identity.weak_password"),
    ],
)
async def test_a_password_that_is_not_changed_leaves_everything_as_it_was(
    house: House, present: str, new: str, status: int, code: str
) -> None:
    visitor = await make_user(house)
    cookie, other = await cookie_of(house, visitor), await cookie_of(house, visitor)
    here = await resolved(house, cookie)
    async with bearer(house, here["access_token"]) as client:
        answer = await client.post(f"{HOME}/me/password", json={"present": present, "new": new})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await resolve(house, other)).status_code == 200
    assert (await knock(house, visitor.card())).status_code == 201


async def test_a_stolen_session_is_no_way_to_guess_the_password(house: House) -> None:
    """Attempts at the present password count like attempts to sign in."""
    visitor = await make_user(house)
    here = await resolved(house, await cookie_of(house, visitor))
    body = {"present": OTHER_PASSWORD, "new": "nine quiet boats"}
    before = password_checks()
    async with bearer(house, here["access_token"]) as client:
        answers = [await client.post(f"{HOME}/me/password", json=body) for _ in range(6)]
    assert [a.status_code for a in answers] == [409] * 5 + [429]
    assert password_checks() - before == 5
    assert (await knock(house, visitor.card())).status_code == 429


async def test_i_choose_my_language(house: House) -> None:
    visitor = await make_user(house)
    here = await resolved(house, await cookie_of(house, visitor))
    async with bearer(house, here["access_token"]) as client:
        assert (await client.patch(f"{HOME}/me", json={"language": "de"})).json()[
            "language"
        ] == "de"
        for wrong in ({"language": "German"}, {"language": None}, {"full_name": "X"}, {}):
            assert (await client.patch(f"{HOME}/me", json=wrong)).status_code == 422
        assert (await client.get(f"{HOME}/me")).json()["user"]["language"] == "de"


async def test_the_hundred_and_first_session_ends_the_one_seen_longest_ago(house: House) -> None:
    visitor = await make_user(house)
    clock.set(START)
    first = await cookie_of(house, visitor)
    clock.set(START + SECOND)
    second = await cookie_of(house, visitor)
    for _ in range(99):
        await cookie_of(house, visitor)
    assert (await resolve(house, first)).status_code == 401
    assert (await resolve(house, second)).status_code == 200
