"""Depreciation terms: what contradicts itself is refused, the limits are allowed."""

from decimal import Decimal

import pytest

from orrery.services.assets.rules.plans import MAX_LIFE_MONTHS, PlanInvalid, check_plan
from tests.rules.assets.test_schedules import plan_of


@pytest.mark.parametrize(
    "changes, field, problem",
    [
        ({"life_months": 0}, "life_months", "out_of_range"),
        ({"life_months": MAX_LIFE_MONTHS + 1}, "life_months", "out_of_range"),
        ({"period_months": 2}, "period_months", "not_month_quarter_or_year"),
        ({"first_month": 13}, "first_month", "not_a_month"),
        ({"salvage": Decimal("1200.01")}, "salvage_value", "not_between_zero_and_cost"),
        ({"salvage": Decimal("-0.01")}, "salvage_value", "not_between_zero_and_cost"),
        ({"rate": Decimal("0.2")}, "rate", "only_for_declining_balance"),
        ({"units_total": Decimal(5)}, "units_total", "only_for_units_of_production"),
        ({"method": "units_of_production"}, "units_total", "required"),
        ({"method": "declining_balance"}, "rate", "rate_factor_or_salvage_needed"),
        ({"method": "declining_balance", "rate": Decimal(0)}, "rate", "out_of_range"),
        ({"method": "declining_balance", "rate": Decimal("1.001")}, "rate", "out_of_range"),
        (
            {"method": "declining_balance", "rate": Decimal(1), "factor": Decimal(2)},
            "factor",
            "rate_or_factor",
        ),
        (
            {"method": "macrs", "convention": "half_year", "life_months": 48},
            "life_months",
            "not_a_macrs_recovery_period",
        ),
        ({"method": "macrs"}, "convention", "macrs_needs_half_year_or_mid_quarter"),
        (
            {"method": "macrs", "convention": "half_year", "salvage": Decimal(1)},
            "salvage_value",
            "macrs_has_no_salvage",
        ),
    ],
)
def test_terms_that_contradict_each_other_are_refused(
    changes: dict[str, object], field: str, problem: str
) -> None:
    """Terms no schedule can be made of are refused with a problem per field."""
    with pytest.raises(PlanInvalid) as refused:
        check_plan(plan_of(**changes))
    assert refused.value.facts["fields"] == {field: problem}


def test_terms_at_their_limits_are_accepted() -> None:
    """The limits themselves are allowed: a century, a rate of 100 %, salvage equal to cost."""
    check_plan(plan_of(life_months=MAX_LIFE_MONTHS, salvage=Decimal("1200.00")))
    check_plan(plan_of(method="declining_balance", rate=Decimal(1)))
    check_plan(plan_of(method="macrs", convention="mid_quarter", life_months=240))
