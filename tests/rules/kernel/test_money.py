"""Money: exact, rounded half-up, never mixed (DESIGN 9)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.kernel.types.money import (
    CurrencyMismatch,
    Money,
    minor_units,
    round_half_up,
    round_money,
    split_evenly,
)


@pytest.mark.parametrize(
    "value, places, rounded",
    [
        ("1.005", 2, "1.01"),
        ("1.004999", 2, "1.00"),
        ("-1.005", 2, "-1.01"),
        ("0.5", 0, "1"),
        ("2.5", 0, "3"),
        ("12.345678", 6, "12.345678"),
    ],
)
def test_rounding_is_half_up(value: str, places: int, rounded: str) -> None:
    """Amounts are rounded half-up to the currency's minor units."""
    assert str(round_half_up(Decimal(value), places)) == rounded


@pytest.mark.parametrize("currency, digits", [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_minor_units_are_those_of_iso_4217(currency: str, digits: int) -> None:
    """JPY has no minor unit, KWD has three digits."""
    assert minor_units(currency) == digits


def test_two_currencies_are_never_added() -> None:
    """``Money(1, "EUR") + Money(1, "USD")`` raises (STYLE rule 13)."""
    with pytest.raises(CurrencyMismatch):
        Money(Decimal(1), "EUR") + Money(Decimal(1), "USD")
    assert Money(Decimal(1), "EUR") + Money(Decimal(2), "EUR") == Money(Decimal(3), "EUR")


@given(
    amount=st.decimals("-99999.99", "99999.99", places=2),
    weights=st.lists(st.decimals("0", "1000", places=3), min_size=1, max_size=12),
)
def test_the_parts_of_a_split_add_up_to_the_whole(amount: Decimal, weights: list[Decimal]) -> None:
    """No cent is lost or made."""
    parts = split_evenly(amount, weights, "EUR")
    assert sum(parts, Decimal(0)) == amount
    assert all(part == round_money(part, "EUR") for part in parts)
