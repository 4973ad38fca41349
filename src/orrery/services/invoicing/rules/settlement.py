"""What reduces an invoice: payments, credit notes, write-offs; never more than is open (FIN-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from orrery.kernel.types.money import minor_units
from orrery.kernel.types.refusal import Refusal

ZERO = Decimal(0)


class AppliedBeyondOpen(Refusal):
    """More was applied to an invoice than is open on it."""

    code = "invoicing.applied_beyond_open"


class AppliedBeyondPayment(Refusal):
    """More was applied than is left of the payment."""

    code = "invoicing.applied_beyond_payment"


class NothingOpen(Refusal):
    """Nothing is open on the invoice."""

    code = "invoicing.nothing_open"


class NothingApplied(Refusal):
    """The payment is not applied to that invoice."""

    code = "invoicing.nothing_applied"


class CustomerDiffers(Refusal):
    """The invoice and the payment belong to different customers."""

    code = "invoicing.customer_differs"


class CurrencyDiffers(Refusal):
    """The invoice and the payment are in different currencies."""

    code = "invoicing.currency_differs"


class UnitDiffers(Refusal):
    """The invoice and the payment belong to different business units."""

    code = "invoicing.unit_differs"


class DiscountNotEarned(Refusal):
    """The early-payment discount is not offered, was taken, or the payment came too late."""

    code = "invoicing.discount_not_earned"


class AmountTooFine(Refusal):
    """The amount has more decimal places than its currency."""

    code = "invoicing.amount_too_fine"


class InvoiceTwice(Refusal):
    """A payment names the same invoice twice."""

    code = "invoicing.invoice_twice"


@dataclass(frozen=True)
class Balance:
    """What an invoice comes to and what reduced it so far."""

    total: Decimal
    paid: Decimal
    credited: Decimal
    written_off: Decimal

    @property
    def open(self) -> Decimal:
        """What the customer still owes."""
        return self.total - self.paid - self.credited - self.written_off


def applied(*, wanted: Decimal | None, open_amount: Decimal, left: Decimal) -> Decimal:
    """How much of a payment goes to an invoice; all that fits when nothing is said.

    Refuses: NothingOpen, AppliedBeyondOpen, AppliedBeyondPayment.
    """
    if open_amount <= 0:
        raise NothingOpen
    if wanted is None:
        wanted = min(open_amount, left)
    if wanted > open_amount:
        raise AppliedBeyondOpen(wanted=wanted, open=open_amount)
    if wanted > left or left <= 0:
        raise AppliedBeyondPayment(wanted=wanted, left=left)
    return wanted


def oldest_first(
    left: Decimal, open_amounts: Sequence[tuple[UUID, Decimal]]
) -> list[tuple[UUID, Decimal]]:
    """Share a payment out over invoices in the given order until nothing is left of it."""
    shares = []
    for invoice_id, open_amount in open_amounts:
        part = min(left, open_amount)
        if part > 0:
            shares.append((invoice_id, part))
            left -= part
    return shares


def check_discount(*, offered: Decimal, written_off: Decimal, until: date | None) -> None:
    """Whether an early-payment discount may still be taken. Refuses: DiscountNotEarned."""
    if offered <= 0 or written_off > 0:
        raise DiscountNotEarned(offered=offered, written_off=written_off, until=until)


def check_discount_closes(*, discount: Decimal, amount: Decimal, open_amount: Decimal) -> None:
    """A discount is earned by paying all the rest. Refuses: DiscountNotEarned."""
    if discount > 0 and amount + discount != open_amount:
        raise DiscountNotEarned(amount=amount, discount=discount, open=open_amount)


def check_amount(amount: Decimal, currency: str) -> Decimal:
    """The amount with exactly its currency's places. Refuses: AmountTooFine."""
    step = Decimal(1).scaleb(-minor_units(currency))
    if amount != amount.quantize(step):
        raise AmountTooFine(amount=amount, currency=currency)
    return amount.quantize(step)


def check_same(left: object, right: object, refusal: type[Refusal]) -> None:
    """Refuse with the given class unless both are equal."""
    if left != right:
        raise refusal(invoice=left, payment=right)


def check_once(invoice_ids: Sequence[UUID]) -> None:
    """Whether every invoice is named once. Refuses: InvoiceTwice."""
    for invoice_id in invoice_ids:
        if invoice_ids.count(invoice_id) > 1:
            raise InvoiceTwice(invoice_id=invoice_id)
