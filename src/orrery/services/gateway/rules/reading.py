"""The merged document as a reader sees it: services, their operations, what goes in and out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Field:
    """A parameter or a property."""

    name: str
    place: str
    kind: str
    is_required: bool
    about: str


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    about: str
    auth: str
    permission: str | None
    parameters: Sequence[Field]
    body: Sequence[Field]
    body_name: str
    answers: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Chapter:
    """A service with its operations."""

    service: str
    operations: Sequence[Operation]


@dataclass(frozen=True)
class Reading:
    """What a page of documentation shows."""

    title: str
    about: str
    chapters: Sequence[Chapter]
    count: int


def read(document: Mapping[str, Any], words: str = "") -> Reading:
    """The operations whose texts contain all the words, by service and path."""
    wanted = words.lower().split()
    chapters: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                told = _operation(document, path, method, operation)
                if all(word in _text(told) for word in wanted):
                    chapters.setdefault(operation["x-service"], []).append(told)
    return Reading(
        title=document["info"]["title"],
        about=document["info"].get("description", ""),
        chapters=[Chapter(name, chapters[name]) for name in sorted(chapters)],
        count=sum(len(operations) for operations in chapters.values()),
    )


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a value in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    for joint in ("anyOf", "oneOf", "allOf"):
        if joint in schema:
            return (" & " if joint == "allOf" else " | ").join(kind_of(s) for s in schema[joint])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    if isinstance(kind, list):
        return " | ".join(kind)
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _operation(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    guard = operation.get("x-orrery", {})
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = next((told.get("schema", {}) for told in content.values()), {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        auth=guard.get("auth", "public"),
        permission=guard.get("permission"),
        parameters=[
            Field(
                name=parameter["name"],
                place=parameter["in"],
                kind=kind_of(parameter.get("schema", {})),
                is_required=parameter.get("required", False),
                about=parameter.get("description", ""),
            )
            for parameter in operation.get("parameters", [])
        ],
        body=_properties(document, schema),
        body_name=kind_of(schema) if schema else "",
        answers=[
            (status, answer.get("description", ""), _answer_kind(answer))
            for status, answer in operation.get("responses", {}).items()
            if "$ref" not in answer
        ],
    )


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Field]:
    """The fields of an object, one level deep."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        schema = document["components"]["schemas"].get(name, {})
    needed = set(schema.get("required", ()))
    return [
        Field(name, "body", kind_of(shape), name in needed, shape.get("description", ""))
        for name, shape in schema.get("properties", {}).items()
    ]


def _answer_kind(answer: Mapping[str, Any]) -> str:
    return ", ".join(
        kind_of(content["schema"]) if content.get("schema") else media
        for media, content in answer.get("content", {}).items()
    )


def _text(operation: Operation) -> str:
    fields = [field.name for field in (*operation.parameters, *operation.body)]
    return " ".join(
        [
            operation.method,
            operation.path,
            operation.summary,
            operation.about,
            operation.permission or "",
            *fields,
        ]
    ).lower()
