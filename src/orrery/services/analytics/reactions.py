"""What we count when others announce: one reaction per kind of subject, so that order is kept.

The inbox keeps the order of a subject's events within one reaction, not between several.
"""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.analytics import actions
from orrery.services.analytics.rules.folds import AssetEvent, EmployeeEvent, InvoiceEvent


async def count_asset(tx: Tx, caller: Caller, event: AssetEvent) -> None:
    """Count assets, their status, category and cost."""
    await actions.count_asset(tx, caller, event)


async def count_invoice(tx: Tx, caller: Caller, event: InvoiceEvent) -> None:
    """Count revenue and receivables."""
    await actions.count_invoice(tx, caller, event)


async def count_employee(tx: Tx, caller: Caller, event: EmployeeEvent) -> None:
    """Count heads."""
    await actions.count_employee(tx, caller, event)
