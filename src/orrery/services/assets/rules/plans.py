"""What a depreciation schedule is computed from, and which combinations make sense."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from orrery.kernel.types.refusal import Refusal
from orrery.services.assets.rules.conventions import Convention

Method = Literal[
    "straight_line", "declining_balance", "sum_of_years", "units_of_production", "macrs"
]

# A century: nothing in a register lives longer, and a schedule stays a list one can print.
MAX_LIFE_MONTHS = 1_200
# Recovery periods of the general depreciation system that are computed by declining balance
# (Publication 946, "Depreciation Methods": 200 % up to ten years, 150 % for 15 and 20 years).
MACRS_LIVES: Mapping[int, Decimal] = {
    36: Decimal(2),
    60: Decimal(2),
    84: Decimal(2),
    120: Decimal(2),
    180: Decimal("1.5"),
    240: Decimal("1.5"),
}


class PlanInvalid(Refusal):
    """The depreciation terms contradict each other; one problem per field."""

    code = "assets.plan_invalid"
    status = 422


@dataclass(frozen=True)
class Usage:
    """Units that an asset produced on a day: kilometres, hours, pieces."""

    on: date
    units: Decimal


@dataclass(frozen=True)
class Plan:
    """Everything that decides an asset's depreciation in one book."""

    method: Method
    convention: Convention
    cost: Decimal
    salvage: Decimal
    currency: str
    starts_on: date
    life_months: int
    period_months: int = 1
    first_month: int = 1
    rate: Decimal | None = None
    factor: Decimal | None = None
    switches: bool = True
    units_total: Decimal | None = None
    usage: tuple[Usage, ...] = ()

    @property
    def base(self) -> Decimal:
        """What is depreciated over the whole life."""
        return self.cost - self.salvage

    @property
    def life(self) -> Fraction:
        """The useful life in years."""
        return Fraction(self.life_months, 12)


def check_plan(plan: Plan) -> None:
    """Refuse terms that no schedule can be made of. Refuses: PlanInvalid."""
    problems = _general_problems(plan) | _method_problems(plan)
    if problems:
        raise PlanInvalid(fields=problems)


def _general_problems(plan: Plan) -> dict[str, str]:
    problems = {}
    if not 1 <= plan.life_months <= MAX_LIFE_MONTHS:
        problems["life_months"] = "out_of_range"
    if plan.period_months not in (1, 3, 12):
        problems["period_months"] = "not_month_quarter_or_year"
    if not 1 <= plan.first_month <= 12:
        problems["first_month"] = "not_a_month"
    if not 0 <= plan.salvage <= plan.cost:
        problems["salvage_value"] = "not_between_zero_and_cost"
    return problems


def _method_problems(plan: Plan) -> dict[str, str]:
    problems = {}
    if plan.method != "declining_balance" and (plan.rate is not None or plan.factor is not None):
        problems["rate"] = "only_for_declining_balance"
    if plan.method != "units_of_production" and plan.units_total is not None:
        problems["units_total"] = "only_for_units_of_production"
    if plan.method == "declining_balance":
        problems |= _declining_problems(plan)
    if plan.method == "units_of_production" and not (plan.units_total and plan.units_total > 0):
        problems["units_total"] = "required"
    if plan.method == "macrs":
        problems |= _macrs_problems(plan)
    return problems


def _declining_problems(plan: Plan) -> dict[str, str]:
    problems = {}
    if plan.rate is not None and plan.factor is not None:
        problems["factor"] = "rate_or_factor"
    if plan.rate is not None and not 0 < plan.rate <= 1:
        problems["rate"] = "out_of_range"
    if plan.factor is not None and not 0 < plan.factor <= 10:
        problems["factor"] = "out_of_range"
    if plan.rate is None and plan.factor is None and not plan.salvage:
        # The rate that ends at salvage (1 - (salvage / cost) ** (1 / life)) is 100 % without one.
        problems["rate"] = "rate_factor_or_salvage_needed"
    return problems


def _macrs_problems(plan: Plan) -> dict[str, str]:
    problems = {}
    if plan.life_months not in MACRS_LIVES:
        problems["life_months"] = "not_a_macrs_recovery_period"
    if plan.convention not in ("half_year", "mid_quarter"):
        problems["convention"] = "macrs_needs_half_year_or_mid_quarter"
    if plan.salvage:
        # Publication 946: salvage value does not count under MACRS.
        problems["salvage_value"] = "macrs_has_no_salvage"
    return problems
