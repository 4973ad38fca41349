"""Links between users and employees: equal e-mail addresses, and never two to one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from orrery.kernel.types.refusal import Malformed, Refusal

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
EMAIL_LENGTH = 254


class BadEmail(Malformed):
    """This cannot be an e-mail address."""

    code = "identity.bad_email"


class EmailTaken(Refusal):
    """Another user of the tenant has this e-mail address."""

    code = "identity.email_taken"


class EmployeeTaken(Refusal):
    """Another user is linked with this employee."""

    code = "identity.employee_taken"


@dataclass(frozen=True)
class Account:
    """What the link needs to know of a user."""

    id: UUID
    email: str
    employee_id: UUID | None


def normal_email(text: str) -> str:
    """An e-mail address as users are known by it: trimmed and in lower case. Refuses: BadEmail."""
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH or not EMAIL.fullmatch(email):
        raise BadEmail(email=text[:EMAIL_LENGTH])
    return email


def link_changes(
    employee_id: UUID, email: str | None, accounts: Sequence[Account]
) -> dict[UUID, UUID | None]:
    """Which users' links change, and to what, so that the employee is his e-mail's user.

    ``accounts`` are the users with that e-mail or with that link. A user who is linked already
    keeps the link when nobody has the employee's new address, and a user who belongs to another
    employee is left alone.
    """
    wanted = email.strip().lower() if email else None
    match = next((a for a in accounts if a.email == wanted and a.employee_id is None), None)
    if match is None:
        return {}
    changes: dict[UUID, UUID | None] = {
        a.id: None for a in accounts if a.employee_id == employee_id
    }
    return changes | {match.id: employee_id}
