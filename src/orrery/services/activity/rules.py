"""What an event reads like: one plain sentence each, and a fallback for those without their own."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

# Sentences with the event's own fields in braces. A part in square brackets is left out when one
# of its fields is unknown.
SENTENCES: Mapping[str, str] = {
    "assets.asset_assigned.v1": "Asset {tag} was handed to an employee on {assigned_on}",
    "assets.asset_cost_changed.v1": (
        "The cost of an asset was corrected from {cost_before} to {cost_after} {currency}"
    ),
    "assets.asset_created.v1": "Asset {tag} ({title}) was entered at {cost} {currency}",
    "assets.asset_depreciated.v1": (
        "Depreciation of {amount} {currency} was posted in book {book} for {period_end}"
    ),
    "assets.asset_disposed.v1": (
        "Asset {tag} was disposed of for {proceeds} {currency}, gain {gain} {currency}"
    ),
    "assets.asset_returned.v1": "Asset {tag} came back on {returned_on}[: {reason}]",
    "assets.asset_status_changed.v1": "Asset {tag} went from {status_before} to {status_after}",
    "assets.maintenance_logged.v1": (
        "Maintenance ({kind}) of asset {tag} was logged for {performed_on}"
    ),
    "identity.api_token_issued.v1": "A token called {title} was made for a program",
    "identity.api_token_revoked.v1": "The token called {title} was revoked",
    "identity.password_changed.v1": "The password of {email} was changed",
    "identity.role_assigned.v1": "The roles of a user are now {roles}",
    "identity.role_changed.v1": "The role {code} was set up or changed",
    "identity.sessions_revoked.v1": "Sessions of a user were ended: {reason}",
    "identity.user_changed.v1": "The account of {full_name} ({email}) was changed",
    "identity.user_created.v1": "An account for {full_name} ({email}) was created",
    "identity.user_disabled.v1": "The account {email} was disabled: {reason}",
    "identity.user_enabled.v1": "The account {email} may be used again",
    "identity.user_locked_out.v1": "The account {email} was locked until {until}",
    "identity.user_signed_in.v1": "A user signed in[ from {device}]",
    "invoicing.credit_note_issued.v1": "Credit note {number} over {total} {currency} was issued",
    "invoicing.customer_created.v1": "Customer {code} ({title}) was entered",
    "invoicing.invoice_issued.v1": (
        "Invoice {number} over {total} {currency} was issued to {customer_name}, due {due_on}"
    ),
    "invoicing.invoice_overdue.v1": (
        "Invoice {number} is overdue since {due_on} with {amount_open} {currency} open"
    ),
    "invoicing.invoice_paid.v1": (
        "Invoice {number} over {total} {currency} was paid in full by {customer_name}"
    ),
    "invoicing.invoice_reminded.v1": (
        "{customer_name} was reminded (level {level}) of invoice {number}"
    ),
    "invoicing.invoice_reopened.v1": "Invoice {number} is open again",
    "invoicing.invoice_sent.v1": "Invoice {number} was sent to {recipient}",
    "invoicing.invoice_voided.v1": "Invoice {number} was voided: {reason}",
    "invoicing.payment_received.v1": (
        "A payment of {amount} {currency} ({method}) was received on {received_on}"
    ),
    "invoicing.payment_reversed.v1": "A payment of {amount} {currency} was taken back",
    "invoicing.invoice_written_off.v1": ("Of invoice {number} {amount} {currency} was written off"),
    "notifications.notification_failed.v1": (
        "A message to {recipient} by {channel} could not be delivered: {error}"
    ),
    "notifications.notification_sent.v1": "A message was sent to {recipient} by {channel}",
    "organization.membership_changed.v1": "The units and departments of a user were changed",
    "organization.profile_changed.v1": "The look of {title} was changed",
    "organization.unit_changed.v1": "Business unit {code} ({title}) was changed",
    "organization.unit_created.v1": "Business unit {code} ({title}) was added",
    "people.attendance_clocked.v1": "An employee clocked {direction}",
    "people.attendance_corrected.v1": (
        "The attendance of {day} was corrected[ to {status}]: {note}"
    ),
    "people.department_changed.v1": "Department {code} ({title}) was set up or changed",
    "people.employee_change_cancelled.v1": (
        "The {kind} planned for {full_name} on {effective_on} was cancelled[: {reason}]"
    ),
    "people.employee_change_scheduled.v1": (
        "A {kind} was planned for {full_name} on {effective_on}"
    ),
    "people.employee_changed.v1": "The record of {full_name} ({code}) was changed",
    "people.employee_deleted.v1": "{full_name} ({code}) left, last day {left_on}",
    "people.employee_hired.v1": "{full_name} ({code}) was hired for {hired_on}",
}
# By which field a record is best known, most telling first.
TELLING = ("number", "tag", "code", "title", "full_name", "customer_name", "email", "recipient")
FIELD = re.compile(r"\{(\w+)\}")
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
SUMMARY_MAX = 500


def summary(name: str, data: Mapping[str, Any]) -> str:
    """One line of plain English about an event."""
    sentence = SENTENCES.get(name)
    told = _fallback(name, data) if sentence is None else _filled(sentence, data)
    return told[:SUMMARY_MAX]


def fields_of(sentence: str) -> set[str]:
    """The fields a sentence speaks of."""
    return set(FIELD.findall(sentence))


def person_behind(actor: str | None, on_behalf_of: str | None) -> UUID | None:
    """The user who did it, or for whom a service did it; nobody for a service of its own accord."""
    for told in (actor, on_behalf_of):
        try:
            return UUID(told or "")
        except ValueError:
            continue
    return None


def forget_before(now: datetime, keep_days: int | None) -> datetime | None:
    """The instant before which the feed forgets; None to keep everything."""
    return None if keep_days is None else now - timedelta(days=keep_days)


def _filled(sentence: str, data: Mapping[str, Any]) -> str:
    kept = OPTIONAL.sub(
        lambda part: (
            part[1] if all(data.get(f) is not None for f in FIELD.findall(part[1])) else ""
        ),
        sentence,
    )
    return FIELD.sub(lambda part: _plain(data.get(part[1])), kept)


def _fallback(name: str, data: Mapping[str, Any]) -> str:
    """``sales.order_placed.v1`` with number SO-7 reads "Order placed: SO-7"."""
    words = name.split(".")[1] if "." in name else name
    told = words.replace("_", " ").capitalize()
    known = [str(data[field]) for field in TELLING if data.get(field) is not None][:2]
    return f"{told}: {', '.join(known)}" if known else told


def _plain(value: Any) -> str:
    if value is None:
        return "(unknown)"
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value) or "none"
    return str(value)
