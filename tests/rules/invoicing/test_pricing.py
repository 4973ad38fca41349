"""FIN-7: taxes included and excluded, compound, rounded per line or per document."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.services.invoicing.rules.pricing import (
    Item,
    Tax,
    TaxCodeNotValid,
    TaxCodeUnknown,
    Totals,
    is_valid_on,
    price,
    spread,
    taxes_of,
)

VAT19 = Tax("DE19", "USt", Decimal(19))
VAT7 = Tax("DE7", "USt", Decimal(7))
FREE = Tax("DE0", "Tax free", Decimal(0))
VAT19_INCLUDED = Tax("DE19I", "USt", Decimal(19), is_included=True)
VAT20_INCLUDED = Tax("GB20I", "VAT", Decimal(20), is_included=True)
GST = Tax("GST", "GST", Decimal(5), sequence=10)
QST = Tax("QST", "QST", Decimal("9.5"), is_compound=True, sequence=20)
ECO_INCLUDED = Tax("ECO", "Eco levy", Decimal(2), is_included=True, sequence=5)
VAT_ON_ECO_INCLUDED = Tax(
    "VATECO", "VAT", Decimal(20), is_included=True, is_compound=True, sequence=30
)


def item(quantity: str, unit_price: str, *taxes: Tax, discount: str = "0") -> Item:
    return Item(Decimal(quantity), Decimal(unit_price), Decimal(discount), taxes)


def told(totals: Totals) -> tuple[str, str, str, list[tuple[str, str, str]]]:
    records = [(r.tax.code, str(r.base), str(r.amount)) for r in totals.taxes]
    return str(totals.total_net), str(totals.total_tax), str(totals.total), records


@pytest.mark.parametrize(
    "items, rounding, net, tax, total, records",
    [
        ([item("3", "10", VAT19)], "line", "30.00", "5.70", "35.70", [("DE19", "30.00", "5.70")]),
        # Half-up: 0.125 is 0.13, and a price of six places keeps them until the line is rounded.
        ([item("0.5", "0.25", FREE)], "line", "0.13", "0.00", "0.13", [("DE0", "0.13", "0.00")]),
        ([item("1000", "0.000125")], "line", "0.13", "0.00", "0.13", []),
        # A discount belongs to the line before it is rounded.
        ([item("7", "9.99", VAT19, discount="15")], "line", "59.44", "11.29", "70.73",
         [("DE19", "59.44", "11.29")]),
        ([item("1", "50", VAT19, discount="100")], "line", "0.00", "0.00", "0.00",
         [("DE19", "0.00", "0.00")]),
        # Several taxes on one document, each with its own base.
        ([item("2", "50", VAT19), item("1", "20", VAT7), item("1", "5")], "line",
         "125.00", "20.40", "145.40", [("DE19", "100.00", "19.00"), ("DE7", "20.00", "1.40")]),
        # Per line: three times 0.0855 is 0.09 each; per document: 1.35 x 19 % is 0.2565.
        ([item("1", "0.45", VAT19)] * 3, "line", "1.35", "0.27", "1.62",
         [("DE19", "1.35", "0.27")]),
        ([item("1", "0.45", VAT19)] * 3, "document", "1.35", "0.26", "1.61",
         [("DE19", "1.35", "0.26")]),
        # Per document the lines' own fractions are summed before they are rounded.
        ([item("1", "0.333")] * 3, "line", "0.99", "0.00", "0.99", []),
        ([item("1", "0.333")] * 3, "document", "1.00", "0.00", "1.00", []),
        # Included: 119.00 holds 19.00, whatever the rounding.
        ([item("1", "119", VAT19_INCLUDED)], "line", "100.00", "19.00", "119.00",
         [("DE19I", "100.00", "19.00")]),
        ([item("3", "9.99", VAT19_INCLUDED)], "document", "25.18", "4.79", "29.97",
         [("DE19I", "25.18", "4.79")]),
        ([item("1", "9.99", VAT19_INCLUDED)] * 3, "line", "25.17", "4.80", "29.97",
         [("DE19I", "25.17", "4.80")]),
        # Compound: QST is levied on the price with GST (105.11 x 9.5 %).
        ([item("1", "100.10", GST, QST)], "line", "100.10", "15.00", "115.10",
         [("GST", "100.10", "5.01"), ("QST", "105.11", "9.99")]),
        ([item("1", "100.10", GST, QST)], "document", "100.10", "15.00", "115.10",
         [("GST", "100.10", "5.01"), ("QST", "105.11", "9.99")]),
        # Compound on lines of which only some bear the tax before it.
        ([item("1", "100", GST, QST), item("1", "100", QST), item("1", "100", GST)], "document",
         "300.00", "29.48", "329.48", [("GST", "200.00", "10.00"), ("QST", "205.00", "19.48")]),
        # Included compound: 122.40 = 100.00 + 2.00 levy + 20 % of 102.00.
        ([item("1", "122.40", ECO_INCLUDED, VAT_ON_ECO_INCLUDED)], "line",
         "100.00", "22.40", "122.40", [("ECO", "100.00", "2.00"), ("VATECO", "102.00", "20.40")]),
        ([item("1", "122.40", ECO_INCLUDED, VAT_ON_ECO_INCLUDED)], "document",
         "100.00", "22.40", "122.40", [("ECO", "100.00", "2.00"), ("VATECO", "102.00", "20.40")]),
        # An included and an excluded tax on one line: 5 % on the net amount of 100.00.
        ([item("1", "119", VAT19_INCLUDED, GST)], "line", "100.00", "24.00", "124.00",
         [("DE19I", "100.00", "19.00"), ("GST", "100.00", "5.00")]),
        # A line that takes something off; the sum may be zero and the lines stay what they are.
        ([item("1", "10", VAT19), item("-1", "10", VAT19)], "document", "0.00", "0.00", "0.00",
         [("DE19", "0.00", "0.00")]),
        ([], "line", "0.00", "0.00", "0.00", []),
    ],
)  # fmt: skip
def test_a_document_comes_to(
    items: list[Item],
    rounding: str,
    net: str,
    tax: str,
    total: str,
    records: list[tuple[str, str, str]],
) -> None:
    """FIN-7, by table: (base, amount) of every tax, totals to the cent."""
    totals = price(items, currency="EUR", rounding=rounding)  # type: ignore[arg-type] # a table of words
    assert told(totals) == (net, tax, total, records)


def test_lines_keep_their_amounts_when_the_document_adds_up_to_nothing() -> None:
    totals = price(
        [item("1", "10", VAT19), item("-1", "10", VAT19)], currency="EUR", rounding="document"
    )
    assert [str(line.net) for line in totals.lines] == ["10.00", "-10.00"]


@pytest.mark.parametrize(
    "currency, expected",
    [("JPY", "334"), ("EUR", "333.50"), ("KWD", "333.500"), ("CLF", "333.5000")],
)
def test_an_amount_has_its_currency_s_places(currency: str, expected: str) -> None:
    """DESIGN 9: amounts are rounded half-up to the currency's minor units."""
    totals = price([item("1", "333.5")], currency=currency, rounding="line")
    assert str(totals.total) == expected


