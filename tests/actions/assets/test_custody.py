"""Custody: who has an asset, since when, and how it came back."""

from datetime import date
from uuid import UUID

import pytest

from orrery.contracts.people import EmployeeDeleted
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound, Unavailable
from orrery.kernel.types.states import WrongState
from orrery.services.assets import models as m
from orrery.services.assets import neighbours, reactions
from orrery.services.assets.actions import custody, register, upkeep
from orrery.services.assets.rules import states
from orrery.services.assets.schemas.assets import GiveBack, Handover
from tests.actions.assets.factories import announced, hire, make_asset, make_held, on


@pytest.fixture
def everybody_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for people, for tests that are not about asking it."""

    async def employee(tx: object, id: UUID) -> neighbours.Employee:
        return neighbours.Employee(id, is_active=True)

    monkeypatch.setattr(neighbours, "employee", employee)


async def test_an_employee_gets_an_asset(house: House) -> None:
    """Part B: assign asks people that the employee exists and is active; the history is kept."""
    on("2024-06-15")
    anna = await hire(house)
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        handover = Handover(employee_id=anna, notes="With charger")
        asset = await custody.assign_asset(tx, tx.caller, asset.id, handover)
        assert (asset.status, asset.assigned_employee_id) == ("assigned", anna)
        held = await tx.find(m.Assignment, asset_id=asset.id)
        assert held is not None
        assert (held.employee_id, held.assigned_on, held.notes) == (
            anna,
            date(2024, 6, 15),
            "With charger",
        )
        assert held.created_by == tx.caller.user_id
        assert announced(tx) == ["AssetCreated", "AssetStatusChanged", "AssetAssigned"]


async def test_nobody_who_does_not_work_here_gets_an_asset(house: House) -> None:
    """Part B: an unknown employee is refused, and nothing changes."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        with pytest.raises(states.UnknownEmployee):
            await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
        assert (await tx.one(m.Asset, asset.id)).status == "active"
        assert await tx.find(m.Assignment, asset_id=asset.id) is None
        assert announced(tx) == ["AssetCreated"]


