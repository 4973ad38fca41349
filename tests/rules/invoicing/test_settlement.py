"""FIN-4: payments partial, over, on several invoices; credits; never beyond what is open."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.kernel.types.refusal import Refusal
from orrery.services.invoicing.rules import crediting, settlement
from orrery.services.invoicing.rules.crediting import Remaining, credit_amount, credit_lines
from orrery.services.invoicing.rules.pricing import Item, Tax, TaxAmount, price

A, B, C = (UUID(int=n) for n in (1, 2, 3))
VAT = Tax("DE19", "USt", Decimal(19))
GST = Tax("GST", "GST", Decimal(5))


@pytest.mark.parametrize(
    "wanted, open_amount, left, result",
    [
        (None, "100", "40", "40"),
        (None, "100", "140", "100"),
        ("30", "100", "40", "30"),
        ("100", "100", "100", "100"),
        ("100.01", "100", "200", settlement.AppliedBeyondOpen),
        ("40.01", "100", "40", settlement.AppliedBeyondPayment),
        (None, "100", "0", settlement.AppliedBeyondPayment),
        (None, "0", "40", settlement.NothingOpen),
    ],
)
def test_how_much_of_a_payment_an_invoice_takes(
    wanted: str | None, open_amount: str, left: str, result: str | type[Refusal]
) -> None:
    values = {
        "wanted": Decimal(wanted) if wanted else None,
        "open_amount": Decimal(open_amount),
        "left": Decimal(left),
    }
    if isinstance(result, str):
        assert settlement.applied(**values) == Decimal(result)  # type: ignore[arg-type] # table
        return
    with pytest.raises(result):
        settlement.applied(**values)  # type: ignore[arg-type] # keyword table


@pytest.mark.parametrize(
    "left, shares",
    [
        ("50", [(A, "50")]),
        ("100", [(A, "100")]),
        ("130", [(A, "100"), (B, "30")]),
        ("200", [(A, "100"), (B, "50"), (C, "25")]),
        ("0", []),
    ],
)
def test_the_oldest_invoice_is_paid_first(left: str, shares: list[tuple[UUID, str]]) -> None:
    """What is left after that (25 of 200) stays as credit."""
    got = settlement.oldest_first(
        Decimal(left), [(A, Decimal(100)), (B, Decimal(50)), (C, Decimal(25))]
    )
    assert got == [(invoice, Decimal(amount)) for invoice, amount in shares]


def test_an_amount_has_no_finer_places_than_its_currency() -> None:
    assert str(settlement.check_amount(Decimal("12.5"), "EUR")) == "12.50"
    assert str(settlement.check_amount(Decimal("12"), "JPY")) == "12"
    for amount, currency in (("12.505", "EUR"), ("12.5", "JPY")):
        with pytest.raises(settlement.AmountTooFine):
            settlement.check_amount(Decimal(amount), currency)


def test_a_discount_is_earned_once_and_by_paying_the_whole_rest() -> None:
    settlement.check_discount(offered=Decimal(2), written_off=Decimal(0), until=None)
    settlement.check_discount_closes(
        discount=Decimal(2), amount=Decimal(98), open_amount=Decimal(100)
    )
    for offered, written_off in (("0", "0"), ("2", "2")):
        with pytest.raises(settlement.DiscountNotEarned):
            settlement.check_discount(
                offered=Decimal(offered), written_off=Decimal(written_off), until=None
            )
    with pytest.raises(settlement.DiscountNotEarned):
        settlement.check_discount_closes(
            discount=Decimal(2), amount=Decimal(97), open_amount=Decimal(100)
        )


def test_a_payment_names_an_invoice_once() -> None:
    settlement.check_once([A, B])
    with pytest.raises(settlement.InvoiceTwice):
        settlement.check_once([A, B, A])


def left_of(net: str, *taxes: tuple[Tax, str, str]) -> Remaining:
    return Remaining(
        Decimal(net),
        tuple(TaxAmount(t, Decimal(base), Decimal(amount)) for t, base, amount in taxes),
    )


def test_an_amount_is_credited_with_its_share_of_tax() -> None:
    """11.90 of an invoice over 119.00 takes back 10.00 net and 1.90 tax."""
    credit = credit_amount(
        Decimal("11.90"), left_of("100.00", (VAT, "100.00", "19.00")), currency="EUR"
    )
    assert (str(credit.net), str(credit.tax), str(credit.total)) == ("10.00", "1.90", "11.90")
    assert str(credit.taxes[0].base) == "10.00"


def test_no_more_is_credited_than_is_left() -> None:
    left = left_of("100.00", (VAT, "100.00", "19.00"))
    with pytest.raises(crediting.CreditBeyondOpen):
        credit_amount(Decimal("119.01"), left, currency="EUR")
    with pytest.raises(crediting.CreditBeyondOpen):
        crediting.check_credit(crediting.Credit(Decimal(10), ()), open_amount=Decimal("9.99"))


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=8),
    st.decimals("1", "200", places=2, allow_nan=False),
)
def test_credits_in_pieces_take_back_exactly_what_was_invoiced(
    cents: list[int], net: Decimal
) -> None:
    """However an invoice is credited away, net and every tax end at exactly zero."""
    totals = price([Item(Decimal(1), net, taxes=(VAT, GST))], currency="EUR", rounding="line")
    left = Remaining(totals.total_net, tuple(totals.taxes))
    for piece in [*(Decimal(c) / 100 for c in cents), None]:
        amount = left.total if piece is None else min(piece, left.total)
        if amount == 0:
            break
        credit = credit_amount(amount, left, currency="EUR")
        assert credit.total == amount
        taken = [(t.tax.code, t.base, t.amount) for t in credit.taxes]
        left = crediting.remaining(left.net, left.taxes, taken, credit.net)
        assert left.net >= 0
        assert all(tax.amount >= 0 for tax in left.taxes)
    assert left.total == 0
    assert [tax.amount for tax in left.taxes] == [0, 0]


def test_the_last_line_credited_takes_exactly_the_rest() -> None:
    """Three pieces of 0.35 at 19 % make 0.07 each, but the invoice had 0.20 on 1.05."""
    left = left_of("0.35", (VAT, "0.35", "0.06"))
    credit, totals = credit_lines(
        [Item(Decimal(1), Decimal("0.35"), taxes=(VAT,))],
        left,
        is_rest=True,
        currency="EUR",
        rounding="line",
    )
    assert str(credit.total) == "0.41"
    assert str(totals.total) == "0.42"


@pytest.mark.parametrize(
    "wanted, invoiced, credited, fits",
    [
        ("3", "3", "0", True), ("1", "3", "2", True), ("2", "3", "2", False),
        ("0", "3", "0", False), ("-1", "3", "0", False), ("-1", "-2", "-1", True),
        ("1", "-2", "0", False),
    ],
)  # fmt: skip
def test_no_more_of_a_line_is_credited_than_was_invoiced(
    wanted: str,
    invoiced: str,
    credited: str,
    fits: bool,
) -> None:
    values = {
        "wanted": Decimal(wanted),
        "invoiced": Decimal(invoiced),
        "credited": Decimal(credited),
    }
    if fits:
        crediting.check_quantity(position=1, **values)
        return
    with pytest.raises(crediting.CreditBeyondLine):
        crediting.check_quantity(position=1, **values)
