"""The merged OpenAPI document: the services' own, joined so that the order never matters (GW-4)."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
PREFIX = "#/components/"


def merge(documents: Mapping[str, Document]) -> dict[str, Any]:
    """Paths and components of every service by name.

    A component that two services declare alike is kept once; where they differ, each keeps its own
    under the service's name.
    """
    clashes = _clashes(documents)
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    for service in sorted(documents):
        own = _renamed(documents[service], service, clashes)
        paths.update(own.get("paths", {}))
        for kind, named in own.get("components", {}).items():
            components.setdefault(kind, {}).update(named)
    return {"paths": ordered(paths), "components": ordered(components)}


def ordered(value: Any) -> Any:
    """The same value with the keys of every object in alphabetical order."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [ordered(item) for item in value]
    return value


def references(value: Any) -> set[str]:
    """The components that a value points to, as ``schemas/AssetView``."""
    if isinstance(value, Mapping):
        found = set().union(*(references(item) for item in value.values())) if value else set()
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(PREFIX):
            found.add(target[len(PREFIX) :])
        return found
    if isinstance(value, list):
        return set().union(*(references(item) for item in value)) if value else set()
    return set()


def _clashes(documents: Mapping[str, Document]) -> set[str]:
    """Components whose name means different things, and those that point to such a one."""
    declared: dict[str, list[Any]] = {}
    for document in documents.values():
        for kind, named in document.get("components", {}).items():
            for name, shape in named.items():
                declared.setdefault(f"{kind}/{name}", []).append(shape)
    clashes = {
        name for name, shapes in declared.items() if any(shape != shapes[0] for shape in shapes)
    }
    shared = {name: shapes[0] for name, shapes in declared.items() if len(shapes) > 1}
    while True:
        more = {name for name, shape in shared.items() if references(shape) & clashes} - clashes
        if not more:
            return clashes
        clashes |= more


def _renamed(value: Any, service: str, clashes: set[str]) -> Any:
    """A document in which the clashing components carry the service's name."""
    document = dict(_pointed(value, service, clashes))
    document["components"] = {
        kind: {
            f"{service}.{name}" if f"{kind}/{name}" in clashes else name: shape
            for name, shape in named.items()
        }
        for kind, named in document.get("components", {}).items()
    }
    return document


def _pointed(value: Any, service: str, clashes: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _target(key, item, service, clashes) for key, item in value.items()}
    if isinstance(value, list):
        return [_pointed(item, service, clashes) for item in value]
    return value


def _target(key: str, value: Any, service: str, clashes: set[str]) -> Any:
    if key == "mapping" and isinstance(value, Mapping):
        return {word: _target("$ref", item, service, clashes) for word, item in value.items()}
    if key == "$ref" and isinstance(value, str) and value.removeprefix(PREFIX) in clashes:
        kind, _, name = value.removeprefix(PREFIX).partition("/")
        return f"{PREFIX}{kind}/{service}.{name}"
    return _pointed(value, service, clashes)
