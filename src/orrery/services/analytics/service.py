"""The manifest of analytics."""

from orrery.contracts import assets, invoicing, people
from orrery.kernel.service import Service
from orrery.services.analytics import actions, api, models, permissions
from orrery.services.analytics.reactions import count_asset, count_employee, count_invoice

SERVICE = Service(
    "analytics",
    title="Analytics",
    routers=[api.router],
    reactions={
        assets.AssetCreated: [count_asset],
        assets.AssetChanged: [count_asset],
        assets.AssetCostChanged: [count_asset],
        assets.AssetStatusChanged: [count_asset],
        assets.AssetAssigned: [count_asset],
        assets.AssetReturned: [count_asset],
        assets.AssetDisposed: [count_asset],
        assets.AssetWithdrawn: [count_asset],
        invoicing.InvoiceIssued: [count_invoice],
        invoicing.InvoicePaid: [count_invoice],
        invoicing.InvoiceReopened: [count_invoice],
        invoicing.InvoiceVoided: [count_invoice],
        invoicing.InvoiceWrittenOff: [count_invoice],
        invoicing.CreditNoteIssued: [count_invoice],
        invoicing.PaymentReceived: [count_invoice],
        invoicing.PaymentReversed: [count_invoice],
        people.EmployeeHired: [count_employee],
        people.EmployeeDeleted: [count_employee],
    },
    permissions=permissions.ALL,
    tables=models.Base.metadata,
    projections=models.PROJECTIONS,
    provision=actions.begin,
)
