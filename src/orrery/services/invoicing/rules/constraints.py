"""What the database's own guards say, in invoicing's words."""

from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.rules.dates import DueBeforeDocument
from orrery.services.invoicing.rules.settlement import AppliedBeyondOpen, AppliedBeyondPayment


class CustomerKnown(Refusal):
    """There is a customer of this external id already."""

    code = "invoicing.customer_known"


class InvoiceKnown(Refusal):
    """There is an invoice of this external id already."""

    code = "invoicing.invoice_known"


class PaymentKnown(Refusal):
    """There is a payment of this external id already."""

    code = "invoicing.payment_known"


class CreditNoteKnown(Refusal):
    """There is a credit note of this external id already."""

    code = "invoicing.credit_note_known"


class InvoiceFrozen(Refusal):
    """An issued invoice is not changed; a credit note corrects it."""

    code = "invoicing.invoice_frozen"


class LevelTaken(Refusal):
    """Another dunning level has this number."""

    code = "invoicing.level_taken"


CONSTRAINTS: dict[str, type[Refusal]] = {
    "uq_customer_external_id": CustomerKnown,
    "uq_invoice_external_id": InvoiceKnown,
    "uq_payment_external_id": PaymentKnown,
    "uq_credit_note_external_id": CreditNoteKnown,
    "uq_dunning_level_level": LevelTaken,
    "ck_invoice_due_after_document": DueBeforeDocument,
    "ck_invoice_open_not_negative": AppliedBeyondOpen,
    "ck_payment_unapplied_in_range": AppliedBeyondPayment,
    "invoice_frozen": InvoiceFrozen,
}
