"""Messages to users: the inbox, preferences, and the account behind an employee."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from orrery.contracts.assets import AssetAssigned
from orrery.contracts.identity import (
    UserChanged,
    UserCreated,
    UserDisabled,
    UserEnabled,
    UserLockedOut,
)
from orrery.contracts.people import EmployeeDeleted, EmployeeHired
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.notifications.actions import inbox
from orrery.services.notifications.schemas import Choice, PreferencesChange
from tests.actions.notifications.conftest import Sink, announce, messages


def assigned(employee_id: UUID) -> AssetAssigned:
    return AssetAssigned(new_id(), "AST-00042", employee_id, date(2026, 7, 14))


def locked_out(user_id: UUID, email: str) -> UserLockedOut:
    return UserLockedOut(user_id, email, datetime(2026, 7, 14, 9, 30, tzinfo=UTC))


async def prefer(house: House, tenant: str, user_id: UUID, *choices: Choice) -> None:
    """Let a user choose."""
    async with house.tx(
        "notifications", tenant=tenant, user_id=user_id, email="u@acme.example", commits=True
    ) as tx:
        await inbox.change_preferences(tx, tx.caller, PreferencesChange(choices=list(choices)))


async def test_a_holder_finds_a_message_in_the_inbox(house: House, tenant: str, sink: Sink) -> None:
    """AssetAssigned -> in-app message to the holder's user; no mail unless he wants one."""
    user_id, employee_id = new_id(), new_id()
    await announce(
        house, tenant, UserCreated(user_id, "holder@acme.example", "Hanna Holder", employee_id)
    )
    await house.settle()
    event = assigned(employee_id)
    await announce(house, tenant, event)
    await house.settle()
    (message,) = await messages(house, tenant, user_id=user_id)
    assert (message.channel, message.state) == ("in_app", "sent")
    assert message.subject == "AST-00042 was handed to you"
    assert message.body.startswith("On July 14, 2026 the asset AST-00042")
    assert (message.about, message.about_id) == ("assets.asset", event.asset_id)
    assert sink.to("holder@acme.example") == []


@pytest.mark.usefixtures("sink")
async def test_the_account_of_an_employee_is_found_by_equal_address(
    house: House, tenant: str
) -> None:
    """The account was made before the employee; their equal address joins them, in any case."""
    user_id, employee_id = new_id(), new_id()
    hired = EmployeeHired(employee_id, "EMP-001", "Ada", "Ada@Acme.example", None, date(2026, 1, 1))
    await announce(house, tenant, UserCreated(user_id, "ada@acme.example", "Ada", None), hired)
    await house.settle()
    await announce(house, tenant, assigned(employee_id))
    await house.settle()
    assert len(await messages(house, tenant, user_id=user_id)) == 1


@pytest.mark.usefixtures("sink")
async def test_nobody_is_written_to_who_has_no_account_or_a_disabled_one(
    house: House, tenant: str
) -> None:
    """To the holder's user, if known; not to somebody who left."""
    user_id, disabled, employee_id, gone = new_id(), new_id(), new_id(), new_id()
    hired = EmployeeHired(gone, "EMP-002", "Gus", "gus@acme.example", None, date(2026, 1, 1))
    await announce(
        house,
        tenant,
        UserCreated(disabled, "former@acme.example", "Former", employee_id),
        UserDisabled(disabled, "former@acme.example", "left"),
        UserCreated(user_id, "gus@acme.example", "Gus", None),
        hired,
        EmployeeDeleted(gone, "EMP-002", "Gus", "gus@acme.example", date(2026, 2, 1)),
    )
    await house.settle()
    events = [assigned(new_id()), assigned(employee_id), assigned(gone)]
    await announce(house, tenant, *events, locked_out(disabled, "former@acme.example"))
    await house.settle()
    for event in events:
        assert await messages(house, tenant, about_id=event.asset_id) == []
    assert await messages(house, tenant, user_id=disabled) == []


async def test_a_user_who_wants_mails_gets_them_in_his_language(
    house: House, tenant: str, sink: Sink
) -> None:
    """NOT-1: user preferences per channel and category, and language."""
    user_id, employee_id = new_id(), new_id()
    await announce(house, tenant, UserCreated(user_id, "greta@acme.example", "Greta", employee_id))
    await house.settle()
    wishes = [
        Choice(kind="asset_assigned", channel="email", is_wanted=True),
        Choice(kind="asset_assigned", channel="in_app", is_wanted=False),
    ]
    await prefer(house, tenant, user_id, *wishes)
    changed = UserChanged(user_id, "greta@acme.example", "Greta G.", "de", employee_id)
    await announce(house, tenant, changed)
    await house.settle()
    await announce(house, tenant, assigned(employee_id))
    await house.settle()
    (message,) = await messages(house, tenant, user_id=user_id)
    (mail,) = sink.to("greta@acme.example")
    assert (message.channel, message.language) == ("email", "de")
    assert mail["Subject"] == "AST-00042 wurde Ihnen übergeben"
    assert mail["To"].addresses[0].display_name == "Greta G."


async def test_a_lock_out_warns_in_the_inbox_and_by_mail(
    house: House, tenant: str, sink: Sink
) -> None:
    """UserLockedOut -> in-app and e-mail to the user; also before his account is known here."""
    user_id = new_id()
    await announce(house, tenant, locked_out(user_id, "locked@acme.example"))
    await house.settle()
    found = await messages(house, tenant, user_id=user_id)
    assert sorted((m.channel, m.state) for m in found) == [("email", "sent"), ("in_app", "sent")]
    (mail,) = sink.to("locked@acme.example")
    assert mail["Subject"] == "Your account at Meridian Trading is locked"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "11:30" in plain.get_content()


@pytest.mark.usefixtures("sink")
async def test_an_account_that_is_enabled_again_is_written_to_again(
    house: House, tenant: str
) -> None:
    """Not to somebody who left, but to somebody who came back."""
    user_id, employee_id = new_id(), new_id()
    await announce(
        house,
        tenant,
        UserCreated(user_id, "back@acme.example", "Bea", employee_id),
        UserDisabled(user_id, "back@acme.example", "leave"),
        UserEnabled(user_id, "back@acme.example"),
    )
    await house.settle()
    await announce(house, tenant, assigned(employee_id))
    await house.settle()
    assert len(await messages(house, tenant, user_id=user_id)) == 1
