"""The first minute of a tenant: its units and look, from a template."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.organization import models as m
from orrery.services.organization.actions.profile import announce_profile
from orrery.services.organization.actions.units import create_unit
from orrery.services.organization.rules import profile as profile_rules
from orrery.services.organization.rules import templates


async def provision(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Fill a new tenant from its template.

    Refuses: UnknownTemplate, UnitUnsound. Announces: UnitCreated, ProfileChanged.
    """
    template = templates.template(order.template)
    for unit in template.units:
        await create_unit(
            tx,
            caller,
            {
                "id": templates.unit_id(order.tenant, unit.code),
                "code": unit.code,
                "name": unit.name.format(title=order.title),
                "country": order.country,
                "currency": order.currency,
                "time_zone": order.time_zone,
                "language": order.language,
                "tax_rounding": unit.tax_rounding,
                "is_headquarters": unit.is_headquarters,
            },
        )
    profile = await tx.add(
        m.Profile,
        is_only=True,
        title=order.title,
        logo_text=profile_rules.logo_of(order.title),
        accent_colour=template.accent_colour,
        paper_size=profile_rules.paper_of(order.country),
        template=template.name,
    )
    announce_profile(tx, profile)
