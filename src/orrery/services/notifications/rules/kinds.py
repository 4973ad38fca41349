"""The kinds of message: who gets them, over which channels, and what a template may name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orrery.kernel.types.refusal import NotFound, Refusal

Channel = Literal["email", "in_app"]
Language = Literal["de", "en"]
EMAIL: Channel = "email"
IN_APP: Channel = "in_app"
LANGUAGES: tuple[Language, ...] = ("de", "en")
LANGUAGE_FALLBACK: Language = "en"


class UnknownKind(NotFound):
    """There is no such kind of message, or no template of it in this language."""

    code = "notifications.unknown_kind"


class ChannelMandatory(Refusal):
    """This kind of message may not be switched off on this channel: it protects the account."""

    code = "notifications.channel_mandatory"


class ChannelUnused(Refusal):
    """This kind of message is never sent over this channel."""

    code = "notifications.channel_unused"


@dataclass(frozen=True)
class Kind:
    """One kind of message; ``channels`` says which are used and whether a silent user gets them."""

    code: str
    title: str
    audience: Literal["customer", "user"]
    channels: Mapping[Channel, bool]
    sample: Mapping[str, Any]
    mandatory: frozenset[Channel] = frozenset()

    def wants(self, channel: Channel, *, choice: bool | None) -> bool:
        """Whether a message goes out over a channel, given the user's choice or None."""
        if channel not in self.channels:
            return False
        if channel in self.mandatory or choice is None:
            return self.channels[channel]
        return choice

    def permit_choice(self, channel: Channel, *, is_wanted: bool) -> None:
        """Whether a user may choose so. Refuses: ChannelUnused, ChannelMandatory."""
        if channel not in self.channels or self.audience != "user":
            raise ChannelUnused(kind=self.code, channel=channel)
        if channel in self.mandatory and not is_wanted:
            raise ChannelMandatory(kind=self.code, channel=channel)


_INVOICE_SAMPLE = {
    "number": "INV-2026-00017",
    "customer_name": "Northern Lights Bakery",
    "currency": "EUR",
    "total": "1190.00",
    "due_on": "2026-07-31",
}

RECEIPT = Kind(
    code="receipt",
    title="Receipt for a paid invoice",
    audience="customer",
    channels={EMAIL: True},
    sample={
        **{key: _INVOICE_SAMPLE[key] for key in ("number", "customer_name", "currency", "total")},
        "total_net": "1000.00",
        "total_tax": "190.00",
        "paid_on": "2026-07-14",
    },
)
INVOICE = Kind(
    code="invoice",
    title="Invoice with its document",
    audience="customer",
    channels={EMAIL: True},
    sample={**_INVOICE_SAMPLE, "message": "Thank you for the quick call this morning."},
)
REMINDER = Kind(
    code="reminder",
    title="Reminder of an overdue invoice",
    audience="customer",
    channels={EMAIL: True},
    sample={
        **{key: _INVOICE_SAMPLE[key] for key in ("number", "customer_name", "currency", "due_on")},
        "level": 2,
        "fee": "5.00",
        "amount_open": "690.00",
    },
)
ASSET_ASSIGNED = Kind(
    code="asset_assigned",
    title="Something was handed to you",
    audience="user",
    channels={IN_APP: True, EMAIL: False},
    sample={"tag": "AST-00042", "assigned_on": "2026-07-14"},
)
USER_LOCKED_OUT = Kind(
    code="user_locked_out",
    title="Your account was locked after wrong passwords",
    audience="user",
    channels={IN_APP: True, EMAIL: True},
    sample={"until": "2026-07-14T09:30:00+00:00"},
    # Whoever tries to break into an account must not be able to silence the warning first.
    mandatory=frozenset({EMAIL}),
)

KINDS: Mapping[str, Kind] = {
    kind.code: kind for kind in (RECEIPT, INVOICE, REMINDER, ASSET_ASSIGNED, USER_LOCKED_OUT)
}


def kind_named(code: str) -> Kind:
    """The kind of this code. Refuses: UnknownKind."""
    if code not in KINDS:
        raise UnknownKind(kind=code, known=sorted(KINDS))
    return KINDS[code]


def language_for(*wishes: str | None) -> Language:
    """The first wished language that has templates (``de-AT`` counts as ``de``), else English."""
    for wish in wishes:
        primary = (wish or "").replace("_", "-").split("-")[0].lower()
        for language in LANGUAGES:
            if language == primary:
                return language
    return LANGUAGE_FALLBACK
