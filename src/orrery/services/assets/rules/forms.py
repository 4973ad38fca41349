"""Categories as dynamic forms: what fields an asset of a category has, and whether values fit."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from orrery.kernel.types.refusal import Refusal

FieldType = Literal["text", "number", "integer", "boolean", "date", "choice"]
SpecValue = str | int | bool

# Limits that keep a form readable on one screen and a row small.
MAX_FIELDS = 60
MAX_ALLOWED = 200
MAX_TEXT = 1_000
MAX_INTEGER = 2**63 - 1
MAX_DIGITS = 18
MAX_PLACES = 12
# How many broken assets a refusal names; the count is always complete.
MAX_EXAMPLES = 20

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


@dataclass(frozen=True)
class SpecField:
    """One field of a category's form."""

    key: str
    label: str
    type: FieldType
    required: bool = False
    allowed: tuple[str, ...] = ()
    unit: str | None = None


class FormInvalid(Refusal):
    """The form itself is wrong; the facts name a problem per field key."""

    code = "assets.form_invalid"
    status = 422


class SpecsInvalid(Refusal):
    """The specifications do not fit the category's form; one problem per field."""

    code = "assets.specs_invalid"
    status = 422


class FormBreaksAssets(Refusal):
    """The changed form would not fit assets that are stored; the facts report which."""

    code = "assets.form_breaks_assets"


class CategoryCycle(Refusal):
    """A category cannot be below itself."""

    code = "assets.category_cycle"


class CategoryArchived(Refusal):
    """An archived category takes no new assets."""

    code = "assets.category_archived"


class _Unreadable(Exception):
    """A value that is not of the field's type; carries the problem's code."""


@dataclass(frozen=True)
class StoredValue:
    """A value that assets of a category have for a key: how many, and one of their tags."""

    key: str
    value: Any
    count: int
    tag: str


@dataclass(frozen=True)
class Conflict:
    """What a changed form would break."""

    key: str
    problem: str
    value: Any
    count: int
    tag: str


def check_form(fields: Sequence[SpecField]) -> None:
    """Refuse a form nobody could fill in. Refuses: FormInvalid."""
    if len(fields) > MAX_FIELDS:
        raise FormInvalid(fields={"": "too_many_fields"}, limit=MAX_FIELDS)
    problems: dict[str, str] = {}
    seen: set[str] = set()
    for field in fields:
        problem = "duplicate_key" if field.key in seen else _form_problem(field)
        seen.add(field.key)
        if problem:
            problems[field.key] = problem
    if problems:
        raise FormInvalid(fields=problems)


def read_specs(fields: Sequence[SpecField], specs: Mapping[str, Any]) -> dict[str, SpecValue]:
    """The specifications as they are stored. Refuses: SpecsInvalid with a problem per field.

    Empty values count as not given. Numbers are kept as exact decimal text.
    """
    known = {field.key: field for field in fields}
    problems = {key: "unknown_field" for key in specs if key not in known}
    stored: dict[str, SpecValue] = {}
    for field in fields:
        given = specs.get(field.key)
        if given is None or (isinstance(given, str) and not given.strip()):
            if field.required:
                problems[field.key] = "required"
            continue
        try:
            stored[field.key] = _read(field, given)
        except _Unreadable as unreadable:
            problems[field.key] = str(unreadable)
    if problems:
        raise SpecsInvalid(fields=problems)
    return stored


def form_conflicts(
    fields: Sequence[SpecField], stored: Iterable[StoredValue], missing: Iterable[StoredValue]
) -> list[Conflict]:
    """What a changed form would break.

    ``stored`` are the distinct values that assets of the category have; ``missing`` says per
    required key how many assets have no value.
    """
    known = {field.key: field for field in fields}
    conflicts = []
    for value in stored:
        problem = problem_of(known.get(value.key), value.value)
        if problem:
            conflicts.append(Conflict(value.key, problem, value.value, value.count, value.tag))
    for gap in missing:
        field = known.get(gap.key)
        if field is not None and field.required and gap.count:
            conflicts.append(Conflict(gap.key, "required", None, gap.count, gap.tag))
    return conflicts


def check_conflicts(conflicts: Sequence[Conflict]) -> None:
    """Keep a form that stored assets would not fit from being saved. Refuses: FormBreaksAssets."""
    if conflicts:
        raise FormBreaksAssets(
            conflicts=len(conflicts),
            assets=sum(conflict.count for conflict in conflicts),
            examples=[
                {
                    "field": conflict.key,
                    "problem": conflict.problem,
                    "value": conflict.value,
                    "assets": conflict.count,
                    "tag": conflict.tag,
                }
                for conflict in conflicts[:MAX_EXAMPLES]
            ],
        )


def problem_of(field: SpecField | None, value: Any) -> str | None:
    """Why a stored value does not fit a field, or None when it does."""
    if field is None:
        return "unknown_field"
    try:
        _read(field, value)
    except _Unreadable as unreadable:
        return str(unreadable)
    return None


def _form_problem(field: SpecField) -> str | None:
    if not _KEY.fullmatch(field.key):
        return "bad_key"
    if not field.label:
        return "label_missing"
    if field.type == "choice" and not field.allowed:
        return "choices_missing"
    if field.allowed and field.type in ("boolean", "date"):
        return "choices_not_possible"
    if len(field.allowed) > MAX_ALLOWED:
        return "too_many_choices"
    if len(set(field.allowed)) < len(field.allowed):
        return "duplicate_choice"
    try:
        for allowed in field.allowed:
            _READERS[field.type](allowed)
    except _Unreadable:
        return "choice_of_wrong_type"
    return None


def _read(field: SpecField, given: Any) -> SpecValue:
    value: SpecValue = _READERS[field.type](given)
    if field.allowed:
        # Compared as read, so that an allowed "16.0" and a given "16" are the same number.
        readable = {_READERS[field.type](allowed) for allowed in field.allowed}
        if value not in readable:
            raise _Unreadable("not_allowed")
    return value


def _read_text(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise _Unreadable("not_text")
    text = str(given).strip()
    if len(text) > MAX_TEXT:
        raise _Unreadable("too_long")
    return text


def _read_number(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise _Unreadable("not_a_number")
    try:
        number = Decimal(str(given).strip())
    except InvalidOperation:
        raise _Unreadable("not_a_number") from None
    if not number.is_finite() or number.adjusted() > MAX_DIGITS or _places(number) > MAX_PLACES:
        raise _Unreadable("not_a_number")
    text = format(abs(number) if number.is_zero() else number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _read_integer(given: Any) -> int:
    try:
        number = Decimal(_read_number(given))
    except _Unreadable:
        raise _Unreadable("not_an_integer") from None
    if number != int(number) or abs(number) > MAX_INTEGER:
        raise _Unreadable("not_an_integer")
    return int(number)


def _read_boolean(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise _Unreadable("not_true_or_false")


def _read_date(given: Any) -> str:
    if isinstance(given, date):
        return given.isoformat()[:10]
    try:
        return date.fromisoformat(str(given).strip()).isoformat()
    except ValueError:
        raise _Unreadable("not_a_date") from None


_READERS: Mapping[str, Any] = {
    "text": _read_text,
    "number": _read_number,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "date": _read_date,
    "choice": _read_text,
}
