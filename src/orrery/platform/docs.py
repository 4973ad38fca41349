"""Generated documents: the map, the tables in the services' READMEs, the events' JSON Schemas."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orrery.kernel import events
from orrery.kernel.service import Service, discover

ROOT = Path(__file__).parents[3]
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def stale(root: Path = ROOT) -> list[str]:
    """The documents that are not what they would be if written now."""
    return [
        str(path.relative_to(root))
        for path, text in pages(root)
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def write(root: Path = ROOT) -> list[str]:
    """Write what is stale; answers which. Refuses an incompatible change of an event."""
    broken = incompatible(root)
    if broken:
        raise RuntimeError("Announce a v2 beside v1 instead: " + "; ".join(broken))
    written = stale(root)
    for path, text in pages(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return written


def pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Every generated page with its text."""
    services = discover()
    yield root / "docs" / "map.md", house_map(services)
    for name, schema in events.json_schemas().items():
        yield root / "docs" / "contracts" / f"{name}.json", json.dumps(schema, indent=2) + "\n"
    for service in services.values():
        path = service.folder / "README.md"
        if path.exists():
            yield path, with_tables(path.read_text(encoding="utf-8"), service)


def announced_by(service: str) -> list[str]:
    """The events whose names start with the service."""
    return [name for name in events.registry() if name.startswith(f"{service}.")]


def house_map(services: dict[str, Service]) -> str:
    """Who announces, reacts and asks, drawn from the manifests."""
    lines = [
        "# The map",
        "",
        "Drawn from the services' manifests by `orrery docs --write`. Solid arrows are events,",
        "dotted arrows are questions over HTTP.",
        "",
        "```mermaid",
        "flowchart LR",
    ]
    for name, service in services.items():
        sources: dict[str, int] = {}
        for event in service.subscriptions:
            source = event.partition(".")[0]
            sources[source] = sources.get(source, 0) + 1
        lines += [
            f"    {source} -->|{count} event{'s' * (count > 1)}| {name}"
            for source, count in sorted(sources.items())
        ]
        lines += [f"    {name} -.-> {asked}" for asked in sorted(service.asks)]
    lines += ["```", "", "| service | announces | reacts to | asks |", "|---|---|---|---|"]
    for name, service in services.items():
        reacts = ", ".join(f"`{event}`" for event in sorted(service.subscriptions)) or "-"
        if len(service.subscriptions) == len(events.registry()):
            reacts = "every event"
        announces = ", ".join(f"`{event}`" for event in announced_by(name)) or "-"
        asks = ", ".join(sorted(service.asks)) or "-"
        lines.append(
            f"| [{name}](../src/orrery/services/{name}) | {announces} | {reacts} | {asks} |"
        )
    return "\n".join(lines) + "\n"


def with_tables(text: str, service: Service) -> str:
    """A README with its tables made anew between the markers."""
    tables = f"{BEGIN}\n{service_tables(service)}{END}"
    if BEGIN not in text:
        return text.rstrip() + "\n\n" + tables + "\n"
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: tables, text)


def service_tables(service: Service) -> str:
    """Announces, reacts, asks, jobs, permissions and settings of a service."""
    reacts = (
        ["every event"]
        if len(service.subscriptions) == len(events.registry())
        else [f"`{e}` → {', '.join(n)}" for e, n in sorted(service.subscriptions.items())]
    )
    rows = [
        ("announces", [f"`{name}`" for name in announced_by(service.name)]),
        ("reacts to", reacts),
        ("asks", sorted(service.asks)),
        ("jobs", [f"{job.__name__} (`{line}`)" for line, job in service.cron()]),
        ("permissions", [f"`{p.code}` {p.title}" for p in service.permissions]),
        ("settings", setting_lines(service)),
    ]
    told = [f"| {what} | {'<br>'.join(values)} |" for what, values in rows if values]
    return "\n".join(["| | |", "|---|---|", *told]) + "\n" if told else ""


def setting_lines(service: Service) -> list[str]:
    """The environment variables of a service with their meaning."""
    if service.settings is None:
        return []
    prefix = service.settings.model_config.get("env_prefix", "")
    return [
        f"`{prefix}{name}`".upper() + f" {field.description or ''}".rstrip()
        for name, field in service.settings.model_fields.items()
    ]


def incompatible(root: Path = ROOT) -> list[str]:
    """Changes that would break a reader of the committed schemas (STYLE rule 30)."""
    folder = root / "docs" / "contracts"
    broken = []
    for path in sorted(folder.glob("*.json")):
        before, after = json.loads(path.read_text()), events.json_schemas().get(path.stem)
        if after is None:
            broken.append(f"{path.stem} is gone")
        else:
            broken += [f"{path.stem}: {what}" for what in breaks(before, after)]
    return broken


def breaks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """How a schema breaks readers of an earlier one: a field gone, retyped, newly required."""
    told = []
    old, new = before.get("properties", {}), after.get("properties", {})
    for name, schema in old.items():
        if name not in new:
            told.append(f"{name} is gone")
        elif _shape(schema) != _shape(new[name]):
            told.append(f"{name} changed its type")
    required = set(after.get("required", [])) - set(before.get("required", []))
    told += [f"{name} is new and required" for name in sorted(required)]
    parts = after.get("$defs", {})
    for name, part in before.get("$defs", {}).items():
        if name in parts and "properties" in part:
            told += [f"{name}.{what}" for what in breaks(part, parts[name])]
        elif name in parts and _shape(part) != _shape(parts[name]):
            told.append(f"{name} changed its type")
    return told


def _shape(schema: dict[str, Any]) -> str:
    kept = {
        key: value
        for key, value in schema.items()
        if key not in ("title", "description", "default")
    }
    return json.dumps(kept, sort_keys=True)
