"""The status table of an asset, and the refusals of custody."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from orrery.kernel.types.states import WrongState
from orrery.services.assets.rules import states

ANNA, BEN = UUID(int=1), UUID(int=2)


def test_every_status_can_be_reached_and_disposed_is_the_end() -> None:
    """TB ERP: status active | assigned | maintenance | retired | disposed."""
    assert states.STATES.states == {"active", "assigned", "maintenance", "retired", "disposed"}
    assert states.STATES.unreachable() == set()
    assert states.STATES.verbs("disposed") == []


def test_an_asset_cannot_be_assigned_twice() -> None:
    """TB ERP: cannot assign twice."""
    assert states.assign(status="active", holder_id=None, tag="A") == "assigned"
    with pytest.raises(states.AlreadyAssigned):
        states.assign(status="assigned", holder_id=ANNA, tag="A")


@pytest.mark.parametrize("status", ["maintenance", "retired", "disposed"])
def test_only_what_is_in_stock_can_be_assigned(status: str) -> None:
    """Part B: not retired, disposed or in maintenance."""
    with pytest.raises(WrongState) as refused:
        states.assign(status=status, holder_id=None, tag="A")
    assert refused.value.facts["state"] == status


def test_a_return_needs_a_holder() -> None:
    """TB ERP: return clears the assignee; without one there is nothing to return."""
    assert states.give_back(status="assigned", holder_id=ANNA, tag="A") == "active"
    assert states.give_back(status="maintenance", holder_id=ANNA, tag="A") == "maintenance"
    with pytest.raises(states.NotAssigned):
        states.give_back(status="active", holder_id=None, tag="A")


def test_a_transfer_needs_another_holder() -> None:
    """Part B: transfer is return and assign in one."""
    assert states.transfer(status="assigned", holder_id=ANNA, target_id=BEN, tag="A") == "assigned"
    with pytest.raises(states.SameHolder):
        states.transfer(status="assigned", holder_id=ANNA, target_id=ANNA, tag="A")
    with pytest.raises(states.NotAssigned):
        states.transfer(status="active", holder_id=None, target_id=BEN, tag="A")
    with pytest.raises(WrongState):
        states.transfer(status="maintenance", holder_id=ANNA, target_id=BEN, tag="A")


def test_a_repaired_asset_goes_back_to_its_holder_or_into_stock() -> None:
    """Maintenance keeps the holder, so its end depends on whether there is one."""
    assert states.finish_maintenance(status="maintenance", has_holder=True) == "assigned"
    assert states.finish_maintenance(status="maintenance", has_holder=False) == "active"
    with pytest.raises(WrongState):
        states.finish_maintenance(status="active", has_holder=False)


def test_a_held_asset_is_returned_before_it_is_retired() -> None:
    """Nothing is taken out of use while somebody holds it."""
    assert states.retire(status="active", holder_id=None, tag="A") == "retired"
    assert states.retire(status="maintenance", holder_id=None, tag="A") == "retired"
    with pytest.raises(states.StillAssigned):
        states.retire(status="assigned", holder_id=ANNA, tag="A")
    with pytest.raises(WrongState):
        states.retire(status="disposed", holder_id=None, tag="A")


def test_dates_lie_between_their_limits() -> None:
    """A disposal cannot happen tomorrow or before the purchase; both limits are allowed."""
    bought, today = date(2024, 1, 5), date(2024, 6, 1)
    for on in (bought, today):
        states.check_between("disposed_on", on, earliest=bought, latest=today)
    states.check_between("disposed_on", date(1990, 1, 1), earliest=None, latest=today)
    for on in (date(2024, 1, 4), date(2024, 6, 2)):
        with pytest.raises(states.WrongDate):
            states.check_between("disposed_on", on, earliest=bought, latest=today)


def test_salvage_may_equal_the_cost_but_not_exceed_it() -> None:
    """There is nothing to depreciate below zero."""
    states.check_salvage(cost=Decimal(10), salvage=Decimal(10))
    with pytest.raises(states.SalvageAboveCost):
        states.check_salvage(cost=Decimal(10), salvage=Decimal("10.01"))


@pytest.mark.parametrize(
    "proceeds, book_value, gain", [("500", "433.33", "66.67"), ("0", "433.33", "-433.33")]
)
def test_gain_is_proceeds_less_book_value(proceeds: str, book_value: str, gain: str) -> None:
    """Part B: gain or loss = proceeds - book value at that date."""
    found = states.disposal_gain(
        proceeds=Decimal(proceeds), book_value=Decimal(book_value), currency="EUR"
    )
    assert found == Decimal(gain)
