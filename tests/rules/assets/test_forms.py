"""Categories as dynamic forms: every value is checked against its field."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orrery.services.assets.rules.forms import (
    MAX_ALLOWED,
    MAX_EXAMPLES,
    MAX_FIELDS,
    MAX_INTEGER,
    MAX_TEXT,
    FormBreaksAssets,
    FormInvalid,
    SpecField,
    SpecsInvalid,
    StoredValue,
    check_conflicts,
    check_form,
    form_conflicts,
    read_specs,
)
from tests.rules.assets.test_schedules import BUSY

LAPTOP = [
    SpecField("cpu", "Processor", "text", required=True),
    SpecField("ram_gb", "Memory", "integer", required=True, allowed=("8", "16", "32"), unit="GB"),
    SpecField("screen", "Screen", "number", unit="inch"),
    SpecField("touch", "Touch screen", "boolean"),
    SpecField("battery_changed", "Battery changed", "date"),
    SpecField("os", "System", "choice", allowed=("Linux", "macOS", "Windows")),
]


def test_specifications_are_read_into_exact_values() -> None:
    """TB ERP: category = dynamic form, a list of spec fields with allowed values per field."""
    assert read_specs(
        LAPTOP,
        {
            "cpu": " Ryzen 7 ",
            "ram_gb": "16",
            "screen": Decimal("14.0"),
            "touch": "yes",
            "battery_changed": date(2024, 5, 1),
            "os": "Linux",
        },
    ) == {
        "cpu": "Ryzen 7",
        "ram_gb": 16,
        "screen": "14",
        "touch": True,
        "battery_changed": "2024-05-01",
        "os": "Linux",
    }


def test_every_wrong_field_has_its_own_problem() -> None:
    """Part B: specs are validated against the category's fields with an error per field."""
    with pytest.raises(SpecsInvalid) as refused:
        read_specs(
            LAPTOP,
            {
                "cpu": "",
                "ram_gb": 12,
                "screen": "large",
                "touch": "perhaps",
                "battery_changed": "01.05.2024",
                "os": "BeOS",
                "colour": "red",
            },
        )
    assert refused.value.facts["fields"] == {
        "cpu": "required",
        "ram_gb": "not_allowed",
        "screen": "not_a_number",
        "touch": "not_true_or_false",
        "battery_changed": "not_a_date",
        "os": "not_allowed",
        "colour": "unknown_field",
    }


@pytest.mark.parametrize(
    "kind, given, stored",
    [
        ("text", 7, "7"),
        ("text", "x" * MAX_TEXT, "x" * MAX_TEXT),
        ("number", "-0.00", "0"),
        ("number", "1e3", "1000"),
        ("number", "0.000000000001", "0.000000000001"),
        ("integer", Decimal("16.0"), 16),
        ("integer", str(MAX_INTEGER), MAX_INTEGER),
        ("boolean", "No", False),
        ("boolean", True, True),
        ("date", "2024-02-29", "2024-02-29"),
    ],
)
def test_values_at_the_limits_are_kept(kind: Any, given: Any, stored: Any) -> None:
    """What a type can hold comes back as it was given, in one spelling."""
    assert read_specs([SpecField("f", "F", kind)], {"f": given}) == {"f": stored}


@pytest.mark.parametrize(
    "kind, given, problem",
    [
        ("text", True, "not_text"),
        ("text", ["a"], "not_text"),
        ("text", "x" * (MAX_TEXT + 1), "too_long"),
        ("number", "NaN", "not_a_number"),
        ("number", "Infinity", "not_a_number"),
        ("number", "1e19", "not_a_number"),
        ("number", "1e-13", "not_a_number"),
        ("number", True, "not_a_number"),
        ("integer", "1.5", "not_an_integer"),
        ("integer", str(MAX_INTEGER + 1), "not_an_integer"),
        ("boolean", 2, "not_true_or_false"),
        ("date", "2023-02-29", "not_a_date"),
    ],
)
def test_values_past_the_limits_are_refused(kind: Any, given: Any, problem: str) -> None:
    """One step past a limit is a problem of that field, and nothing is stored."""
    with pytest.raises(SpecsInvalid) as refused:
        read_specs([SpecField("f", "F", kind)], {"f": given})
    assert refused.value.facts["fields"] == {"f": problem}


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=50),
    "number": st.decimals(min_value=-(10**9), max_value=10**9, places=6),
    "integer": st.integers(-MAX_INTEGER, MAX_INTEGER),
    "boolean": st.booleans(),
    "date": st.dates(),
    "choice": st.sampled_from(["Linux", "macOS"]),
}


