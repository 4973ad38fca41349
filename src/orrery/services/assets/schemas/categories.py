"""JSON of categories and of the register's settings."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from orrery.kernel.schemas import Draft, View
from orrery.services.assets.rules.conventions import Convention
from orrery.services.assets.rules.forms import FieldType, SpecField
from orrery.services.assets.rules.plans import Method
from orrery.services.assets.schemas.parts import (
    BookCode,
    Code,
    Currency,
    Months,
    Name,
    Percent,
    Text,
)


class SpecFieldDraft(Draft):
    """One field of a category's form."""

    key: str
    label: Text
    type: FieldType
    required: bool = False
    allowed: list[Text] = Field(default_factory=list)
    unit: Text | None = None

    def field(self) -> SpecField:
        """The field as the rules take it."""
        return SpecField(
            self.key, self.label, self.type, self.required, tuple(self.allowed), self.unit
        )


class BookDefaults(Draft):
    """A depreciation book that assets of a category get when they are entered."""

    code: BookCode = "book"
    method: Method = "straight_line"
    convention: Convention = "full_month"
    life_months: Months
    period_months: int = 1
    rate: Decimal | None = None
    factor: Decimal | None = None
    switches: bool = True
    salvage_percent: Percent = Decimal(0)


class CategoryView(View):
    """A category with its form."""

    id: UUID
    code: str
    name: str
    parent_id: UUID | None
    parent_name: str | None
    fields: list[dict[str, Any]]
    books: list[dict[str, Any]]
    is_archived: bool
    external_id: str | None
    version: int


class CategoryDraft(Draft):
    """A new category."""

    code: Code
    name: Name
    parent_id: UUID | None = None
    fields: list[SpecFieldDraft] = Field(default_factory=list)
    books: list[BookDefaults] = Field(default_factory=list, max_length=10)
    external_id: Text | None = None


class CategoryChange(Draft):
    """What to change about a category; fields left out stay."""

    code: Code = ""
    name: Name = ""
    parent_id: UUID | None = None
    fields: list[SpecFieldDraft] = Field(default_factory=list)
    books: list[BookDefaults] = Field(default_factory=list, max_length=10)


class OptionsView(View):
    """The tenant's choices for its register."""

    currency: str
    tag_pattern: str
    fiscal_year_month: int


class OptionsChange(Draft):
    """What to change about the register's settings; fields left out stay."""

    currency: Currency = ""
    # One run of zeros is where the counter goes; dates may come before it.
    tag_pattern: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_.-]*(\{(yyyy|yy|mm)\}[A-Za-z0-9_.-]*)*\{0{1,9}\}$"),
    ] = ""
    fiscal_year_month: Annotated[int, Field(ge=1, le=12)] = 1
