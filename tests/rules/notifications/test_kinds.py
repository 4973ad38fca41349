"""Kinds of message: channels, what users may choose, languages."""

import pytest

from orrery.services.notifications.rules import kinds
from orrery.services.notifications.rules.kinds import (
    EMAIL,
    IN_APP,
    KINDS,
    Channel,
    ChannelMandatory,
    ChannelUnused,
    Kind,
    UnknownKind,
    kind_named,
    language_for,
)


@pytest.mark.parametrize(
    ("kind", "channel", "choice", "goes_out"),
    [
        (kinds.ASSET_ASSIGNED, IN_APP, None, True),
        (kinds.ASSET_ASSIGNED, IN_APP, False, False),
        (kinds.ASSET_ASSIGNED, EMAIL, None, False),
        (kinds.ASSET_ASSIGNED, EMAIL, True, True),
        (kinds.USER_LOCKED_OUT, EMAIL, False, True),
        (kinds.USER_LOCKED_OUT, IN_APP, False, False),
        (kinds.RECEIPT, EMAIL, None, True),
        (kinds.RECEIPT, IN_APP, True, False),
    ],
)
def test_a_message_goes_where_the_user_wants_it(
    kind: Kind, channel: Channel, choice: bool | None, goes_out: bool
) -> None:
    """NOT-1: user preferences per channel and category."""
    assert kind.wants(channel, choice=choice) is goes_out


def test_the_warning_of_a_lock_out_cannot_be_switched_off() -> None:
    """NOT-1, at its limit: who breaks in must not silence the warning; switching it on is fine."""
    with pytest.raises(ChannelMandatory):
        kinds.USER_LOCKED_OUT.permit_choice(EMAIL, is_wanted=False)
    kinds.USER_LOCKED_OUT.permit_choice(EMAIL, is_wanted=True)
    kinds.USER_LOCKED_OUT.permit_choice(IN_APP, is_wanted=False)


def test_nobody_chooses_a_channel_that_a_kind_does_not_use() -> None:
    """NOT-1: what customers get is not a user's to choose."""
    with pytest.raises(ChannelUnused):
        kinds.RECEIPT.permit_choice(EMAIL, is_wanted=False)


def test_an_unknown_kind_is_refused() -> None:
    """A template or wish for a kind that does not exist is an error, not silence."""
    with pytest.raises(UnknownKind):
        kind_named("birthday")
    assert kind_named("receipt") is KINDS["receipt"]


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("de", "en"), "de"),
        (("de-AT",), "de"),
        (("de_CH",), "de"),
        (("fr", "de"), "de"),
        (("fr", None, ""), "en"),
        ((), "en"),
        (("EN-gb",), "en"),
    ],
)
def test_the_first_wish_that_has_templates_counts(
    wishes: tuple[str | None, ...], language: str
) -> None:
    """NOT-1: templates per language; a language without templates falls back."""
    assert language_for(*wishes) == language
