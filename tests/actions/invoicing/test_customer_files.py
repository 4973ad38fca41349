"""Customers of one set of rows: checked together, written together, refused each for itself."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from orrery.contracts.invoicing import CustomerCreated
from orrery.kernel.db import Tx
from orrery.kernel.exchange.intake import RowsRefused
from orrery.kernel.testing import House
from orrery.services.invoicing.actions.customers import import_customers
from orrery.services.invoicing.models.parties import Customer
from orrery.services.invoicing.rules import parties
from orrery.services.invoicing.schemas.imports import CustomerImport
from tests.actions.invoicing.factories import make_customer, told


@pytest.fixture
async def tx(house: House) -> AsyncIterator[Tx]:
    async with house.tx("invoicing") as opened:
        yield opened


async def take_in(tx: Tx, *rows: dict[str, Any] | tuple[Any, dict[str, Any]]) -> list[Any]:
    """One set: rows that are new, and rows for a customer who is known."""
    pairs = [row if isinstance(row, tuple) else (None, row) for row in rows]
    return await import_customers(
        tx,
        tx.caller,
        [(CustomerImport.model_validate({"name": "Chop-suey"} | row), old) for old, row in pairs],
    )


def number(customer: Any) -> int:
    return int(customer.code.removeprefix("CUS-"))


async def test_all_bad_rows_of_a_set_are_named_before_anything_is_written(tx: Tx) -> None:
    """INT-3, row errors: however many are bad, they cost one more try, and no number."""
    known = await make_customer(tx, country="US", vat_number="1234")
    before = await tx.value("select count(*) from customer")
    with pytest.raises(RowsRefused) as refused:
        await take_in(
            tx,
            {"external_id": "0"},
            {"country": "Atlantis"},
            {"country": "DE", "vat_number": "136695977"},
            {"iban": "DE89 3704 0044 0532 0130 01"},
            {"currency": "ZZZ"},
            {"country": "DE", "vat_number": "136695976"},
            # The number that is kept already has to suit the new country.
            (known, {"country": "DE", "phone": "1"}),
        )
    assert {place: type(cause) for place, cause in refused.value.causes.items()} == {
        1: parties.CountryUnknown,
        2: parties.VatNumberInvalid,
        3: parties.IbanInvalid,
        4: parties.CurrencyUnknown,
        6: parties.VatNumberInvalid,
    }
    assert await tx.value("select count(*) from customer") == before
    assert await tx.one(Customer, known.id) == known
    assert told(tx) == ["CustomerCreated"]
    (following,) = await take_in(tx, {})
    assert number(following) == number(known) + 1


async def test_new_and_known_rows_of_a_set_answer_in_the_order_of_the_file(tx: Tx) -> None:
    """Codes follow each other as the rows do, and only who is new is announced."""
    known = await make_customer(tx, external_id="KNOWN", phone="1", credit_limit="100.25")
    del tx.events[:]
    first, changed, second = await take_in(
        tx,
        {"name": "First", "email": "first@acme.example", "iban": "DE89 3704 0044 0532 0130 00"},
        (known, {"name": "Known", "city": "Ulm"}),
        {"name": "Second", "country": "Germany", "vat_number": "136 695 976"},
    )
    assert [row.name for row in (first, changed, second)] == ["First", "Known", "Second"]
    assert [number(first), number(second)] == [number(known) + 1, number(known) + 2]
    assert (first.iban, first.bic) == ("DE89370400440532013000", "COBADEFFXXX")
    assert (second.country, second.vat_number, second.bic) == ("DE", "DE136695976", None)
    assert (changed.id, changed.code, changed.version) == (known.id, known.code, 2)
    assert tx.events == [
        CustomerCreated(
            customer_id=first.id, code=first.code, title="First", email="first@acme.example"
        ),
        CustomerCreated(customer_id=second.id, code=second.code, title="Second", email=None),
    ]


async def test_what_a_row_does_not_say_stays_and_an_empty_cell_clears(tx: Tx) -> None:
    """Also when another row of the set says it; an equal row writes nothing."""
    names = ("CLEARS", "LIMITS", "SAME")
    clears, limits, same = [
        await make_customer(
            tx, name, phone="1", credit_limit="100.25", iban="DE89370400440532013000"
        )
        for name in names
    ]
    after = await take_in(
        tx,
        (clears, {"name": "CLEARS", "phone": None, "iban": None}),
        (limits, {"name": "LIMITS", "credit_limit": "99.99", "address_lines": ["Bay 2"]}),
        (same, {"name": "SAME", "phone": "1", "credit_limit": "100.250"}),
    )
    assert [(c.phone, c.iban, c.bic, c.credit_limit, c.address_lines) for c in after] == [
        (None, None, None, Decimal("100.25"), []),
        ("1", "DE89370400440532013000", "COBADEFFXXX", Decimal("99.99"), ["Bay 2"]),
        ("1", "DE89370400440532013000", "COBADEFFXXX", Decimal("100.25"), []),
    ]
    assert [row.version for row in after] == [2, 2, 1]
    assert [await tx.one(Customer, row.id) for row in after] == after
