"""Identity: users, credentials, sessions, tokens and roles."""

from orrery.contracts.organization import MembershipChanged
from orrery.contracts.people import EmployeeChanged, EmployeeDeleted, EmployeeHired
from orrery.kernel.service import Service
from orrery.services.identity import jobs, models, permissions, reactions, seed
from orrery.services.identity.api import account, roles, sign_in, users
from orrery.services.identity.rules.links import EmailTaken, EmployeeTaken
from orrery.services.identity.rules.roles import RoleCodeTaken
from orrery.services.identity.settings import Settings

SERVICE = Service(
    "identity",
    title="Identity",
    routers=[
        sign_in.router,
        account.router,
        roles.router,
        roles.resources,
        users.router,
        users.resources,
        users.sign_ins,
    ],
    internal=[sign_in.internal],
    reactions={
        EmployeeHired: [reactions.link_new_employee],
        EmployeeChanged: [reactions.link_changed_employee],
        EmployeeDeleted: [reactions.disable_leaver],
        MembershipChanged: [reactions.copy_membership],
    },
    jobs={"23 * * * *": jobs.forget_sessions, "41 3 * * *": jobs.tend_signing_keys},
    permissions=permissions.ALL,
    settings=Settings,
    tables=models.Base.metadata,
    platform_tables=models.Platform.metadata,
    constraints={
        "uq_user_account_email": EmailTaken,
        "uq_user_account_employee_id": EmployeeTaken,
        "uq_role_code": RoleCodeTaken,
    },
    provision=seed.provision,
    seed=seed.seed,
    issuer="/api/v1/identity/jwks",
)
