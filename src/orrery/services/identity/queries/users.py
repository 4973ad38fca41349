"""Users, roles and sign-ins as lists and records."""

from orrery.kernel.resources import Resource
from orrery.services.identity import models as m
from orrery.services.identity import permissions as p
from orrery.services.identity import schemas as s

UNIT = "t.unit_ids ?| %(caller_units)s::uuid[]::text[]"
DEPARTMENT = "t.department_ids ?| %(caller_departments)s::uuid[]::text[]"
ROLES_OF_USER = (
    "(select coalesce(json_agg(r.code order by r.code), '[]') from role_assignment x"
    " join role r on r.id = x.role_id where x.user_id = t.id)"
)

USERS = Resource(
    name="user",
    path="/users",
    table=m.User,
    view=s.UserView,
    may_read=p.USER_READ,
    columns={"roles": ROLES_OF_USER},
    filters=["email", "is_active", "employee_id", "last_signed_in_at"],
    sorts=["email", "full_name", "last_signed_in_at", "created_at"],
    search=["full_name", "email"],
    own="t.id = %(caller_user)s",
    department=DEPARTMENT,
    unit=UNIT,
)

ROLES = Resource(
    name="role",
    path="/roles",
    table=m.Role,
    view=s.RoleView,
    may_read=p.ROLE_READ,
    filters=["code", "is_archived"],
    sorts=["code", "name"],
    search=["code", "name", "description"],
)

SIGN_INS = Resource(
    name="sign_in",
    path="/sign-ins",
    table=m.SignIn,
    view=s.SignInView,
    may_read=p.SIGN_IN_READ,
    columns={"email": "a.email"},
    joins="join user_account a on a.id = t.user_id",
    filters=["user_id", "outcome", "created_at"],
    sorts=["created_at"],
    own="t.user_id = %(caller_user)s",
    department=DEPARTMENT.replace("t.", "a.", 1),
    unit=UNIT.replace("t.", "a.", 1),
    newest_first=True,
)
