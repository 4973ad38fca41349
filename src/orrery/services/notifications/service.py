"""The manifest of notifications."""

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
from orrery.kernel.service import Service
from orrery.services.notifications import api, models, permissions, reactions
from orrery.services.notifications.actions import delivery, templates
from orrery.services.notifications.rules.delivery import STATES, AlreadyQueued
from orrery.services.notifications.rules.templates import TemplateChangedMeanwhile
from orrery.services.notifications.settings import Settings

SERVICE = Service(
    "notifications",
    title="Notifications",
    routers=[api.router, api.resources],
    reactions={
        InvoicePaid: [reactions.send_receipt],
        InvoiceSent: [reactions.send_invoice],
        InvoiceReminded: [reactions.send_reminder],
        AssetAssigned: [reactions.tell_holder],
        UserLockedOut: [reactions.warn_of_lock_out],
        UserCreated: [reactions.keep_account],
        UserChanged: [reactions.keep_account],
        UserDisabled: [reactions.keep_account],
        UserEnabled: [reactions.keep_account],
        EmployeeHired: [reactions.keep_employee],
        EmployeeChanged: [reactions.keep_employee],
        EmployeeDeleted: [reactions.keep_employee],
    },
    jobs={"* * * * *": delivery.deliver_due},
    deferred=[delivery.deliver_due],
    asks=["invoicing"],
    permissions=permissions.ALL,
    settings=Settings,
    tables=models.Base.metadata,
    constraints={
        "uq_message_event_id_recipient_channel": AlreadyQueued,
        "uq_template_version_kind_language_number": TemplateChangedMeanwhile,
    },
    machines=[STATES],
    provision=templates.introduce,
)