@settings(deadline=None, suppress_health_check=BUSY)
@given(st.data(), st.sampled_from(sorted(_VALUES)))
def test_what_is_stored_fits_its_own_form(data: st.DataObject, kind: Any) -> None:
    """Reading a stored value again gives the same value, so an unchanged form breaks nothing."""
    allowed = ("Linux", "macOS") if kind == "choice" else ()
    fields = [SpecField("f", "F", kind, allowed=allowed)]
    stored = read_specs(fields, {"f": data.draw(_VALUES[kind])})
    assert read_specs(fields, stored) == stored


@pytest.mark.parametrize(
    "field, problem",
    [
        (SpecField("RAM", "Memory", "text"), "bad_key"),
        (SpecField("", "Memory", "text"), "bad_key"),
        (SpecField("r" * 41, "Memory", "text"), "bad_key"),
        (SpecField("ram", "", "text"), "label_missing"),
        (SpecField("ram", "Memory", "choice"), "choices_missing"),
        (SpecField("ram", "Memory", "boolean", allowed=("true",)), "choices_not_possible"),
        (SpecField("ram", "Memory", "integer", allowed=("8", "much")), "choice_of_wrong_type"),
        (SpecField("ram", "Memory", "choice", allowed=("8", "8")), "duplicate_choice"),
        (
            SpecField("ram", "Memory", "choice", allowed=tuple(map(str, range(MAX_ALLOWED + 1)))),
            "too_many_choices",
        ),
    ],
)
def test_a_form_nobody_could_fill_in_is_refused(field: SpecField, problem: str) -> None:
    """A category's form is checked when it is made, field by field."""
    with pytest.raises(FormInvalid) as refused:
        check_form([field])
    assert refused.value.facts["fields"] == {field.key: problem}


def test_a_form_has_each_key_once_and_a_limit() -> None:
    """Sixty fields are a form, sixty-one are not; a key names one field."""
    check_form([SpecField(f"f{number}", "F", "text") for number in range(MAX_FIELDS)])
    with pytest.raises(FormInvalid):
        check_form([SpecField(f"f{number}", "F", "text") for number in range(MAX_FIELDS + 1)])
    with pytest.raises(FormInvalid) as refused:
        check_form([SpecField("ram", "Memory", "text"), SpecField("ram", "RAM", "text")])
    assert refused.value.facts["fields"] == {"ram": "duplicate_key"}


def test_changes_that_stored_assets_do_not_fit_are_reported() -> None:
    """Part B: changing a form never breaks stored assets; incompatible changes are refused."""
    stored = [
        StoredValue("ram_gb", 8, 5, "AST-1"),
        StoredValue("ram_gb", 16, 2, "AST-2"),
        StoredValue("os", "Linux", 7, "AST-1"),
    ]
    fields = [
        SpecField("ram_gb", "Memory", "integer", allowed=("16", "32")),
        SpecField("serviced", "Serviced on", "date", required=True),
    ]
    conflicts = form_conflicts(fields, stored, [StoredValue("serviced", None, 7, "AST-1")])
    assert [(each.key, each.problem, each.count) for each in conflicts] == [
        ("ram_gb", "not_allowed", 5),
        ("os", "unknown_field", 7),
        ("serviced", "required", 7),
    ]
    with pytest.raises(FormBreaksAssets) as refused:
        check_conflicts(conflicts * 10)
    assert refused.value.facts["conflicts"] == 30
    assert len(refused.value.facts["examples"]) == MAX_EXAMPLES


def test_changes_that_stored_assets_fit_are_allowed() -> None:
    """A wider choice, a new optional field, a number that becomes text: nothing breaks."""
    stored = [StoredValue("ram_gb", 8, 5, "AST-1"), StoredValue("os", "Linux", 5, "AST-1")]
    fields = [
        SpecField("ram_gb", "Memory", "text"),
        SpecField("os", "System", "choice", allowed=("Linux", "Haiku")),
        SpecField("colour", "Colour", "text"),
        SpecField("cpu", "Processor", "text", required=True),
    ]
    conflicts = form_conflicts(fields, stored, [StoredValue("cpu", None, 0, "")])
    assert conflicts == []
    check_conflicts(conflicts)