def test_per_document_the_printed_lines_add_up_to_the_printed_total() -> None:
    """Totals are exactly what is printed: 3 x 0.333 is 1.00, so one line shows 0.34."""
    totals = price([item("1", "0.333")] * 3, currency="EUR", rounding="document")
    assert sorted(str(line.net) for line in totals.lines) == ["0.33", "0.33", "0.34"]


@pytest.mark.parametrize(
    "total, exact, expected",
    [
        ("1.00", ["0.333", "0.333", "0.334"], ["0.33", "0.33", "0.34"]),
        ("0.02", ["0.006", "0.006", "0.006"], ["0.00", "0.01", "0.01"]),
        ("0.00", ["0.004", "-0.004"], ["0.00", "0.00"]),
        ("0.01", ["0.004", "0.004"], ["0.01", "0.00"]),
    ],
)
def test_a_rounded_total_is_spread_over_its_parts(
    total: str, exact: list[str], expected: list[str]
) -> None:
    parts = spread(Decimal(total), [Decimal(e) for e in exact], 2)
    assert [str(part.copy_abs() if part == 0 else part) for part in parts] == expected


@pytest.mark.parametrize(
    "day, valid",
    [
        (date(2020, 6, 30), False),
        (date(2020, 7, 1), True),
        (date(2020, 12, 31), True),
        (date(2021, 1, 1), False),
    ],
)
def test_a_tax_code_is_valid_from_its_first_to_its_last_day(day: date, valid: bool) -> None:
    """Germany's 16 % of the second half of 2020, both ends included."""
    reduced = Tax(
        "DE16", "USt", Decimal(16), valid_from=date(2020, 7, 1), valid_to=date(2020, 12, 31)
    )
    assert is_valid_on(reduced, day) is valid
    if valid:
        assert taxes_of(["DE16"], {"DE16": reduced}, day) == (reduced,)
    else:
        with pytest.raises(TaxCodeNotValid):
            taxes_of(["DE16"], {"DE16": reduced}, day)


def test_an_unknown_tax_code_is_refused() -> None:
    with pytest.raises(TaxCodeUnknown):
        taxes_of(["DE99"], {"DE19": VAT19}, date(2026, 1, 1))


