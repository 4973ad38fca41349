"""The scope of a permission inside reports: the same rules as the resources', as parameters."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import ReadTx
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import Forbidden, NotFound

# ``t`` is an invoice.
INVOICE_IN_SCOPE: LiteralString = (
    "(%(scope)s::text = 'all'"
    " or (%(scope)s::text = 'unit' and t.unit_id = any(%(caller_units)s::uuid[]))"
    " or (%(scope)s::text = 'own' and (t.created_by = %(caller_user)s::uuid"
    " or t.salesperson_id = %(caller_employee)s::uuid)))"
)
# ``t`` is a payment.
PAYMENT_IN_SCOPE: LiteralString = (
    "(%(scope)s::text = 'all'"
    " or (%(scope)s::text = 'unit' and t.unit_id = any(%(caller_units)s::uuid[]))"
    " or (%(scope)s::text = 'own' and t.created_by = %(caller_user)s::uuid))"
)
COVERED: LiteralString = (
    "select count(*) from invoice t where t.id = any(%(ids)s) and " + INVOICE_IN_SCOPE  # noqa: S608 - written-out constants
)
LATE: LiteralString = (
    "select t.id from invoice t where t.state in ('issued', 'partly_paid', 'overdue')"  # noqa: S608 - written-out constants
    " and t.due_on < %(day)s and t.amount_open > 0"
    " and (%(unit)s::uuid is null or t.unit_id = %(unit)s::uuid)"
    " and (%(customers)s::uuid[] is null or t.customer_id = any(%(customers)s::uuid[]))"
    " and " + INVOICE_IN_SCOPE + " order by t.due_on, t.id limit %(limit)s"
)


def scope_values(caller: Caller, permission: Permission) -> dict[str, Any]:
    """What the conditions above refer to. Refuses: Forbidden."""
    scope = caller.scope(permission)
    if scope is None:
        raise Forbidden(permission=permission.code)
    return {
        "scope": scope,
        "caller_user": caller.user_id,
        "caller_employee": caller.employee_id,
        "caller_units": list(caller.unit_ids),
    }


async def permit_invoices(
    tx: ReadTx, caller: Caller, permission: Permission, ids: Sequence[UUID]
) -> None:
    """Whether the permission's scope covers all these invoices. Refuses: NotFound."""
    values = scope_values(caller, permission)
    wanted = set(ids)
    if values["scope"] == "all" or not wanted:
        return
    if await tx.value(COVERED, ids=list(wanted), **values) != len(wanted):
        raise NotFound(resource="invoice")
