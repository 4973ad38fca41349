"""The merged OpenAPI 3.1 document: what services publish, and what the door adds (GW-1, GW-4)."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic.json_schema import models_json_schema

from orrery.kernel.service import Service
from orrery.services.gateway import schemas as s
from orrery.services.gateway.api.published import documents_of
from orrery.services.gateway.rules import documents as rules
from orrery.services.gateway.rules.routes import Declared, RouteTable, extension

VIEW = "/api/v1/views/assets-with-owners"
ASSETS_LIST = "/api/v1/assets/assets"
REFERENCE = "#/components/schemas/{model}"
ABOUT = (
    "One document of every service behind this door. Lists answer `items` and `next`; decimals are"
    " strings; what is refused is `application/problem+json` with a code and facts."
)
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The framework's own error shapes, which no service of the house answers with.
FRAMEWORK_ERROR = "schemas/HTTPValidationError"


def merged(
    services: Mapping[str, Service], table: RouteTable, limits: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole document; equal bytes wherever the services run."""
    document = rules.merge({**documents_of(services), "gateway": _own_document()})
    paths, components = document["paths"], document["components"]
    for path, operations in paths.items():
        for method in [name for name in METHODS if name in operations]:
            route = table.find(method.upper(), path)
            if isinstance(route, Declared):
                _complete(operations[method], route, limits)
            else:
                # What does not declare who may call it is not reachable, so it is not told either.
                del operations[method]
    _describe_view(paths, components)
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"] = _schemes()
    whole: dict[str, Any] = rules.ordered(
        {
            "openapi": "3.1.0",
            "info": {"title": "Orrery", "version": "1", "description": ABOUT},
            "paths": {path: operations for path, operations in paths.items() if operations},
            "components": components,
        }
    )
    return whole


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as it is sent."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _complete(operation: dict[str, Any], route: Declared, limits: Mapping[str, Any]) -> None:
    """What the door knows of an operation: who may call it, how often, how long it may take."""
    operation["operationId"] = f"{route.service}_{operation['operationId']}"
    responses = operation.setdefault("responses", {})
    if FRAMEWORK_ERROR in rules.references(responses.get("422", {})):
        del responses["422"]
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    operation["x-service"] = route.service
    operation["x-orrery"] = extension(route, limits=limits)
    operation["security"] = [] if route.auth == "public" else [{"session": []}, {"token": []}]


def _schemes() -> dict[str, Any]:
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "orrery_session",
            "description": "A browser's session; changes also need X-CSRF-Token.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token (ES256) or an API token (ork_...).",
        },
    }


def _own_document() -> dict[str, Any]:
    """The door's own routes and the shapes of their answers."""
    models = (s.AssetOwner, s.Readiness, s.Liveness, s.Problem)
    _, made = models_json_schema(
        [(model, "serialization") for model in models], ref_template=REFERENCE
    )
    problem = {
        "description": "What was refused, and why.",
        "content": {"application/problem+json": {"schema": _reference("Problem")}},
    }
    page = {"type": "string"}
    return {
        "paths": {
            VIEW: _own("Assets with their owners", "assets_with_owners", _page()),
            "/health/live": _own("Whether the process runs", "live", _reference("Liveness")),
            "/health/ready": _own(
                "Whether requests can be served", "ready", _reference("Readiness")
            ),
            "/metrics": _own("Figures for Prometheus", "metrics", page, "text/plain"),
            "/openapi.json": _own("This document", "openapi", {"type": "object"}),
            "/docs": _own("This document for readers", "docs", page, "text/html"),
            "/": _own("Where to begin", "welcome", page, "text/html"),
        },
        "components": {"schemas": made["$defs"], "responses": {"Problem": problem}},
    }


def _reference(model: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model)}


def _own(
    summary: str, name: str, schema: Mapping[str, Any], media: str = "application/json"
) -> dict[str, Any]:
    answer = {"description": summary, "content": {media: {"schema": schema}}}
    operation = {
        "summary": summary,
        "operationId": name,
        "tags": ["gateway"],
        "responses": {"200": answer},
    }
    return {"get": operation}


def _describe_view(paths: Mapping[str, Any], components: Mapping[str, Any]) -> None:
    """The composed view takes what the list of assets takes, and its items have an owner too."""
    listed = paths.get(ASSETS_LIST, {}).get("get", {})
    answer = listed.get("responses", {}).get("200", {}).get("content", {})
    page = answer.get("application/json", {}).get("schema", {}).get("$ref", "")
    shape = components["schemas"].get(page.rpartition("/")[2], {}).get("properties", {})
    item = shape.get("items", {}).get("items")
    view = paths[VIEW]["get"]
    view["parameters"] = listed.get("parameters", [])
    content = view["responses"]["200"]["content"]["application/json"]
    if item is not None:
        content["schema"]["properties"]["items"]["items"]["allOf"].append(item)


def _page() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["items", "next", "missing"],
        "properties": {
            "items": {"type": "array", "items": {"allOf": [_reference("AssetOwner")]}},
            "next": {"type": ["string", "null"]},
            "total": {"type": ["integer", "null"]},
            "missing": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Services that did not answer; what they own is null.",
            },
        },
    }
