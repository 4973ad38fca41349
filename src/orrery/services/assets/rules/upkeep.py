"""When maintenance is due: plans by time, and what a log says about the next visit."""

from datetime import date, timedelta
from typing import Literal

from orrery.kernel.types.refusal import Refusal
from orrery.services.assets.rules.conventions import add_months

IntervalUnit = Literal["day", "month"]
DueState = Literal["planned", "due", "overdue"]


class LogIsVoid(Refusal):
    """The maintenance log was voided; it can be neither corrected nor voided again."""

    code = "assets.log_is_void"


class PlanOfOtherAsset(Refusal):
    """The maintenance plan belongs to another asset."""

    code = "assets.plan_of_other_asset"


class PlanIsEnded(Refusal):
    """The maintenance plan was ended; start a new one."""

    code = "assets.plan_is_ended"


def next_due(last_on: date, *, every: int, unit: IntervalUnit) -> date:
    """The day of the next maintenance after one that was done."""
    return last_on + timedelta(days=every) if unit == "day" else add_months(last_on, every)


def due_state(next_due_on: date, *, lead_days: int, today: date) -> DueState:
    """Overdue after the day itself; due from ``lead_days`` before it; planned until then."""
    if today > next_due_on:
        return "overdue"
    return "due" if today >= next_due_on - timedelta(days=lead_days) else "planned"
