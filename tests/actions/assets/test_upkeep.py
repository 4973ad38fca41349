"""Maintenance: logs, what they move, and what falls due."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from orrery.kernel.db import Tx
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.services.assets import jobs
from orrery.services.assets import models as m
from orrery.services.assets.actions import disposal, upkeep
from orrery.services.assets.rules import states
from orrery.services.assets.rules import upkeep as rules
from orrery.services.assets.schemas.assets import DisposalDraft
from orrery.services.assets.schemas.upkeep import (
    LogCorrection,
    LogDraft,
    MaintenancePlanChange,
    MaintenancePlanDraft,
)
from tests.actions.assets.factories import announced, make_asset, make_held, on


async def make_plan(tx: Tx, asset_id: UUID, **values: object) -> m.MaintenancePlan:
    """An inspection every six months, due on 1 July 2024, reminded two weeks before."""
    given: dict[str, object] = {
        "asset_id": asset_id,
        "name": "Inspection",
        "every": 6,
        "every_unit": "month",
        "first_due_on": date(2024, 7, 1),
    }
    draft = MaintenancePlanDraft.model_validate(given | values)
    _, plan = await upkeep.plan_maintenance(tx, tx.caller, draft)
    return plan


def work(asset_id: UUID, **values: object) -> LogDraft:
    """A repair of today for 80.00."""
    given = {"asset_id": asset_id, "kind": "repair", "description": "Fan", "cost": "80.00"}
    return LogDraft.model_validate(given | values)


async def test_work_is_logged_and_announced(house: House) -> None:
    """TB ERP: maintenance log: type, description, cost, performer, date, next due."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        draft = work(asset.id, performer="Dell", next_due_on=date(2024, 12, 15))
        _, log = await upkeep.log_maintenance(tx, tx.caller, draft)
        assert (log.kind, log.cost, log.currency, log.performer) == (
            "repair",
            Decimal("80.00"),
            "EUR",
            "Dell",
        )
        assert (log.performed_on, log.next_due_on) == (date(2024, 6, 15), date(2024, 12, 15))
        assert vars(tx.events[-1]) == {
            "asset_id": asset.id,
            "tag": asset.tag,
            "log_id": log.id,
            "kind": "repair",
            "performed_on": date(2024, 6, 15),
            "cost": Decimal("80.00"),
            "currency": "EUR",
            "next_due_on": date(2024, 12, 15),
        }


async def test_work_is_not_logged_for_tomorrow_or_before_the_purchase(house: House) -> None:
    """A log says what was done; both limits are allowed."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx, purchased_on=date(2024, 6, 1))
        for wrong in (date(2024, 5, 31), date(2024, 6, 16)):
            draft = work(asset.id, performed_on=wrong)
            with pytest.raises(states.WrongDate):
                await upkeep.log_maintenance(tx, tx.caller, draft)
        assert await tx.all(m.MaintenanceLog, asset_id=asset.id) == []
        draft = work(asset.id, next_due_on=date(2024, 6, 15))
        with pytest.raises(states.WrongDate):
            await upkeep.log_maintenance(tx, tx.caller, draft)
        for right in (date(2024, 6, 1), date(2024, 6, 15)):
            await upkeep.log_maintenance(tx, tx.caller, work(asset.id, performed_on=right))
        assert len(await tx.all(m.MaintenanceLog, asset_id=asset.id)) == 2


async def test_a_plan_counts_from_the_last_visit(house: House) -> None:
    """Part B: maintenance plans by time (every N days/months)."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        plan = await make_plan(tx, asset.id)
        assert (plan.next_due_on, plan.state) == (date(2024, 7, 1), "planned")
        draft = work(asset.id, plan_id=plan.id, performed_on=date(2024, 6, 10))
        _, log = await upkeep.log_maintenance(tx, tx.caller, draft)
        plan = await tx.one(m.MaintenancePlan, plan.id)
        assert (plan.last_done_on, plan.next_due_on) == (date(2024, 6, 10), date(2024, 12, 10))
        correction = LogCorrection(performed_on=date(2024, 6, 1), cost=Decimal("90"))
        _, log = await upkeep.correct_log(tx, tx.caller, log.id, correction)
        assert log.cost == Decimal("90.00")
        plan = await tx.one(m.MaintenancePlan, plan.id)
        assert plan.next_due_on == date(2024, 12, 1)
        await upkeep.void_log(tx, tx.caller, log.id, "Another asset was meant")
        plan = await tx.one(m.MaintenancePlan, plan.id)
        assert (plan.last_done_on, plan.next_due_on) == (None, date(2024, 7, 1))
        with pytest.raises(rules.LogIsVoid):
            await upkeep.correct_log(tx, tx.caller, log.id, correction)


async def test_a_correction_keeps_what_was_said_before(house: House) -> None:
    """Part B: maintenance logs CRUD-like with correction; the history has old and new."""
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        _, log = await upkeep.log_maintenance(tx, tx.caller, work(asset.id))
        await upkeep.correct_log(tx, tx.caller, log.id, LogCorrection(description="Battery"))
        told = await tx.row(
            "select before ->> 'description' as old, after ->> 'description' as new from history"
            " where record_id = %(id)s and verb = 'update'",
            id=log.id,
        )
        assert told is not None
        assert tuple(told) == ("Fan", "Battery")


