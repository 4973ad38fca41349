"""Depreciation against published figures: spreadsheet functions and Publication 946's tables."""

import ast
import csv
import operator
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from orrery.services.assets.rules import spreadsheet
from orrery.services.assets.rules.methods import macrs_percentages

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Table A-1 of Publication 946 has a column for each of these recovery periods.
_PERIODS = (3, 5, 7, 10, 15, 20)


def arguments(text: str) -> list[Decimal]:
    """Read numbers and plain arithmetic such as ``30 * 12``; anything else is an error."""

    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return Decimal(str(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            result: Decimal = _OPERATORS[type(node.op)](value(node.left), value(node.right))
            return result
        raise ValueError(f"not a number: {ast.dump(node)}")

    parsed = ast.parse(f"({text},)", mode="eval").body
    assert isinstance(parsed, ast.Tuple)
    return [value(node) for node in parsed.elts]


def computed(function: str, given: list[Decimal]) -> Decimal:
    """Our own function of a spreadsheet's name."""
    if function == "SLN":
        return spreadsheet.straight_line(*given)
    if function == "SYD":
        return spreadsheet.sum_of_years_digits(*given)
    if function == "DDB":
        cost, salvage, life, period, *factor = given
        return spreadsheet.double_declining(cost, salvage, life, int(period), *factor)
    cost, salvage, life, period, *months = given
    return spreadsheet.fixed_declining(
        cost, salvage, int(life), int(period), *(int(month) for month in months)
    )


def test_argument_text_is_read_without_running_it() -> None:
    """The vectors' arguments contain arithmetic: it is computed, code is refused."""
    assert arguments("0.1 / 12, 30 * 12, -5") == [Decimal("0.1") / 12, Decimal(360), Decimal(-5)]
    with pytest.raises(ValueError, match="not a number"):
        arguments("__import__('os')")


def test_spreadsheet_functions_equal_the_published_results(shared_data: Path) -> None:
    """Part B: DB, DDB, SLN and SYD equal the vectors within the tolerance each row names."""
    compared: dict[str, int] = defaultdict(int)
    folder = shared_data / "depreciation_vectors"
    with (folder / "spreadsheet_functions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["function"] not in ("DB", "DDB", "SLN", "SYD"):
                continue
            result = computed(row["function"], arguments(row["arguments"]))
            wrong_by = abs(result - Decimal(row["expected"]))
            assert wrong_by <= Decimal(row["tolerance"]), row
            compared[row["function"]] += 1
    assert compared == {"DB": 20, "DDB": 14, "SLN": 1, "SYD": 1}


def test_half_year_percentages_equal_table_a_1(shared_data: Path) -> None:
    """Publication 946, table A-1: all six recovery periods, to the last printed digit."""
    published: dict[int, list[Decimal]] = defaultdict(list)
    folder = shared_data / "depreciation_vectors"
    with (folder / "macrs_percent_A-1.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            published[int(row["recovery_years"])].append(Decimal(row["percent"]))
    assert sorted(published) == list(_PERIODS)
    for years, percentages in published.items():
        assert macrs_percentages(years, Fraction(1, 2)) == percentages


@pytest.mark.parametrize(
    "quarter, percentages",
    [
        (1, ["35.00", "26.00", "15.60", "11.01", "11.01", "1.38"]),
        (2, ["25.00", "30.00", "18.00", "11.37", "11.37", "4.26"]),
        (3, ["15.00", "34.00", "20.40", "12.24", "11.30", "7.06"]),
        (4, ["5.00", "38.00", "22.80", "13.68", "10.94", "9.58"]),
    ],
)
def test_mid_quarter_percentages_of_five_year_property(
    quarter: int, percentages: list[str]
) -> None:
    """Publication 946, tables A-2 to A-5: Q1 35.00 %, Q2 25.00, Q3 15.00, Q4 5.00 in year 1."""
    first_share = Fraction(9 - 2 * quarter, 8)
    assert macrs_percentages(5, first_share) == [Decimal(each) for each in percentages]


@pytest.mark.parametrize("years", _PERIODS)
@pytest.mark.parametrize("eighths", [1, 3, 4, 5, 7])
def test_percentages_of_every_table_add_up_to_the_whole(years: int, eighths: int) -> None:
    """A recovery period recovers the whole basis, no more and no less."""
    percentages = macrs_percentages(years, Fraction(eighths, 8))
    assert sum(percentages) == 100
    assert len(percentages) == years + 1
