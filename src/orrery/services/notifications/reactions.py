"""What we write when others announce."""

from typing import Any

from orrery.contracts.assets import AssetAssigned
from orrery.contracts.identity import (
    UserChanged,
    UserCreated,
    UserDisabled,
    UserEnabled,
    UserLockedOut,
)
from orrery.contracts.invoicing import InvoicePaid, InvoiceReminded, InvoiceSent
from orrery.contracts.people import EmployeeChanged, EmployeeDeleted, EmployeeHired
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.services.notifications.actions import accounts, queue
from orrery.services.notifications.rules import kinds


async def send_receipt(tx: Tx, caller: Caller, event: InvoicePaid) -> None:
    """Thank the customer for the payment of an invoice."""
    facts: dict[str, Any] = {
        "number": event.number,
        "customer_name": event.customer_name,
        "currency": event.currency,
        "total_net": str(event.total_net),
        "total_tax": str(event.total_tax),
        "total": str(event.total),
        "paid_on": event.paid_on.isoformat(),
    }
    await queue.write_to_customer(
        tx,
        caller,
        kinds.RECEIPT,
        address=event.customer_email,
        name=event.customer_name,
        facts=facts,
        about=queue.About("invoicing.invoice", event.invoice_id),
    )


async def send_invoice(tx: Tx, caller: Caller, event: InvoiceSent) -> None:
    """Mail an invoice with its document, which is fetched when the mail goes out."""
    facts: dict[str, Any] = {
        "number": event.number,
        "customer_name": event.customer_name,
        "currency": event.currency,
        "total": str(event.total),
        "due_on": event.due_on.isoformat(),
        "message": event.message,
    }
    document = {"service": "invoicing", "path": event.document, "name": f"{event.number}.pdf"}
    await queue.write_to_customer(
        tx,
        caller,
        kinds.INVOICE,
        address=event.recipient,
        name=event.customer_name,
        facts=facts,
        about=queue.About("invoicing.invoice", event.invoice_id),
        attachments=[document],
    )


async def send_reminder(tx: Tx, caller: Caller, event: InvoiceReminded) -> None:
    """Remind the customer of an overdue invoice."""
    facts: dict[str, Any] = {
        "number": event.number,
        "customer_name": event.customer_name,
        "currency": event.currency,
        "due_on": event.due_on.isoformat(),
        "level": event.level,
        "fee": str(event.fee) if event.fee else None,
        "amount_open": str(event.amount_open),
    }
    await queue.write_to_customer(
        tx,
        caller,
        kinds.REMINDER,
        address=event.recipient,
        name=event.customer_name,
        facts=facts,
        about=queue.About("invoicing.invoice", event.invoice_id),
    )


async def tell_holder(tx: Tx, caller: Caller, event: AssetAssigned) -> None:
    """Tell the user behind an employee, when there is one, what was handed to him."""
    await queue.write_to_employee(
        tx,
        caller,
        kinds.ASSET_ASSIGNED,
        event.employee_id,
        facts={"tag": event.tag, "assigned_on": event.assigned_on.isoformat()},
        about=queue.About("assets.asset", event.asset_id),
    )


async def warn_of_lock_out(tx: Tx, caller: Caller, event: UserLockedOut) -> None:
    """Warn a user that somebody tried his password too often."""
    await queue.write_to_account(
        tx,
        caller,
        kinds.USER_LOCKED_OUT,
        event.user_id,
        email=event.email,
        facts={"until": event.until.isoformat()},
        about=queue.About("identity.user", event.user_id),
    )


async def keep_account(
    tx: Tx, caller: Caller, event: UserCreated | UserChanged | UserDisabled | UserEnabled
) -> None:
    """Keep the copy of an account; one reaction for all, so that they stay in order."""
    if isinstance(event, UserCreated | UserChanged):
        await accounts.keep_account(tx, event)
    else:
        is_disabled = isinstance(event, UserDisabled)
        await accounts.open_account(tx, event.user_id, is_disabled=is_disabled)


async def keep_employee(
    tx: Tx, caller: Caller, event: EmployeeHired | EmployeeChanged | EmployeeDeleted
) -> None:
    """Keep the address of an employee; one reaction for all, so that they stay in order."""
    email = None if isinstance(event, EmployeeDeleted) else event.email
    await accounts.keep_address(tx, event.employee_id, email)
