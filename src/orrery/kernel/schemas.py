"""JSON in and out: drafts refuse what they do not know, views carry decimals as strings."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

V = TypeVar("V")

# A decimal in JSON is a string in fixed notation, in lists (made by PostgreSQL) as in records.
Exact = Annotated[
    Decimal,
    PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "decimal"}, mode="serialization"),
]
# An instant in JSON is ISO 8601 in UTC.
Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda value: value.astimezone(UTC).isoformat(), return_type=str, when_used="json"
    ),
]


class View(BaseModel):
    """Base of what the API answers; no defaults, so that OpenAPI says what is always there."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def of(cls, row: Any, **more: Any) -> Self:
        """The one mapper from a row to JSON; ``more`` adds or replaces fields."""
        if not more:
            return cls.model_validate(row)
        values = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_validate(values | more)

    @classmethod
    def of_all(cls, rows: Iterable[Any]) -> list[Self]:
        """Map many rows."""
        return [cls.model_validate(row) for row in rows]


class Draft(BaseModel):
    """Base of what the API takes; an unknown field is an error, not silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, str_max_length=20_000)


class Page(BaseModel, Generic[V]):
    """One page of a list; ``next`` is the cursor of the following page."""

    items: list[V]
    next: str | None = Field(description="Pass it as `cursor` to get the next page.")
    total: int | None = Field(default=None, description="Only with `total=true`.")


class Entry(View):
    """One line of a record's timeline: who changed what, when, on whose behalf."""

    at: Instant
    actor: str | None
    on_behalf_of: str | None
    request_id: str | None
    table: str
    record_id: str
    verb: str
    changes: dict[str, Any]