async def test_the_nightly_job_marks_what_is_due_and_overdue(house: House) -> None:
    """Part B: a daily job marks due/overdue; lead days before the date it is due."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        anna = new_id()
        asset = await make_held(tx, anna)
        plan = await make_plan(tx, asset.id)
        tx.events.clear()
        for day, state, told in (
            ("2024-06-16", "planned", []),
            ("2024-06-17", "due", ["MaintenanceFellDue"]),
            ("2024-07-01", "due", []),
            ("2024-07-02", "overdue", ["MaintenanceFellDue"]),
        ):
            on(day)
            await jobs.mark_due(tx, tx.caller)
            assert (await tx.one(m.MaintenancePlan, plan.id)).state == state
            assert announced(tx) == told
            if told:
                assert vars(tx.events[0]) == {
                    "asset_id": asset.id,
                    "tag": asset.tag,
                    "plan_id": plan.id,
                    "title": "Inspection",
                    "due_on": date(2024, 7, 1),
                    "state": state,
                    "assigned_employee_id": anna,
                }
            tx.events.clear()


async def test_a_next_date_without_a_plan_becomes_a_reminder(house: House) -> None:
    """TB ERP: the log's next due; the next work of that kind fulfils it."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        draft = work(asset.id, next_due_on=date(2024, 6, 20))
        _, log = await upkeep.log_maintenance(tx, tx.caller, draft)
        reminder = await tx.find(m.MaintenancePlan, origin_log_id=log.id)
        assert reminder is not None
        assert (reminder.next_due_on, reminder.state) == (date(2024, 6, 20), "due")
        later = LogCorrection(next_due_on=date(2024, 9, 20))
        await upkeep.correct_log(tx, tx.caller, log.id, later)
        reminder = await tx.one(m.MaintenancePlan, reminder.id)
        assert (reminder.next_due_on, reminder.state) == (date(2024, 9, 20), "planned")
        await upkeep.log_maintenance(tx, tx.caller, work(asset.id, kind="cleaning"))
        assert not (await tx.one(m.MaintenancePlan, reminder.id)).is_ended
        await upkeep.log_maintenance(tx, tx.caller, work(asset.id))
        reminder = await tx.one(m.MaintenancePlan, reminder.id)
        assert (reminder.is_ended, reminder.last_done_on) == (True, date(2024, 6, 15))


async def test_a_voided_log_takes_its_reminder_with_it(house: House) -> None:
    """What was never done asks for nothing."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        draft = work(asset.id, next_due_on=date(2024, 9, 20))
        _, log = await upkeep.log_maintenance(tx, tx.caller, draft)
        await upkeep.void_log(tx, tx.caller, log.id, "Typed twice")
        reminder = await tx.find(m.MaintenancePlan, origin_log_id=log.id)
        assert reminder is not None
        assert reminder.is_ended


async def test_a_single_visit_ends_its_plan(house: House) -> None:
    """A plan without an interval is done when it was done."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        plan = await make_plan(tx, asset.id, every=None, every_unit=None)
        await upkeep.log_maintenance(tx, tx.caller, work(asset.id, plan_id=plan.id))
        assert (await tx.one(m.MaintenancePlan, plan.id)).is_ended
        with pytest.raises(rules.PlanIsEnded):
            await upkeep.log_maintenance(tx, tx.caller, work(asset.id, plan_id=plan.id))
        assert len(await tx.all(m.MaintenanceLog, asset_id=asset.id)) == 1


async def test_a_plan_belongs_to_its_asset(house: House) -> None:
    """Work on one asset does not count for another's plan."""
    async with house.tx("assets") as tx:
        mine, other = await make_asset(tx), await make_asset(tx)
        plan = await make_plan(tx, other.id)
        with pytest.raises(rules.PlanOfOtherAsset):
            await upkeep.log_maintenance(tx, tx.caller, work(mine.id, plan_id=plan.id))
        assert await tx.all(m.MaintenanceLog, asset_id=mine.id) == []
        assert (await tx.one(m.MaintenancePlan, plan.id)).last_done_on is None


async def test_changing_a_plan_moves_its_next_date(house: House) -> None:
    """The next date follows the interval from the last visit."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        plan = await make_plan(tx, asset.id)
        await upkeep.log_maintenance(tx, tx.caller, work(asset.id, plan_id=plan.id))
        change = MaintenancePlanChange(every=90, every_unit="day", lead_days=100)
        _, plan = await upkeep.change_plan(tx, tx.caller, plan.id, change)
        assert plan.next_due_on == date(2024, 6, 15) + timedelta(days=90)
        assert plan.state == "due"
        _, plan = await upkeep.end_plan(tx, tx.caller, plan.id)
        assert plan.is_ended
        with pytest.raises(rules.PlanIsEnded):
            await upkeep.change_plan(tx, tx.caller, plan.id, change)


async def test_nothing_falls_due_for_what_is_gone(house: House) -> None:
    """A disposed asset takes its plans along, and takes no more logs."""
    on("2024-06-15")
    async with house.tx("assets") as tx:
        asset = await make_asset(tx)
        plan = await make_plan(tx, asset.id)
        await disposal.dispose_asset(tx, tx.caller, asset.id, DisposalDraft(kind="scrap"))
        on("2024-08-01")
        tx.events.clear()
        await jobs.mark_due(tx, tx.caller)
        assert announced(tx) == []
        assert (await tx.one(m.MaintenancePlan, plan.id)).is_ended
        with pytest.raises(states.AssetIsDisposed):
            await upkeep.log_maintenance(tx, tx.caller, work(asset.id))
