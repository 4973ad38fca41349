"""What a new tenant starts with: its country's taxes, payment terms, reminders."""

from decimal import Decimal
from typing import Any

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.invoicing.models.parties import DunningLevel, PaymentTerm, Seller, TaxCode
from orrery.services.invoicing.rules.defaults import LEVELS, TERMS, StartTax, start_taxes
from orrery.services.invoicing.settings import Settings


async def provision(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Fill the lists of a new tenant."""
    await tx.add(
        Seller,
        unit_id=None,
        code=order.tenant.upper(),
        title=order.title,
        legal_name=order.title,
        address_lines=[],
        country=order.country,
        currency=order.currency,
        language=order.language,
        rounding="line",
        payment_term_days=tx.settings(Settings).payment_term_days,
        is_default=False,
    )
    await tx.add_many(TaxCode, [_tax_row(tax) for tax in start_taxes(order.country)])
    await tx.add_many(PaymentTerm, [dict(term) for term in TERMS])
    await tx.add_many(
        DunningLevel,
        [
            {**level, "fee": Decimal(str(level["fee"])), "currency": order.currency}
            for level in LEVELS
        ],
    )


def _tax_row(tax: StartTax) -> dict[str, Any]:
    return {
        "code": tax.code,
        "name": tax.name,
        "rate": tax.rate,
        "is_included": tax.is_included,
        "is_compound": False,
        "sequence": 10,
        "country": tax.country,
    }
