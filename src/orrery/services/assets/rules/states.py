"""What an asset can be and which verb leads where; refusals about custody and disposal."""

from datetime import date
from decimal import Decimal
from typing import Literal

from orrery.kernel.types.money import round_money
from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import Machine

AssetClass = Literal["system", "peripheral"]
Condition = Literal["new", "good", "fair", "poor", "broken"]
DisposalKind = Literal["sale", "scrap"]

# An asset in repair keeps its holder: it goes back to the desk it came from, so the end of a
# maintenance has two verbs, and the holder decides which of them is meant.
STATES = Machine(
    "asset",
    start="active",
    moves={
        ("active", "assign"): "assigned",
        ("assigned", "transfer"): "assigned",
        ("assigned", "return"): "active",
        ("maintenance", "return"): "maintenance",
        ("active", "send_to_maintenance"): "maintenance",
        ("assigned", "send_to_maintenance"): "maintenance",
        ("maintenance", "finish_maintenance"): "active",
        ("maintenance", "hand_back"): "assigned",
        ("active", "retire"): "retired",
        ("maintenance", "retire"): "retired",
        ("retired", "reinstate"): "active",
        ("active", "dispose"): "disposed",
        ("assigned", "dispose"): "disposed",
        ("maintenance", "dispose"): "disposed",
        ("retired", "dispose"): "disposed",
    },
)


class TagTaken(Refusal):
    """Another asset carries this tag."""

    code = "assets.tag_taken"


class SerialTaken(Refusal):
    """Another asset has this serial number."""

    code = "assets.serial_taken"


class AlreadyAssigned(Refusal):
    """The asset has a holder; it must come back first, or be transferred."""

    code = "assets.already_assigned"


class NotAssigned(Refusal):
    """The asset has no holder, so nothing can be returned or transferred."""

    code = "assets.not_assigned"


class SameHolder(Refusal):
    """A transfer to the employee who already holds the asset."""

    code = "assets.same_holder"


class UnknownEmployee(Refusal):
    """People knows no employee of this id."""

    code = "assets.unknown_employee"


class EmployeeInactive(Refusal):
    """The employee has left or is not active, so nothing may be handed to them."""

    code = "assets.employee_inactive"


class StillAssigned(Refusal):
    """The asset must come back from its holder before it is retired."""

    code = "assets.still_assigned"


class AssetIsDisposed(Refusal):
    """The asset left the company; its record is closed."""

    code = "assets.asset_disposed"


class WrongDate(Refusal):
    """A date lies before the event it must follow, or in the future."""

    code = "assets.wrong_date"


class SalvageAboveCost(Refusal):
    """The salvage value is higher than the cost, so there is nothing to depreciate."""

    code = "assets.salvage_above_cost"


class CostIsPosted(Refusal):
    """Depreciation of this cost has been posted; reverse the entries first."""

    code = "assets.cost_is_posted"


def assign(*, status: str, holder_id: object | None, tag: str) -> str:
    """The status after handing an asset out. Refuses: AlreadyAssigned, WrongState."""
    if status == "assigned":
        raise AlreadyAssigned(tag=tag, employee_id=holder_id)
    return STATES.after(status, "assign")


def give_back(*, status: str, holder_id: object | None, tag: str) -> str:
    """The status after a return. Refuses: NotAssigned, WrongState."""
    if holder_id is None:
        raise NotAssigned(tag=tag, status=status)
    return STATES.after(status, "return")


def transfer(*, status: str, holder_id: object | None, target_id: object, tag: str) -> str:
    """The status after a change of holder. Refuses: NotAssigned, SameHolder, WrongState."""
    if holder_id is None:
        raise NotAssigned(tag=tag, status=status)
    if holder_id == target_id:
        raise SameHolder(tag=tag, employee_id=holder_id)
    return STATES.after(status, "transfer")


def finish_maintenance(*, status: str, has_holder: bool) -> str:
    """The status after a repair: back to the holder, or into stock. Refuses: WrongState."""
    return STATES.after(status, "hand_back" if has_holder else "finish_maintenance")


def retire(*, status: str, holder_id: object | None, tag: str) -> str:
    """The status after taking an asset out of use. Refuses: StillAssigned, WrongState."""
    if holder_id is not None:
        raise StillAssigned(tag=tag, employee_id=holder_id)
    return STATES.after(status, "retire")


def check_open(status: str, tag: str) -> None:
    """Refuse changes to a record that is closed. Refuses: AssetIsDisposed."""
    if status == "disposed":
        raise AssetIsDisposed(tag=tag)


def check_between(name: str, on: date, *, earliest: date | None, latest: date) -> None:
    """Refuse a date that cannot have happened. Refuses: WrongDate."""
    if on > latest:
        raise WrongDate(field=name, date=on, latest=latest)
    if earliest is not None and on < earliest:
        raise WrongDate(field=name, date=on, earliest=earliest)


def check_salvage(*, cost: Decimal, salvage: Decimal) -> None:
    """Salvage is part of the cost. Refuses: SalvageAboveCost."""
    if salvage > cost:
        raise SalvageAboveCost(cost=cost, salvage_value=salvage)


def disposal_gain(*, proceeds: Decimal, book_value: Decimal, currency: str) -> Decimal:
    """Gain, or loss when negative: net proceeds less carrying amount (IAS 16, paragraph 71)."""
    return round_money(proceeds - book_value, currency)
