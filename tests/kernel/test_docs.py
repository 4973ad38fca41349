"""Generated documents: events stay readable, tables come from manifests (STYLE rule 30)."""

import json
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from orrery.kernel import events
from orrery.kernel.service import Service, discover
from orrery.kernel.types.event import Event
from orrery.kernel.types.permission import Permission
from orrery.platform import docs
from tests.toy.service import SERVICE, ThingMade


@dataclass(frozen=True)
class Inner:
    """A part of an event."""

    code: str


class Kind(StrEnum):
    """A choice."""

    A = "a"
    B = "b"


@dataclass(frozen=True)
class Told(Event):
    """Something was told."""

    name: ClassVar[str] = "told"
    id: UUID
    amount: Decimal
    parts: list[Inner]
    kind: Kind
    note: str | None = None


BEFORE = TypeAdapter(Told).json_schema()


def _changed(path: str, value: Any = None) -> dict[str, Any]:
    """The schema with one place set to a value, or taken out without one."""
    after = deepcopy(BEFORE)
    *way, last = path.split("/")
    place: Any = after
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return after


def _field(name: str, schema: dict[str, Any], *required: str) -> dict[str, Any]:
    return _changed(f"properties/{name}", schema) | {"required": [*BEFORE["required"], *required]}


HARMLESS: dict[str, dict[str, Any]] = {
    "nothing": BEFORE,
    "an optional new field": _field("reason", {"type": "string", "default": ""}),
    "a new description": _changed("description", "Something else was told."),
    "a field's new title": _changed("properties/note/title", "Remark"),
    "another default": _changed("properties/note/default", "none"),
    "a new optional field in a part": _changed(
        "$defs/Inner/properties/name", {"type": "string", "default": ""}
    ),
}
BREAKING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a field gone": (_changed("properties/amount"), ["amount is gone"]),
    "a field retyped": (
        _changed("properties/note", {"type": "integer"}), ["note changed its type"],
    ),
    "another format": (_changed("properties/id/format", "date"), ["id changed its type"]),
    "nothing allowed where something was": (
        _changed("properties/note/anyOf", [{"type": "string"}]), ["note changed its type"],
    ),
    "a new required field": (_field("why", {"type": "string"}, "why"), ["why is new and required"]),
    "an optional field that is required now": (
        _field("note", BEFORE["properties"]["note"], "note"), ["note is new and required"],
    ),
    "a field gone from a part": (
        _changed("$defs/Inner/properties/code"), ["Inner.code is gone"],
    ),
    "a field of a part retyped": (
        _changed("$defs/Inner/properties/code/type", "integer"), ["Inner.code changed its type"],
    ),
    "a choice gone": (_changed("$defs/Kind/enum", ["a"]), ["Kind changed its type"]),
    "a new required field in a part": (
        _changed("$defs/Inner/required", ["code", "name"]), ["Inner.name is new and required"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(HARMLESS))
def test_what_an_old_reader_still_understands_is_no_break(what: str) -> None:
    """Fields may be added when they are optional; words may change."""
    assert docs.breaks(BEFORE, HARMLESS[what]) == []


@pytest.mark.parametrize("what", list(BREAKING))
def test_what_an_old_reader_or_an_old_event_would_stumble_over_is_a_break(what: str) -> None:
    """Gone, retyped, newly required: also inside the parts of an event."""
    after, told = BREAKING[what]
    assert docs.breaks(BEFORE, after) == told


def test_what_the_old_log_holds_can_still_be_read_after_a_harmless_change() -> None:
    """The reason of the rule: yesterday's event with today's class, and tomorrow's with it."""
    old = {"thing_id": str(UUID(int=1)), "tag": "a", "cost": "1.50"}
    read = events.decode(ThingMade.name, old)
    assert read == ThingMade(UUID(int=1), "a", Decimal("1.50"))
    assert events.decode(ThingMade.name, old | {"added_later": 1}) == read
    assert events.encode(read) == old


def _repository(root: Path) -> Path:
    """A folder with the committed schemas of all events."""
    folder = root / "docs" / "contracts"
    folder.mkdir(parents=True)
    for name, schema in events.json_schemas().items():
        (folder / f"{name}.json").write_text(json.dumps(schema))
    return folder


def test_a_committed_schema_that_the_code_breaks_is_named(tmp_path: Path) -> None:
    """``orrery docs`` compares the code with what is committed, and writes nothing over it."""
    folder = _repository(tmp_path)
    assert docs.incompatible(tmp_path) == []
    name, schema = next(iter(events.json_schemas().items()))
    older = deepcopy(schema)
    older["properties"]["lost"] = {"type": "string"}
    text = json.dumps(older)
    (folder / f"{name}.json").write_text(text)
    (folder / "nobody.announced_it.v1.json").write_text(text)
    told = [f"{name}: lost is gone", "nobody.announced_it.v1 is gone"]
    assert docs.incompatible(tmp_path) == sorted(told)
    with pytest.raises(RuntimeError, match="v2 beside v1"):
        docs.write(tmp_path)
    assert (folder / f"{name}.json").read_text() == text
    assert not (tmp_path / "docs" / "map.md").exists()


README = "# toy\n\nBefore.\n\n<!-- generated: begin -->\nold\n<!-- generated: end -->\n\nAfter.\n"


def test_tables_are_made_anew_between_the_markers_and_nowhere_else() -> None:
    r"""What people wrote stays; a second run changes nothing; \1 in a table is no reference."""
    toy = replace(SERVICE, permissions=[Permission("toy.thing.read", r"See \1 things")])
    told = docs.with_tables(README, toy)
    before, rest = told.split(docs.BEGIN)
    table, after = rest.split(docs.END)
    assert (before, after) == ("# toy\n\nBefore.\n\n", "\n\nAfter.\n")
    assert "old" not in table
    assert r"| permissions | `toy.thing.read` See \1 things |" in table
    assert "| reacts to | `toy.thing_made.v1` → note_made, project<br>" in table
    assert docs.with_tables(told, toy) == told


def test_a_readme_without_markers_gets_them_at_its_end() -> None:
    """The first time; from then on they stay where they are."""
    told = docs.with_tables("# toy\n", SERVICE)
    assert told.startswith(f"# toy\n\n{docs.BEGIN}\n| | |\n|---|---|\n| reacts to |")
    assert told.endswith(f"{docs.END}\n")
    assert docs.with_tables(told, SERVICE) == told


def test_a_service_with_nothing_to_tell_has_an_empty_table() -> None:
    """No heading without rows."""
    assert docs.service_tables(Service("bare")) == ""


def test_a_document_that_is_old_or_missing_is_stale_until_it_is_written(tmp_path: Path) -> None:
    """``--check`` names it, ``--write`` writes it, and then the check is silent."""
    readmes = [s.folder / "README.md" for s in discover().values()]
    pages = [path for path, _ in docs.pages(tmp_path) if path not in readmes]
    told = {"docs/map.md", *(f"docs/contracts/{name}.json" for name in events.json_schemas())}
    assert {str(path.relative_to(tmp_path)) for path in pages} == told
    for path, text in docs.pages(tmp_path):
        if path in pages:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert _stale(tmp_path) == []
    (tmp_path / "docs" / "map.md").write_text("# An old map\n")
    (tmp_path / "docs" / "contracts" / "people.employee_hired.v1.json").unlink()
    assert _stale(tmp_path) == ["docs/contracts/people.employee_hired.v1.json", "docs/map.md"]


def _stale(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path, text in docs.pages(root)
        if path.is_relative_to(root) and not (path.exists() and path.read_text() == text)
    )


def test_the_map_draws_who_announces_reacts_and_asks() -> None:
    """Solid arrows are events, dotted arrows are questions."""
    shop = Service("shop", asks=["toy"], reactions=SERVICE.reactions)
    told = docs.house_map({"shop": shop, "toy": replace(SERVICE, reactions={})})
    assert "    toy -->|2 events| shop\n" in told
    assert "    shop -.-> toy\n" in told
    row = "| [shop](../src/orrery/services/shop) | - | `toy.thing_made.v1`, `toy.thing_renamed.v1`"
    assert f"{row} | toy |" in told
    assert "| [toy](../src/orrery/services/toy) | - | - | - |" in told
