"""Composition as TB ERP's seed describes it (section 7, composition algorithm)."""

from orrery.services.gateway.rules import owners

ADA = {
    "id": "e1",
    "code": "EMP-001",
    "full_name": "Ada",
    "email": "ada@acme.example",
    "department_id": "d1",
    "department_name": "Engineering",
    "salary": "not for everybody",
}
ASSETS: list[dict[str, str | None]] = [
    {"id": "a1", "assigned_employee_id": "e1"},
    {"id": "a2", "assigned_employee_id": None},
    {"id": "a3", "assigned_employee_id": "e2"},
    {"id": "a4", "assigned_employee_id": "e1"},
]


def test_unique_employee_ids_are_extracted_once_and_in_order() -> None:
    """Seed, step 3: "Extract unique employee_ids"."""
    assert owners.unique_ids(ASSETS) == ["e1", "e2"]
    assert owners.unique_ids([]) == []


def test_owners_are_merged_and_unknown_ones_stay_null() -> None:
    """Seed, step 6: "Merge employee names into asset objects"."""
    merged = owners.merge(ASSETS, [ADA])
    assert [item["id"] for item in merged] == ["a1", "a2", "a3", "a4"]
    assert [item["owner"] and item["owner"]["full_name"] for item in merged] == [
        "Ada",
        None,
        None,
        "Ada",
    ]


def test_only_what_a_reader_of_assets_may_learn_is_merged() -> None:
    (item,) = owners.merge(ASSETS[:1], [ADA])
    assert "salary" not in item["owner"]
    assert item["owner"] == {key: value for key, value in ADA.items() if key != "salary"}


def test_without_employees_every_owner_is_null() -> None:
    assert [item["owner"] for item in owners.merge(ASSETS, [])] == [None] * 4
