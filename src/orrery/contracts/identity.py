"""What identity announces: accounts, sign-ins and what administrators change about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class UserCreated(Event):
    """An account was created."""

    name: ClassVar[str] = "identity.user_created.v1"
    user_id: UUID
    email: str
    full_name: str
    employee_id: UUID | None


@dataclass(frozen=True)
class UserDisabled(Event):
    """An account may not sign in any more; all its sessions ended."""

    name: ClassVar[str] = "identity.user_disabled.v1"
    user_id: UUID
    email: str
    reason: str


@dataclass(frozen=True)
class UserSignedIn(Event):
    """A session began."""

    name: ClassVar[str] = "identity.user_signed_in.v1"
    user_id: UUID
    session_id: UUID
    at: datetime
    device: str | None


@dataclass(frozen=True)
class UserLockedOut(Event):
    """Too many wrong passwords; the account waits until the time stated."""

    name: ClassVar[str] = "identity.user_locked_out.v1"
    user_id: UUID
    email: str
    until: datetime


@dataclass(frozen=True)
class SessionsRevoked(Event):
    """One session, or all of a user's when no session is named, ended before its time."""

    name: ClassVar[str] = "identity.sessions_revoked.v1"
    user_id: UUID
    session_id: UUID | None
    reason: str


@dataclass(frozen=True)
class RoleAssigned(Event):
    """A user's roles are now as stated."""

    name: ClassVar[str] = "identity.role_assigned.v1"
    user_id: UUID
    roles: list[str]


@dataclass(frozen=True)
class UserChanged(Event):
    """An account's particulars are now as stated."""

    name: ClassVar[str] = "identity.user_changed.v1"
    user_id: UUID
    email: str
    full_name: str
    language: str
    employee_id: UUID | None


@dataclass(frozen=True)
class UserEnabled(Event):
    """An account may sign in again."""

    name: ClassVar[str] = "identity.user_enabled.v1"
    user_id: UUID
    email: str


@dataclass(frozen=True)
class PasswordChanged(Event):
    """A user changed his password, or an administrator set one that he has to replace."""

    name: ClassVar[str] = "identity.password_changed.v1"
    user_id: UUID
    email: str
    is_temporary: bool


@dataclass(frozen=True)
class ApiTokenIssued(Event):
    """A user made a token by which a program acts as him."""

    name: ClassVar[str] = "identity.api_token_issued.v1"
    user_id: UUID
    token_id: UUID
    title: str
    expires_at: datetime


@dataclass(frozen=True)
class ApiTokenRevoked(Event):
    """A program's token works no more."""

    name: ClassVar[str] = "identity.api_token_revoked.v1"
    user_id: UUID
    token_id: UUID
    title: str


@dataclass(frozen=True)
class RoleChanged(Event):
    """A role was created, or is now as stated; grants are pattern and scope."""

    name: ClassVar[str] = "identity.role_changed.v1"
    role_id: UUID
    code: str
    grants: dict[str, str]
    is_archived: bool
