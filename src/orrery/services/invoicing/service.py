"""The manifest of invoicing."""

from orrery.contracts.organization import UnitChanged, UnitCreated
from orrery.kernel.service import Service
from orrery.services.invoicing import jobs, permissions, reactions, reference, seed
from orrery.services.invoicing.actions import provisioning
from orrery.services.invoicing.api import customers, invoices, lists, payments, reports
from orrery.services.invoicing.models.base import Base
from orrery.services.invoicing.rules import states
from orrery.services.invoicing.rules.constraints import CONSTRAINTS
from orrery.services.invoicing.settings import Settings

SERVICE = Service(
    "invoicing",
    title="Invoicing",
    routers=[
        customers.router,
        invoices.router,
        invoices.notes,
        payments.router,
        payments.runs,
        reports.router,
        reference.tax_codes,
        reference.payment_terms,
        reference.dunning_levels,
        *lists.routers,
    ],
    reactions={UnitCreated: [reactions.learn_unit], UnitChanged: [reactions.refresh_unit]},
    # A little after midnight in every time zone that keeps whole hours.
    jobs={"20 * * * *": jobs.mark_overdue},
    asks=["organization"],
    permissions=permissions.ALL,
    settings=Settings,
    tables=Base.metadata,
    constraints=CONSTRAINTS,
    machines=[states.INVOICE, states.PAYMENT],
    provision=provisioning.provision,
    seed=seed.seed,
)
