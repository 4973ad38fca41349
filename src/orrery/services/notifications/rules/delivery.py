"""Delivery: the states of a message, when it is tried again, and when it is given up."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import Machine

STATES = Machine(
    "message",
    start="queued",
    moves={
        ("queued", "send"): "sending",
        ("failed", "send"): "sending",
        # A sender that died leaves its message here; when its lease is over another takes it.
        ("sending", "send"): "sending",
        ("sending", "accept"): "sent",
        ("sending", "put_off"): "failed",
        ("sending", "give_up"): "dead",
        ("queued", "give_up"): "dead",
        ("failed", "retry"): "queued",
        ("dead", "retry"): "queued",
    },
)

ATTEMPTS_LIMIT = 12  # with the pauses below about twelve hours: a night without a mail server
PAUSE_FIRST = timedelta(seconds=30)
PAUSE_LIMIT = timedelta(hours=4)
# What one connection sends before the run looks again; the lease has to cover it.
SHARE_LIMIT = 2
DOCUMENTS_SECONDS = 10
LEASE_MARGIN_SECONDS = 40
RETRY_LIMIT = 1000  # messages that one bulk retry puts back in the queue
ERROR_LIMIT = 500  # characters kept of a server's answer


class AlreadyQueued(Refusal):
    """This event's message to this recipient over this channel exists already."""

    code = "notifications.already_queued"


@dataclass(frozen=True)
class Outcome:
    """How one try ended: the verb for the state table, and why when it did not succeed."""

    verb: str
    error: str | None = None


ACCEPTED = Outcome("accept")


def refused_by_server(code: int, text: str) -> Outcome:
    """An answer to MAIL, RCPT or DATA: 5xx is final, 4xx is tried again (RFC 5321 4.2.1)."""
    return Outcome("give_up" if 500 <= code <= 599 else "put_off", f"{code} {text}".strip())


def not_reached(reason: str) -> Outcome:
    """No server, no sign-in or no answer: says nothing about the message, so it is tried again."""
    return Outcome("put_off", reason)


def not_deliverable(reason: str) -> Outcome:
    """The message itself cannot be made or addressed; trying again would not help."""
    return Outcome("give_up", reason)


def settled(outcome: Outcome, *, attempts: int) -> Outcome:
    """The outcome after counting the tries: the last one allowed turns a delay into the end."""
    if outcome.verb == "put_off" and attempts >= ATTEMPTS_LIMIT:
        return Outcome("give_up", outcome.error)
    return outcome


def batch(connections: int) -> int:
    """How many messages one run claims at once."""
    return connections * SHARE_LIMIT


def lease(timeout_seconds: int) -> timedelta:
    """How long a claimed message is left alone: longer than its sender can take, however slow.

    With a shorter one two senders could hold the same message, and both send it.
    """
    longest = SHARE_LIMIT * (timeout_seconds + DOCUMENTS_SECONDS)
    return timedelta(seconds=longest + LEASE_MARGIN_SECONDS)


def pause_after(attempts: int, message_id: UUID) -> timedelta:
    """The wait after a try that failed: doubling up to a limit, spread by up to a fifth.

    The spread comes from the message's id, so that a thousand messages which failed together do
    not come back together, and a test can tell the moment.
    """
    pause = min(PAUSE_FIRST * 2 ** min(attempts - 1, 20), PAUSE_LIMIT)
    digest = sha256(message_id.bytes + attempts.to_bytes(2, "big")).digest()
    thousandths = 800 + int.from_bytes(digest[:4], "big") % 401
    return timedelta(seconds=pause.seconds * thousandths // 1000)
