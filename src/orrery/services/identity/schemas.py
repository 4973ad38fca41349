"""JSON in and out of identity."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, SecretStr, StringConstraints

from orrery.kernel.schemas import Draft, Instant, View
from orrery.kernel.types.permission import Scope

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,40}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Password = Annotated[SecretStr, Field(max_length=1000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=150)]
# A role or a token that needs more says the same with a star.
Grants = Annotated[dict[Pattern, Scope], Field(max_length=200)]


# ------------------------------------------------------------------------------------ users
class UserView(View):
    """A user as administrators see him."""

    id: UUID
    email: str
    full_name: str
    language: str
    is_active: bool
    employee_id: UUID | None
    unit_ids: list[UUID]
    department_ids: list[UUID]
    roles: list[str]
    last_signed_in_at: Instant | None
    created_at: Instant
    version: int


class AssignmentDraft(Draft):
    """A role to give, by its code, possibly from or until an instant."""

    role: Code
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class AssignmentView(View):
    """A role that a user has, and whether it counts at present."""

    role_id: UUID
    code: str
    name: str
    valid_from: Instant | None
    valid_until: Instant | None
    counts: bool


class AssignmentsView(View):
    """The roles of a user."""

    items: list[AssignmentView]


class Assignments(Draft):
    """All the roles a user shall have from now on."""

    roles: Annotated[list[AssignmentDraft], Field(max_length=50)]


class UserDraft(Draft):
    """A new user; without a password he cannot sign in until one is set."""

    email: Email
    full_name: Name
    language: Language = "en"
    temporary_password: Password | None = None
    roles: Annotated[list[AssignmentDraft], Field(max_length=50, default_factory=list)]


class UserChange(Draft):
    """What an administrator changes about a user; what is left out stays."""

    email: Email | None = None
    full_name: Name | None = None
    language: Language | None = None


class EmployeeLink(Draft):
    """The employee a user is, or nobody."""

    employee_id: UUID | None


class Reason(Draft):
    """Why something is done, for whoever reads the history."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class TemporaryPassword(Draft):
    """A password that its user has to replace when he signs in."""

    password: Password


# --------------------------------------------------------------------------------- account
class Me(View):
    """Who is signed in, and what he may do."""

    user: UserView
    tenant: str
    time_zone: str
    roles: list[AssignmentView]
    grants: dict[str, Scope]
    session_id: UUID | None
    must_change_password: bool


class AccountChange(Draft):
    """What people change about themselves."""

    language: Language


class PasswordChange(Draft):
    """A new password, and the present one to prove who asks."""

    present: Password
    new: Password


# -------------------------------------------------------------------------------- sessions
class SignIn(Draft):
    """Whom to let in."""

    tenant: Annotated[str, StringConstraints(max_length=64)]
    email: Annotated[str, StringConstraints(max_length=254)]
    password: Password


class SignedIn(View):
    """A browser's session has begun; the cookie carries it."""

    user: UserView
    session_id: UUID
    ends_at: Instant
    csrf_token: str
    must_change_password: bool


class SessionView(View):
    """Where a user is signed in."""

    id: UUID
    for_programs: bool
    device: str | None
    address: str | None
    created_at: Instant
    last_seen_at: Instant
    ends_at: Instant
    is_current: bool


class Sessions(View):
    """Sessions that are alive."""

    items: list[SessionView]


class Ended(View):
    """How many sessions ended."""

    ended: int


class SignInView(View):
    """A sign-in, or an attempt at one."""

    id: UUID
    created_at: Instant
    user_id: UUID
    email: str
    outcome: str
    address: str | None
    device: str | None


# ---------------------------------------------------------------------------------- tokens
class TokenPair(View):
    """What a program works with: a short access token, and what gets the next one."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_at: Instant
    expires_in: int
    refresh_token: str
    must_change_password: bool


class Refresh(Draft):
    """The refresh token of last time; it works once."""

    refresh_token: Annotated[SecretStr, Field(max_length=200)]


class ApiTokenView(View):
    """A program's token, without its secret."""

    id: UUID
    name: str
    shown: str
    patterns: list[str] | None
    expires_at: Instant
    last_used_at: Instant | None
    revoked_at: Instant | None
    created_at: Instant


class ApiTokens(View):
    """A user's tokens for programs."""

    items: list[ApiTokenView]


class NewApiToken(View):
    """A program's token; its secret is shown this once."""

    token: ApiTokenView
    secret: str


class ApiTokenDraft(Draft):
    """A token for a program that acts as me, at most for the patterns named."""

    name: Name
    expires_at: AwareDatetime
    patterns: Annotated[list[Pattern], Field(min_length=1, max_length=200)] | None = None


class JsonWebKeySet(BaseModel):
    """The public keys by which access tokens are verified (RFC 7517)."""

    keys: list[dict[str, str]]


class Credential(Draft):
    """What the gateway was shown, and by whom."""

    kind: Literal["session", "api_token"]
    credential: Annotated[SecretStr, Field(max_length=300)]
    address: str | None = None
    device: str | None = None


class Resolved(View):
    """The access token that stands for a credential."""

    access_token: str
    expires_at: Instant
    tenant: str
    user_id: UUID
    session_id: UUID | None


# ----------------------------------------------------------------------------------- roles
class RoleView(View):
    """A role and what it grants."""

    id: UUID
    code: str
    name: str
    description: str
    is_built_in: bool
    is_archived: bool
    grants: dict[str, Scope]
    version: int


class RoleDraft(Draft):
    """A new role."""

    code: Code
    name: Name
    description: Annotated[str, StringConstraints(max_length=2000)] = ""
    grants: Grants


class RoleChange(Draft):
    """What changes about a role; what is left out stays."""

    name: Name | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    grants: Grants | None = None


class PermissionView(View):
    """A permission that some service knows."""

    code: str
    title: str
    service: str


class Permissions(View):
    """All permissions there are."""

    items: list[PermissionView]


class Because(View):
    """A grant that names the permission, and whether it counts."""

    role: str | None
    pattern: str
    scope: Scope
    valid_from: Instant | None
    valid_until: Instant | None
    counts: bool
    why: Literal["counts", "not_yet", "no_longer", "role_archived"]


class Explanation(View):
    """Why a user may or may not do something, and for which records."""

    user_id: UUID
    permission: str
    title: str
    is_allowed: bool
    scope: Scope | None
    because: list[Because]
    missing: Literal["disabled", "password_is_temporary", "no_grant", "grant_not_valid"] | None
    roles_that_would: list[str]