async def test_nobody_who_left_gets_an_asset(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part B: the employee must be active."""

    async def gone(tx: object, id: UUID) -> neighbours.Employee:
        return neighbours.Employee(id, is_active=False)

    monkeypatch.setattr(neighbours, "employee", gone)
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        with pytest.raises(states.EmployeeInactive):
            await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
        assert (await tx.one(m.Asset, asset.id)).assigned_employee_id is None


async def test_without_an_answer_from_people_nothing_changes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part B: people down -> 503, nothing changed."""

    async def silent(tx: object, _: UUID) -> neighbours.Employee:
        raise Unavailable(service="people")

    monkeypatch.setattr(neighbours, "employee", silent)
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        with pytest.raises(Unavailable):
            await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
        assert (await tx.one(m.Asset, asset.id)).status == "active"
        assert await tx.find(m.Assignment, asset_id=asset.id) is None


async def test_people_is_asked_once_and_before_the_lock(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part B: asks people once, before any lock; and not at all when the answer cannot matter."""
    asked: list[list[str]] = []
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)

        async def employee(_: object, id: UUID) -> neighbours.Employee:
            locked = await tx.rows(
                "select mode from pg_locks where pid = pg_backend_pid()"
                " and relation = 'asset'::regclass and mode = 'RowShareLock'"
            )
            asked.append([row.mode for row in locked])
            return neighbours.Employee(id, is_active=True)

        monkeypatch.setattr(neighbours, "employee", employee)
        await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
        assert asked == [[]]
        with pytest.raises(states.AlreadyAssigned):
            await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
        assert len(asked) == 1


@pytest.mark.usefixtures("everybody_works_here")
async def test_an_asset_has_one_holder(house: House) -> None:
    """TB ERP: cannot assign twice; the database keeps it too."""
    anna, ben = new_id(), new_id()
    async with house.tx("assets") as tx:
        asset = await make_held(tx, anna)
        with pytest.raises(states.AlreadyAssigned) as refused:
            await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=ben))
        assert refused.value.facts == {"tag": asset.tag, "employee_id": anna}
        assert (await tx.one(m.Asset, asset.id)).assigned_employee_id == anna
        assert len(await tx.all(m.Assignment, asset_id=asset.id)) == 1


@pytest.mark.usefixtures("everybody_works_here")
async def test_what_is_not_in_stock_cannot_be_handed_out(house: House) -> None:
    """Part B: not retired, disposed or in maintenance."""
    async with house.tx("assets") as tx:
        retired, broken = await make_asset(tx), await make_asset(tx)
        await register.retire_asset(tx, tx.caller, retired.id)
        await upkeep.send_to_maintenance(tx, tx.caller, broken.id)
        for asset in (retired, broken):
            with pytest.raises(WrongState):
                await custody.assign_asset(tx, tx.caller, asset.id, Handover(employee_id=new_id()))
            assert await tx.find(m.Assignment, asset_id=asset.id) is None
        with pytest.raises(NotFound):
            await custody.assign_asset(tx, tx.caller, new_id(), Handover(employee_id=new_id()))


async def test_a_return_clears_the_holder_and_closes_the_assignment(house: House) -> None:
    """TB ERP: return clears assignee and closes assignment."""
    on("2024-06-15")
    anna = new_id()
    async with house.tx("assets") as tx:
        asset = await make_held(tx, anna)
        on("2024-07-01")
        back = GiveBack(condition="fair", location="Storage", notes="Scratched")
        asset = await custody.return_asset(tx, tx.caller, asset.id, back)
        assert (asset.status, asset.assigned_employee_id) == ("active", None)
        assert (asset.condition, asset.location) == ("fair", "Storage")
        held = await tx.find(m.Assignment, asset_id=asset.id)
        assert held is not None
        assert (held.returned_on, held.end_reason, held.return_notes, held.condition_in) == (
            date(2024, 7, 1),
            "returned",
            "Scratched",
            "fair",
        )
        assert held.returned_by == tx.caller.user_id
        assert announced(tx)[-2:] == ["AssetStatusChanged", "AssetReturned"]
        with pytest.raises(states.NotAssigned):
            await custody.return_asset(tx, tx.caller, asset.id, GiveBack())


async def test_an_asset_is_not_returned_before_it_was_handed_out(house: House) -> None:
    """A return lies between the hand-over and today; both limits are allowed."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_held(tx, new_id())
        for wrong in (date(2024, 6, 14), date(2024, 6, 16)):
            back = GiveBack(returned_on=wrong)
            with pytest.raises(states.WrongDate):
                await custody.return_asset(tx, tx.caller, asset.id, back)
            assert (await tx.one(m.Asset, asset.id)).status == "assigned"
        back = GiveBack(returned_on=date(2024, 6, 15))
        asset = await custody.return_asset(tx, tx.caller, asset.id, back)
        assert asset.assigned_employee_id is None


@pytest.mark.usefixtures("everybody_works_here")
async def test_a_transfer_is_return_and_hand_over_in_one(house: House) -> None:
    """Part B: transfer (return + assign in one); the history names both."""
    on("2024-06-15")
    anna, ben = new_id(), new_id()
    async with house.tx("assets") as tx:
        asset = await make_held(tx, anna)
        on("2024-08-01")
        asset = await custody.transfer_asset(tx, tx.caller, asset.id, Handover(employee_id=ben))
        assert (asset.status, asset.assigned_employee_id) == ("assigned", ben)
        history = await tx.all(m.Assignment, asset_id=asset.id)
        history.sort(key=lambda held: held.returned_on is None)
        assert [(h.employee_id, h.returned_on, h.end_reason) for h in history] == [
            (anna, date(2024, 8, 1), "transferred"),
            (ben, None, None),
        ]
        assert announced(tx)[-2:] == ["AssetReturned", "AssetAssigned"]
        with pytest.raises(states.SameHolder):
            await custody.transfer_asset(tx, tx.caller, asset.id, Handover(employee_id=ben))


async def test_maintenance_keeps_the_holder(house: House) -> None:
    """A repaired asset goes back to the desk it came from, or into stock if it was given back."""
    anna = new_id()
    async with house.tx("assets") as tx:
        asset = await make_held(tx, anna)
        asset = await upkeep.send_to_maintenance(tx, tx.caller, asset.id)
        assert (asset.status, asset.assigned_employee_id) == ("maintenance", anna)
        asset = await upkeep.finish_maintenance(tx, tx.caller, asset.id)
        assert (asset.status, asset.assigned_employee_id) == ("assigned", anna)
        await upkeep.send_to_maintenance(tx, tx.caller, asset.id)
        asset = await custody.return_asset(tx, tx.caller, asset.id, GiveBack())
        assert (asset.status, asset.assigned_employee_id) == ("maintenance", None)
        asset = await upkeep.finish_maintenance(tx, tx.caller, asset.id)
        assert asset.status == "active"


async def test_who_leaves_holds_nothing_any_more(house: House) -> None:
    """TB ERP: employee.deleted -> assets' assignee is NULL; the assignment's end says why."""
    on("2024-06-15")
    anna, ben = new_id(), new_id()
    async with house.tx("assets") as tx:
        desk, repair = await make_held(tx, anna), await make_held(tx, anna)
        other = await make_held(tx, ben)
        await upkeep.send_to_maintenance(tx, tx.caller, repair.id)
        tx.events.clear()
        left = EmployeeDeleted(anna, "EMP-007", "Anna Berg", None, date(2024, 6, 14))
        await reactions.release_assets(tx, tx.caller, left)
        for asset, status in ((desk, "active"), (repair, "maintenance")):
            now = await tx.one(m.Asset, asset.id)
            assert (now.status, now.assigned_employee_id) == (status, None)
            held = await tx.find(m.Assignment, asset_id=asset.id)
            assert held is not None
            assert (held.returned_on, held.end_reason) == (date(2024, 6, 15), "employee_deleted")
            assert held.return_notes == "EMP-007 Anna Berg left on 2024-06-14."
        assert (await tx.one(m.Asset, other.id)).assigned_employee_id == ben
        assert sorted(announced(tx)) == ["AssetReturned", "AssetReturned", "AssetStatusChanged"]
        assert {getattr(event, "reason", None) for event in tx.events} == {
            "employee_deleted",
            None,
        }
        tx.events.clear()
        await reactions.release_assets(tx, tx.caller, left)
        assert announced(tx) == []
