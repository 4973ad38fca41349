"""The life of an invoice and of a payment, as tables that API and screen both ask."""

from datetime import date
from decimal import Decimal

from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import Machine

INVOICE = Machine(
    "invoice",
    start="draft",
    moves={
        ("draft", "change"): "draft",
        ("draft", "issue"): "issued",
        ("issued", "send"): "issued",
        ("partly_paid", "send"): "partly_paid",
        ("overdue", "send"): "overdue",
        ("paid", "send"): "paid",
        ("issued", "pay"): "paid",
        ("partly_paid", "pay"): "paid",
        ("overdue", "pay"): "paid",
        ("issued", "pay_part"): "partly_paid",
        ("partly_paid", "pay_part"): "partly_paid",
        # What is late stays late until the last cent: only the amount that is open shrinks.
        ("overdue", "pay_part"): "overdue",
        ("issued", "credit"): "issued",
        ("partly_paid", "credit"): "partly_paid",
        ("overdue", "credit"): "overdue",
        ("issued", "write_off"): "issued",
        ("partly_paid", "write_off"): "partly_paid",
        ("overdue", "write_off"): "overdue",
        ("issued", "fall_due"): "overdue",
        ("partly_paid", "fall_due"): "overdue",
        ("overdue", "remind"): "overdue",
        ("issued", "void"): "void",
        ("overdue", "void"): "void",
        # A payment was taken back.
        ("partly_paid", "reopen"): "issued",
        ("paid", "reopen"): "issued",
        ("partly_paid", "reopen_part"): "partly_paid",
        ("paid", "reopen_part"): "partly_paid",
        ("overdue", "reopen_late"): "overdue",
        ("partly_paid", "reopen_late"): "overdue",
        ("paid", "reopen_late"): "overdue",
    },
)
PAYMENT = Machine(
    "payment",
    start="received",
    moves={
        ("received", "apply"): "received",
        ("received", "unapply"): "received",
        ("received", "reverse"): "reversed",
    },
)
# The states in which the customer owes something; queries and indexes name them too.
OPEN = ("issued", "partly_paid", "overdue")


class InvoiceHasSettlements(Refusal):
    """Payments or credit notes were booked on the invoice; a credit note corrects it now."""

    code = "invoicing.invoice_has_settlements"


class InvoiceEmpty(Refusal):
    """An invoice without lines cannot be issued."""

    code = "invoicing.invoice_empty"


class TotalNegative(Refusal):
    """An invoice cannot come to less than nothing; that would be a credit note."""

    code = "invoicing.total_negative"


class CustomerArchived(Refusal):
    """The customer is archived and gets no new documents."""

    code = "invoicing.customer_archived"


class CreditLimitExceeded(Refusal):
    """With this invoice the customer would owe more than the credit limit."""

    code = "invoicing.credit_limit_exceeded"


class NoRecipient(Refusal):
    """Neither the request nor the customer names an e-mail address."""

    code = "invoicing.no_recipient"


def check_issue(*, lines: int, total: Decimal, is_archived: bool) -> None:
    """Whether a draft may be issued. Refuses: InvoiceEmpty, TotalNegative, CustomerArchived."""
    if lines == 0:
        raise InvoiceEmpty
    if total < 0:
        raise TotalNegative(total=total)
    if is_archived:
        raise CustomerArchived


def check_credit_limit(*, limit: Decimal | None, owed: Decimal, total: Decimal) -> None:
    """Whether the customer may owe this much more. Refuses: CreditLimitExceeded."""
    if limit is not None and owed + total > limit:
        raise CreditLimitExceeded(limit=limit, owed=owed, total=total)


def after_settlement(state: str, *, verb: str, amount_open: Decimal) -> str:
    """The state after a payment, credit note or write-off (``verb``) left this much open."""
    return INVOICE.after(state, "pay" if amount_open == 0 else verb)


def after_issue(*, total: Decimal) -> str:
    """The state of a fresh invoice: nothing to pay is paid at once."""
    issued = INVOICE.after("draft", "issue")
    return INVOICE.after(issued, "pay") if total == 0 else issued


def after_reversal(
    state: str, *, amount_paid: Decimal, amount_open: Decimal, due_on: date, today: date
) -> str:
    """The state after a payment was taken back."""
    if amount_open == 0:
        return state
    if state == "overdue" or due_on < today:
        return INVOICE.after(state, "reopen_late")
    return INVOICE.after(state, "reopen_part" if amount_paid > 0 else "reopen")


def check_voidable(*, amount_paid: Decimal, amount_reduced: Decimal) -> None:
    """Whether an invoice is still without payments and credits. Refuses: InvoiceHasSettlements."""
    if amount_paid != 0 or amount_reduced != 0:
        raise InvoiceHasSettlements(amount_paid=amount_paid, amount_reduced=amount_reduced)


def recipient(wanted: str | None, known: str | None) -> str:
    """Whom a document is mailed to. Refuses: NoRecipient."""
    address = wanted or known
    if not address:
        raise NoRecipient
    return address
