"""The manifest of organization."""

from orrery.contracts.identity import UserCreated
from orrery.contracts.people import DepartmentChanged
from orrery.kernel.service import Service
from orrery.services.organization import api, jobs, models, permissions, reactions, seed
from orrery.services.organization.actions import provisioning
from orrery.services.organization.rules.units import UnitCodeTaken

SERVICE = Service(
    "organization",
    title="Organization",
    routers=[api.router, api.unit_list, api.department_list, api.membership_list],
    reactions={
        DepartmentChanged: [reactions.keep_department],
        UserCreated: [reactions.welcome_user],
    },
    # Every hour, because midnight comes at another hour in every time zone.
    jobs={"5 * * * *": jobs.retell_memberships},
    permissions=permissions.ALL,
    tables=models.Base.metadata,
    constraints={"uq_unit_code": UnitCodeTaken},
    provision=provisioning.provision,
    seed=seed.seed,
)
