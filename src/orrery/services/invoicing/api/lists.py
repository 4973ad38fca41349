"""Lists, exports, records and imports of invoicing's resources."""

from dataclasses import replace

from orrery.kernel.exchange.imports import Import
from orrery.kernel.routing import resource_routes
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.actions.customers import import_customers
from orrery.services.invoicing.actions.imports import import_invoices
from orrery.services.invoicing.queries.resources import (
    CREDIT_NOTES,
    CUSTOMERS,
    DUNNING_RUNS,
    INVOICES,
    PAYMENTS,
    SELLERS,
)
from orrery.services.invoicing.schemas.imports import CustomerImport, InvoiceImport

CUSTOMER_FILES = Import(
    draft=CustomerImport,
    many=import_customers,
    permission=p.CUSTOMER_WRITE,
    keys=("external_id",),
)
# Rows of one document share their external id, so the action itself finds what belongs together.
INVOICE_FILES = Import(
    draft=InvoiceImport, many=import_invoices, permission=p.INVOICE_WRITE, keys=()
)

routers = [
    resource_routes(replace(CUSTOMERS, imports=CUSTOMER_FILES)),
    resource_routes(replace(INVOICES, imports=INVOICE_FILES)),
    resource_routes(CREDIT_NOTES),
    resource_routes(PAYMENTS),
    resource_routes(DUNNING_RUNS),
    resource_routes(SELLERS),
]
