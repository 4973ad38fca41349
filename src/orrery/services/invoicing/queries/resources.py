"""What invoicing shows: lists, searches and exports, one declaration each."""

from orrery.kernel.resources import Resource
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.models.invoices import Invoice
from orrery.services.invoicing.models.parties import Customer, Seller
from orrery.services.invoicing.models.settlements import CreditNote, DunningRun, Payment
from orrery.services.invoicing.queries import details
from orrery.services.invoicing.schemas import invoices as i
from orrery.services.invoicing.schemas import parties
from orrery.services.invoicing.schemas import payments as pay

OF_CUSTOMER = "join customer c on c.id = t.customer_id"
OWN_INVOICE = "t.created_by = %(caller_user)s or t.salesperson_id = %(caller_employee)s"
CREATED = "t.created_by = %(caller_user)s"
IN_UNIT = "t.unit_id = any(%(caller_units)s)"

CUSTOMERS = Resource(
    name="customer",
    path="/customers",
    table=Customer,
    view=parties.CustomerView,
    may_read=p.CUSTOMER_READ,
    filters=[
        "code", "country", "currency", "is_archived", "is_dunning_blocked", "external_id",
        "vat_number",
    ],
    sorts=["code", "name", "country", "city", "created_at"],
    search=["code", "name", "legal_name", "contact_person", "email", "city"],
    own=CREATED,
    # Customers belong to the tenant, not to one of its units.
    unit="true",
    details=details.customer_details,
)  # fmt: skip
INVOICES = Resource(
    name="invoice",
    path="/invoices",
    table=Invoice,
    view=i.InvoiceView,
    may_read=p.INVOICE_READ,
    columns={"customer_code": "c.code", "customer_name": "c.name"},
    joins=OF_CUSTOMER,
    filters=[
        "state", "number", "customer_id", "unit_id", "document_date", "due_on", "salesperson_id",
        "dunning_level", "external_id",
    ],
    sorts=["number", "document_date", "due_on", "total", "amount_open", "customer_name"],
    search=["number", "customer_name", "customer_code", "reference"],
    own=OWN_INVOICE,
    unit=IN_UNIT,
    details=details.invoice_details,
    newest_first=True,
)  # fmt: skip
CREDIT_NOTES = Resource(
    name="credit_note",
    path="/credit-notes",
    table=CreditNote,
    view=i.CreditNoteView,
    may_read=p.CREDIT_NOTE_READ,
    columns={"invoice_number": "o.number", "customer_name": "c.name"},
    joins=OF_CUSTOMER + " join invoice o on o.id = t.invoice_id",
    filters=[
        "number",
        "invoice_id",
        "customer_id",
        "unit_id",
        "document_date",
        "external_id",
    ],
    sorts=["number", "document_date", "total", "customer_name"],
    search=["number", "invoice_number", "customer_name", "reason"],
    own="t.created_by = %(caller_user)s or o.salesperson_id = %(caller_employee)s",
    unit=IN_UNIT,
    details=details.credit_note_details,
    newest_first=True,
)
PAYMENTS = Resource(
    name="payment",
    path="/payments",
    table=Payment,
    view=pay.PaymentView,
    may_read=p.PAYMENT_READ,
    columns={"customer_code": "c.code", "customer_name": "c.name"},
    joins=OF_CUSTOMER,
    filters=[
        "state", "customer_id", "unit_id", "received_on", "amount_unapplied", "external_id",
    ],
    sorts=["received_on", "amount", "customer_name"],
    search=["reference", "customer_name", "customer_code"],
    own=CREATED,
    unit=IN_UNIT,
    details=details.payment_details,
    newest_first=True,
)  # fmt: skip
DUNNING_RUNS = Resource(
    name="dunning_run",
    path="/dunning-runs",
    table=DunningRun,
    view=pay.DunningRunView,
    may_read=p.DUNNING_READ,
    filters=["run_on", "unit_id"],
    sorts=["run_on"],
    own=CREATED,
    unit=IN_UNIT,
    details=details.dunning_run_details,
    newest_first=True,
)
SELLERS = Resource(
    name="seller",
    path="/sellers",
    table=Seller,
    view=parties.SellerView,
    may_read=p.SELLER_READ,
    filters=["unit_id"],
    sorts=["code"],
    search=["code", "title"],
    # How one's own units bill is no secret among those who work there.
    own="t.unit_id is null or t.unit_id = any(%(caller_units)s)",
    unit="t.unit_id is null or t.unit_id = any(%(caller_units)s)",
)
