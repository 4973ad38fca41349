"""The inbox and preferences over the API: own rows only, for everybody who is signed in."""

from datetime import date
from uuid import UUID

import pytest

from orrery.contracts.assets import AssetAssigned
from orrery.contracts.identity import UserCreated
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id

INBOX = "/api/v1/notifications/inbox"
PREFERENCES = "/api/v1/notifications/preferences"


async def hand_out(house: House, tenant: str, *, times: int) -> tuple[UUID, list[UUID]]:
    """A user to whom assets were handed; answers him and the assets, the first one first."""
    user_id, employee_id, asset_ids = new_id(), new_id(), [new_id() for _ in range(times)]
    async with house.tx("identity", tenant=tenant, commits=True) as tx:
        tx.announce(UserCreated(user_id, f"{user_id}@acme.example", "Hanna", employee_id))
    await house.settle()
    for number, asset_id in enumerate(asset_ids):
        async with house.tx("assets", tenant=tenant, commits=True) as tx:
            tx.announce(AssetAssigned(asset_id, f"A{number}", employee_id, date(2026, 7, 14)))
        await house.settle()
    return user_id, asset_ids


@pytest.fixture(scope="module")
async def tenant(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant()


async def test_the_inbox_lists_counts_and_marks_own_messages(house: House, tenant: str) -> None:
    """NOT-1: in-app inbox per user: list, unread count, mark read, all read."""
    user_id, asset_ids = await hand_out(house, tenant, times=3)
    async with house.client({}, tenant=tenant, user_id=user_id) as client:
        listed = (await client.get(INBOX)).json()
        assert [item["about_id"] for item in listed["items"]] == [
            str(id) for id in reversed(asset_ids)
        ]
        assert listed["next"] is None
        newest = listed["items"][0]
        assert newest["subject"] == "A2 was handed to you"
        assert newest["read_at"] is None
        assert (await client.get(f"{INBOX}/unread")).json() == {"unread": 3}
        marked = (await client.post(f"{INBOX}/{newest['id']}/read")).json()
        assert marked["read_at"] is not None
        again = (await client.post(f"{INBOX}/{newest['id']}/read")).json()
        assert again["read_at"] == marked["read_at"]
        unread = (await client.get(INBOX, params={"unread": "true"})).json()
        assert [item["subject"] for item in unread["items"]] == [
            "A1 was handed to you",
            "A0 was handed to you",
        ]
        read = (await client.get(INBOX, params={"unread": "false"})).json()
        assert [item["id"] for item in read["items"]] == [newest["id"]]
        assert (await client.post(f"{INBOX}/read")).json() == {"unread": 0}


async def test_the_inbox_comes_in_pages(house: House, tenant: str) -> None:
    """Everything has a limit; pages join without gap or overlap."""
    user_id, asset_ids = await hand_out(house, tenant, times=5)
    seen: list[str] = []
    cursor: str | None = ""
    async with house.client({}, tenant=tenant, user_id=user_id) as client:
        while cursor is not None:
            params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(INBOX, params=params)).json()
            assert len(page["items"]) <= 2
            seen += [item["about_id"] for item in page["items"]]
            cursor = page["next"]
        assert (await client.get(INBOX, params={"limit": "201"})).status_code == 422
    assert seen == [str(id) for id in reversed(asset_ids)]


async def test_nobody_sees_or_marks_what_is_in_another_inbox(house: House, tenant: str) -> None:
    """Own rows only, also for an administrator: 404, and the message stays unread."""
    user_id, _ = await hand_out(house, tenant, times=1)
    async with house.client({}, tenant=tenant, user_id=user_id) as owner:
        (item,) = (await owner.get(INBOX)).json()["items"]
        async with house.client({"*": "all"}, tenant=tenant) as other:
            assert (await other.get(INBOX)).json()["items"] == []
            assert (await other.get(f"{INBOX}/unread")).json() == {"unread": 0}
            refused = await other.post(f"{INBOX}/{item['id']}/read")
            assert (refused.status_code, refused.json()["code"]) == (404, "kernel.not_found")
            assert (await other.post(f"{INBOX}/read")).json() == {"unread": 0}
        assert (await owner.get(f"{INBOX}/unread")).json() == {"unread": 1}


async def test_the_inbox_needs_somebody_who_is_signed_in(house: House) -> None:
    """Without a token there is no inbox."""
    async with house.client() as client:
        assert (await client.get(INBOX)).status_code == 401
        assert (await client.get(PREFERENCES)).status_code == 401


async def test_preferences_are_what_is_sent_until_the_user_says_otherwise(
    house: House, tenant: str
) -> None:
    """NOT-1: user preferences per channel and category."""
    user_id = new_id()
    async with house.client({}, tenant=tenant, user_id=user_id) as client:
        told = (await client.get(PREFERENCES)).json()
        fields = ("kind", "channel", "is_wanted", "is_mandatory")
        assert [tuple(c[f] for f in fields) for c in told["choices"]] == [
            ("asset_assigned", "email", False, False),
            ("asset_assigned", "in_app", True, False),
            ("user_locked_out", "email", True, True),
            ("user_locked_out", "in_app", True, False),
        ]
        choice = {"kind": "asset_assigned", "channel": "email", "is_wanted": True}
        changed = await client.patch(PREFERENCES, json={"choices": [choice]})
        assert changed.json()["choices"][0]["is_wanted"] is True
        assert (await client.get(PREFERENCES)).json() == changed.json()
        back = await client.patch(PREFERENCES, json={"choices": [choice | {"is_wanted": False}]})
        assert back.json() == told


@pytest.mark.parametrize(
    ("choice", "status", "code"),
    [
        (("user_locked_out", "email", False), 409, "notifications.channel_mandatory"),
        (("receipt", "email", False), 409, "notifications.channel_unused"),
        (("birthday", "email", True), 404, "notifications.unknown_kind"),
        (("receipt", "fax", True), 422, "kernel.malformed"),
    ],
)
async def test_a_wish_that_cannot_be_kept_is_refused_and_changes_nothing(
    house: House, tenant: str, choice: tuple[str, str, bool], status: int, code: str
) -> None:
    """A warning about the own account cannot be switched off."""
    kind, channel, is_wanted = choice
    fine = {"kind": "asset_assigned", "channel": "email", "is_wanted": True}
    async with house.client({}, tenant=tenant) as client:
        before = (await client.get(PREFERENCES)).json()
        wrong = {"kind": kind, "channel": channel, "is_wanted": is_wanted}
        refused = await client.patch(PREFERENCES, json={"choices": [fine, wrong]})
        assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert (await client.get(PREFERENCES)).json() == before
