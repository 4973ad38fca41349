"""Rows of a file become records: read by the draft, matched by key, written in sets that may fail.

A set that fails as a whole is halved until the bad rows stand alone, so that one bad row refuses
only itself and costs a logarithm instead of a savepoint for each of its neighbours.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, LiteralString, Union, get_args, get_origin
from uuid import UUID

import orjson
from pydantic import AliasChoices, BaseModel, ValidationError

from orrery.kernel import errors, log
from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.statements import table_sql
from orrery.kernel.types.refusal import Refusal

# What a deferred constraint has to say belongs to the rows that made it speak, not to the commit.
SPEAK_NOW: LiteralString = "set constraints all immediate; set constraints all deferred"
ERRORS_PER_ROW = 20
# Rows that an action takes one by one: so many of them a bad one may drag through once more.
SINGLES = 25

logger = log.logger("imports")


class RowTooWide(Refusal):
    """The row has more cells than the file has columns."""

    code = "kernel.row_too_wide"


class RowBroke(Refusal):
    """The program failed on this row; the log says where."""

    code = "kernel.bug"


@dataclass(frozen=True)
class Candidate:
    """A row that the draft accepted, and the keys by which its record may be known."""

    number: int
    original: dict[str, Any]
    draft: BaseModel
    keys: dict[str, str]


@dataclass
class Outcome:
    """What became of a chunk of rows."""

    created: int = 0
    changed: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


class RowsRefused(Exception):
    """The rows of a set that cannot be, by their place in it, and why; raised before any is kept.

    A set that knows its bad rows says so and costs one more try, whatever their number.
    """

    def __init__(self, causes: Mapping[int, Exception]) -> None:
        super().__init__(causes)
        self.causes = causes


class Intake:
    """How the rows of one file become records of a resource."""

    def __init__(self, resource: Any, columns: Sequence[str], mapping: Mapping[str, str]) -> None:
        self._resource = resource
        self._imports = resource.imports
        self._columns = columns
        self._fields = [(n, mapping[name]) for n, name in enumerate(columns) if name in mapping]
        self._column_of = {field: column for column, field in mapping.items()}
        drafted = self._imports.draft.model_fields
        kinds = {name: list(_kinds(info.annotation)) for name, info in drafted.items()}
        self._nullable = {name for name, kind in kinds.items() if NoneType in kind}
        self._nested = {n for n, kind in kinds.items() if any(_is_nested(k) for k in kind)}
        known = table_sql(resource.table).columns
        self._keys = [key for key in self._imports.keys if key in known and key in drafted]

    def original(self, cells: Sequence[Any]) -> dict[str, Any]:
        """The row as the file has it, by the names of its columns."""
        named = zip(self._columns, cells, strict=False)
        return {name: cell for name, cell in named if name and cell is not None}

    def read(self, number: int, cells: Sequence[Any], outcome: Outcome) -> Candidate | None:
        """The row as a draft, or None after noting what is wrong with it."""
        original = self.original(cells)
        try:
            if len(cells) > len(self._columns):
                raise RowTooWide(cells=len(cells), columns=len(self._columns))
            draft = self._imports.draft.model_validate(
                self._values(cells), by_name=True, by_alias=True
            )
        except ValidationError as invalid:
            told = [self._malformed(error, original) for error in invalid.errors()[:ERRORS_PER_ROW]]
            outcome.refused.append({"number": number, "errors": told, "original": original})
            return None
        except Refusal as refusal:
            self._refuse(number, original, refusal, outcome)
            return None
        keys = {key: getattr(draft, key) for key in self._keys}
        return Candidate(number, original, draft, {k: str(v) for k, v in keys.items() if v})

    def _values(self, cells: Sequence[Any]) -> dict[str, Any]:
        """An empty cell clears what may be empty; otherwise the draft's default counts."""
        values: dict[str, Any] = {}
        for place, name in self._fields:
            cell = cells[place]
            if cell is None:  # JSON that leaves the field out
                continue
            if isinstance(cell, str) and not cell.strip():
                if name in self._nullable:
                    values[name] = None
            elif name in self._nested and isinstance(cell, str):
                values[name] = _parsed(cell)
            else:
                values[name] = cell
        return values

    def _malformed(self, error: Any, original: Mapping[str, Any]) -> dict[str, Any]:
        name = str(error["loc"][0]) if error["loc"] else ""
        column = self._column_of.get(name, name)
        return {
            "column": column,
            "value": original.get(column),
            "code": "kernel.malformed",
            "message": error["msg"],
            "facts": {"field": ".".join(map(str, error["loc"])), "kind": error["type"]},
        }

    def _refuse(
        self, number: int, original: dict[str, Any], refusal: Refusal, outcome: Outcome
    ) -> None:
        name = str(refusal.facts.get("field") or refusal.facts.get("column") or "")
        column = self._column_of.get(name, name)
        told = {
            "column": column,
            "value": original.get(column, refusal.facts.get("value")),
            "code": refusal.code,
            "message": (refusal.__doc__ or "").strip().partition("\n")[0],
            "facts": dict(refusal.facts),
        }
        outcome.refused.append({"number": number, "errors": [told], "original": original})

    async def take(self, tx: Tx, caller: Caller, rows: Sequence[tuple[int, list[Any]]]) -> Outcome:
        """Write a chunk of rows; the bad ones are noted and leave nothing behind."""
        outcome = Outcome()
        read = [self.read(number, cells, outcome) for number, cells in rows]
        is_set = self._imports.action is None or self._imports.many is not None
        for wave in _waves([candidate for candidate in read if candidate is not None]):
            step = len(wave) if is_set else SINGLES
            for first in range(0, len(wave), step):
                await self._take(tx, caller, wave[first : first + step], outcome)
        return outcome

    async def _take(
        self, tx: Tx, caller: Caller, candidates: Sequence[Candidate], outcome: Outcome
    ) -> None:
        try:
            async with tx.savepoint():
                created, changed = await self._write(tx, caller, candidates)
                await tx.run(SPEAK_NOW)
        except RowsRefused as told:
            await self._retry(tx, caller, candidates, told.causes, outcome)
        except Exception as error:
            if len(candidates) == 1:
                await self._retry(tx, caller, candidates, {0: error}, outcome)
                return
            _understood(tx, error)
            middle = len(candidates) // 2
            await self._take(tx, caller, candidates[:middle], outcome)
            await self._take(tx, caller, candidates[middle:], outcome)
        else:
            outcome.created += created
            outcome.changed += changed

    async def _retry(
        self,
        tx: Tx,
        caller: Caller,
        candidates: Sequence[Candidate],
        causes: Mapping[int, Exception],
        outcome: Outcome,
    ) -> None:
        """Note the bad rows of a set and take in the others."""
        for place, cause in causes.items():
            refusal = _understood(tx, cause)
            if refusal is None:
                logger.error("bug", resource=self._resource.name, exc_info=cause)
            one = candidates[place]
            self._refuse(one.number, one.original, refusal or RowBroke(), outcome)
        rest = [one for place, one in enumerate(candidates) if place not in causes]
        if rest:
            await self._take(tx, caller, rest, outcome)

    async def _write(
        self, tx: Tx, caller: Caller, candidates: Sequence[Candidate]
    ) -> tuple[int, int]:
        """Write a set; a scope narrower than all holds for what is found and for what is made."""
        imports, permit = self._imports, self._resource.permit
        olds = await self._existing(tx, candidates)
        is_scoped = caller.scope(imports.permission) != "all"
        for row in olds if is_scoped else ():
            if row is not None:
                await permit(tx, caller, imports.permission, row.id)
        pairs = [(one.draft, old) for one, old in zip(candidates, olds, strict=True)]
        if imports.many is not None:
            news = await imports.many(tx, caller, pairs)
        elif imports.action is not None:
            news = await _one_by_one(tx, caller, imports.action, pairs)
        else:
            news = await self._write_columns(tx, pairs)
        for row in news if is_scoped else ():
            await permit(tx, caller, imports.permission, row.id)
        changed = sum(
            old is not None and _differ(old, new) for old, new in zip(olds, news, strict=True)
        )
        return olds.count(None), changed

    async def _existing(self, tx: Tx, candidates: Sequence[Candidate]) -> list[Any]:
        """The record of each candidate, locked; None where there is none yet."""
        parts, found = table_sql(self._resource.table), dict[tuple[str, str], UUID]()
        for key in self._keys:
            wanted = [one.keys[key] for one in candidates if key in one.keys]
            if wanted:
                rows = await tx.rows(
                    f'select id, "{key}" as key from "{parts.name}"'
                    f' where "{key}" = any(%(wanted)s)',
                    wanted=wanted,
                )
                found |= {(key, row.key): row.id for row in rows}
        locked = await tx.lock_many(self._resource.table, found.values())
        by_id = {row.id: row for row in locked}
        return [_match(one, found, by_id) for one in candidates]

    async def _write_columns(self, tx: Tx, pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Insert and update sets; of a known record only the columns that the file has change."""
        table = self._resource.table
        drafts = [draft.model_dump() for draft, old in pairs if old is None]
        added = iter(await tx.add_many(table, drafts))
        sets: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for draft, old in pairs:
            if old is not None:
                values = draft.model_dump(exclude_unset=True)
                sets.setdefault(tuple(values), []).append({"id": old.id, **values})
        changed: dict[UUID, Any] = {}
        for names, rows in sets.items():
            changed |= {row.id: row for row in await _change_many(tx, table, names, rows)}
        return [next(added) if old is None else changed.get(old.id, old) for _, old in pairs]


def _understood(tx: Tx, cause: Exception) -> Refusal | None:
    """What an error says of a row; None when it is our bug."""
    refusal = errors.understood(cause, tx.host.service.constraints)
    if refusal is not None and refusal.status == 503:
        raise cause  # nobody's fault: the job is tried again and goes on from here
    return refusal


def suggested(columns: Sequence[str], fields: Mapping[str, Any], noun: str) -> dict[str, str]:
    """Which column may fill which field: by the word, by ``CustomerID``, by nearly the word."""
    words: dict[str, str] = {}
    for name, info in fields.items():
        alias = info.validation_alias
        aliases = alias.choices if isinstance(alias, AliasChoices) else [alias]
        for word in (name, info.title, info.alias, *aliases):
            if isinstance(word, str):
                words.setdefault(_bare(word), name)
    more = {_bare(noun) + word: name for word, name in words.items()} | (
        {_bare(noun) + "id": "external_id"} if "external_id" in fields else {}
    )

    def nearly(word: str) -> str | None:
        return next((words[near] for near in get_close_matches(word, words, 1, 0.8)), None)

    found: dict[str, str] = {}
    for find in (words.get, more.get, nearly):
        for column in columns:
            field = find(_bare(column))
            if field and column and column not in found and field not in found.values():
                found[column] = field
    return {column: found[column] for column in columns if column in found}


def _bare(word: str) -> str:
    """A word without case, accents, spaces and signs."""
    plain = unicodedata.normalize("NFKD", word).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


async def _one_by_one(
    tx: Tx, caller: Caller, action: Any, pairs: Sequence[tuple[Any, Any]]
) -> list[Any]:
    news = []
    for place, (draft, old) in enumerate(pairs):
        try:
            news.append(await action(tx, caller, draft, old))
        except Exception as error:
            raise RowsRefused({place: error}) from error
    return news


async def _change_many(
    tx: Tx, table: Any, names: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Change a set of rows to other values of some columns; answers those that differed."""
    if not names:
        return []
    parts = table_sql(table)
    changed = await tx.rows(
        parts.update_many(tuple(names)), rows=orjson.dumps(rows, default=str).decode()
    )
    return [parts.row._make(row) for row in changed]


def _match(one: Candidate, found: Mapping[tuple[str, str], UUID], by_id: Mapping[UUID, Any]) -> Any:
    """The record of a row; a record with another external id is another one, whatever its code."""
    ours = one.keys.get("external_id")
    for key in one.keys.items():
        row = by_id.get(found[key]) if key in found else None
        if row is not None and (ours is None or getattr(row, "external_id", None) in (None, ours)):
            return row
    return None


def _waves(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Rows that name one record twice are written one after the other: the last one wins."""
    waves: list[list[Candidate]] = []
    last: dict[tuple[str, str], int] = {}
    for one in candidates:
        wave = max((last.get(key, -1) for key in one.keys.items()), default=-1) + 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(one)
        last |= dict.fromkeys(one.keys.items(), wave)
    return waves


def _differ(old: Any, new: Any) -> bool:
    if old is new or not hasattr(new, "_asdict"):
        return old is not new
    return bool({**old._asdict(), "version": 0} != {**new._asdict(), "version": 0})


def _kinds(annotation: Any) -> Iterator[Any]:
    """The plain types in an annotation, through unions and ``Annotated``."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin not in (Union, UnionType, Annotated):
        yield origin or annotation
        return
    for part in parts[:1] if origin is Annotated else parts:
        yield from _kinds(part)


def _is_nested(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Collection | BaseModel) and kind is not str


def _parsed(cell: str) -> Any:
    """A list or an object written as JSON in a cell; anything else is the draft's business."""
    if cell.lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
    return cell
