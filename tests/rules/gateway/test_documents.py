"""The merged OpenAPI document (GW-4: the same document whatever the order)."""

from typing import Any

from orrery.services.gateway.rules import documents
from orrery.services.gateway.rules.reading import kind_of, read


def document(path: str, **schemas: Any) -> dict[str, Any]:
    answer = {"$ref": f"#/components/schemas/{next(iter(schemas))}"}
    return {
        "openapi": "3.1.0",
        "paths": {path: {"get": {"schema": answer}}},
        "components": {"schemas": schemas},
    }


PAGE = {"properties": {"items": {"items": {"$ref": "#/components/schemas/Entry"}}}}
SAME = {"type": "object", "title": "Same"}


def test_equal_components_are_kept_once_under_their_name() -> None:
    merged = documents.merge({"a": document("/a", Same=SAME), "b": document("/b", Same=SAME)})
    assert list(merged["components"]["schemas"]) == ["Same"]
    assert merged["paths"]["/b"]["get"]["schema"]["$ref"].endswith("/Same")


def test_components_that_clash_carry_their_service_and_references_follow() -> None:
    merged = documents.merge(
        {
            "a": document("/a", Unit={"type": "string"}),
            "b": document("/b", Unit={"type": "object"}),
        }
    )
    assert merged["components"]["schemas"] == {
        "a.Unit": {"type": "string"},
        "b.Unit": {"type": "object"},
    }
    assert merged["paths"]["/a"]["get"]["schema"] == {"$ref": "#/components/schemas/a.Unit"}


def test_a_component_that_points_to_a_clashing_one_clashes_too() -> None:
    merged = documents.merge(
        {
            "a": document("/a", Page=PAGE, Entry={"type": "string"}),
            "b": document("/b", Page=PAGE, Entry={"type": "object"}),
        }
    )
    schemas = merged["components"]["schemas"]
    assert sorted(schemas) == ["a.Entry", "a.Page", "b.Entry", "b.Page"]
    item = schemas["b.Page"]["properties"]["items"]["items"]
    assert item == {"$ref": "#/components/schemas/b.Entry"}


def test_a_component_of_one_service_keeps_its_name_and_finds_what_was_renamed() -> None:
    merged = documents.merge(
        {
            "a": document("/a", Page=PAGE, Entry={"type": "string"}),
            "b": document("/b", Entry={"type": "object"}),
        }
    )
    schemas = merged["components"]["schemas"]
    assert sorted(schemas) == ["Page", "a.Entry", "b.Entry"]
    item = schemas["Page"]["properties"]["items"]["items"]
    assert item == {"$ref": "#/components/schemas/a.Entry"}


def test_the_order_of_services_and_keys_never_shows() -> None:
    """GW-4: byte-equal."""
    a, b = document("/a", Same=SAME, Unit={"x": 1, "y": 2}), document("/b", Unit={"y": 3})
    turned = {
        "components": {"schemas": {"Unit": {"y": 2, "x": 1}, "Same": SAME}},
        "paths": a["paths"],
    }
    assert str(documents.merge({"a": a, "b": b})) == str(documents.merge({"b": b, "a": turned}))


def test_the_inputs_are_left_as_they_were() -> None:
    a, b = document("/a", Unit={"x": 1}), document("/b", Unit={"x": 2})
    before = str((a, b))
    documents.merge({"a": a, "b": b})
    assert str((a, b)) == before


WHOLE = {
    "info": {"title": "Orrery"},
    "paths": {
        "/api/v1/people/employees": {
            "get": {
                "summary": "List employees",
                "x-service": "people",
                "x-orrery": {"auth": "permission", "permission": "people.employee.read"},
                "parameters": [{"name": "status", "in": "query", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "A page"}, "default": {"$ref": "#/x"}},
            },
            "post": {
                "summary": "Hire",
                "x-service": "people",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/c/schemas/Draft"}}}
                },
            },
        },
        "/health/live": {"get": {"summary": "Whether it runs", "x-service": "gateway"}},
    },
    "components": {
        "schemas": {"Draft": {"required": ["code"], "properties": {"code": {"type": "string"}}}}
    },
}


def test_the_document_reads_by_service() -> None:
    reading = read(WHOLE)
    assert [(c.service, len(c.operations)) for c in reading.chapters] == [
        ("gateway", 1),
        ("people", 2),
    ]
    hire = reading.chapters[1].operations[1]
    assert [(f.name, f.kind, f.is_required) for f in hire.body] == [("code", "string", True)]
    assert hire.body_name == "Draft"


def test_all_words_must_be_found_in_path_summary_permission_or_fields() -> None:
    assert read(WHOLE, "employees list").count == 1
    assert read(WHOLE, "PEOPLE.employee.read").count == 1
    assert read(WHOLE, "code").count == 1
    assert read(WHOLE, "employees nothing").count == 0
    assert read(WHOLE, "").count == 3


def test_types_read_in_a_few_words() -> None:
    assert kind_of({"type": "string", "format": "uuid"}) == "string (uuid)"
    assert kind_of({"type": "array", "items": {"$ref": "#/c/s/A"}}) == "list of A"
    assert kind_of({"anyOf": [{"type": "string"}, {"type": "null"}]}) == "string | null"
    assert kind_of({"enum": ["a", "b"]}) == "a | b"
    assert kind_of({"type": ["string", "null"]}) == "string | null"
    assert kind_of({}) == "any"