# --- properties -------------------------------------------------------------------------------

TAX_SETS = st.sampled_from(
    [(), (VAT19,), (VAT7,), (FREE,), (VAT19_INCLUDED,), (VAT20_INCLUDED,), (GST, QST), (GST,),
     (ECO_INCLUDED, VAT_ON_ECO_INCLUDED), (VAT19_INCLUDED, GST)]
)  # fmt: skip
QUANTITIES = st.decimals("-50", "5000", places=6, allow_nan=False).filter(lambda q: q != 0)
PRICES = st.decimals("0", "9999", places=6, allow_nan=False)
DISCOUNTS = st.decimals("0", "100", places=2, allow_nan=False)
ITEMS = st.builds(Item, QUANTITIES, PRICES, DISCOUNTS, TAX_SETS)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
ROUNDINGS = st.sampled_from(["line", "document"])
UNIT = {"EUR": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}


@given(st.lists(ITEMS, max_size=12), CURRENCIES, ROUNDINGS)
def test_net_and_taxes_always_add_up(items: list[Item], currency: str, rounding: str) -> None:
    """Sum of the tax records + net = total, and the lines' nets = net, in every mode."""
    totals = price(items, currency=currency, rounding=rounding)  # type: ignore[arg-type] # sampled words
    assert totals.total == totals.total_net + sum((r.amount for r in totals.taxes), Decimal(0))
    assert totals.total_tax == sum((r.amount for r in totals.taxes), Decimal(0))
    assert totals.total_net == sum((line.net for line in totals.lines), Decimal(0))
    for amount in [
        totals.total,
        *(r.amount for r in totals.taxes),
        *(r.base for r in totals.taxes),
    ]:
        assert amount == amount.quantize(UNIT[currency])


@given(
    st.lists(
        st.builds(
            Item,
            QUANTITIES,
            PRICES,
            DISCOUNTS,
            st.sampled_from([(VAT19_INCLUDED,), (ECO_INCLUDED, VAT_ON_ECO_INCLUDED), ()]),
        ),
        max_size=12,
    ),
    CURRENCIES,
    ROUNDINGS,
)
def test_an_included_tax_never_changes_the_gross(
    items: list[Item], currency: str, rounding: str
) -> None:
    """The customer pays what the price says: included taxes only say what is in it."""
    taxed = price(items, currency=currency, rounding=rounding)  # type: ignore[arg-type] # sampled words
    bare = [Item(i.quantity, i.unit_price, i.discount_percent) for i in items]
    untaxed = price(bare, currency=currency, rounding=rounding)  # type: ignore[arg-type] # sampled words
    assert taxed.total == untaxed.total
    assert [line.amount for line in taxed.lines] == [line.amount for line in untaxed.lines]


WHOLE_CENTS = st.builds(
    Item,
    st.integers(1, 200).map(Decimal),
    st.decimals("0", "999", places=2, allow_nan=False),
    st.just(Decimal(0)),
    st.sampled_from([(VAT19,), (VAT7,), (VAT19_INCLUDED,)]),
)


@given(st.lists(WHOLE_CENTS, min_size=1, max_size=15))
def test_rounding_per_document_differs_by_at_most_half_a_cent_a_line(items: list[Item]) -> None:
    """Each line's tax is off by half a cent at most, so n lines by n/2 for each tax (FIN-7)."""
    by_line = {r.tax.code: r.amount for r in price(items, currency="EUR", rounding="line").taxes}
    at_once = price(items, currency="EUR", rounding="document")
    for record in at_once.taxes:
        bearers = sum(1 for i in items if record.tax in i.taxes)
        limit = Decimal(bearers) / 2 * Decimal("0.01")
        assert abs(by_line[record.tax.code] - record.amount) <= limit


def test_the_limit_of_that_difference_is_reached() -> None:
    """Two lines of 0.50 at 1 % tax: half a cent each, two cents by line and one by document."""
    one = Tax("ONE", "One", Decimal(1))
    items = [item("1", "0.50", one)] * 2
    assert price(items, currency="EUR", rounding="line").total_tax == Decimal("0.02")
    assert price(items, currency="EUR", rounding="document").total_tax == Decimal("0.01")


@given(st.lists(ITEMS, max_size=12), CURRENCIES, ROUNDINGS)
def test_the_order_of_the_lines_does_not_matter(
    items: list[Item], currency: str, rounding: str
) -> None:
    forward = price(items, currency=currency, rounding=rounding)  # type: ignore[arg-type] # sampled words
    backward = price(items[::-1], currency=currency, rounding=rounding)  # type: ignore[arg-type] # sampled words
    assert (forward.total_net, forward.total) == (backward.total_net, backward.total)
