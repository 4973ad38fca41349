"""JSON in and out of organization."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, Instant, View

DateFormat = Literal["yyyy-MM-dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy"]
DecimalSeparator = Literal[".", ","]
ThousandsSeparator = Literal[",", ".", " ", "\u202f", "'", ""]
TaxRounding = Literal["line", "document"]
PaperSize = Literal["A4", "Letter"]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,11}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", description="de, en-GB")]
# Every unit has these; a change may replace them but not empty them.
NEEDED_OF_A_UNIT = frozenset(
    "name legal_name country currency time_zone language date_format decimal_separator"
    " thousands_separator tax_rounding".split()
)
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]


class UnitView(View):
    """A business unit."""

    id: UUID
    code: str
    name: str
    legal_name: str
    street: str | None
    postal_code: str | None
    city: str | None
    region: str | None
    country: str
    email: str | None
    phone: str | None
    website: str | None
    tax_number: str | None
    vat_number: str | None
    iban: str | None
    bank_name: str | None
    currency: str
    time_zone: str
    language: str
    date_format: str
    decimal_separator: str
    thousands_separator: str
    tax_rounding: str
    is_headquarters: bool
    is_archived: bool
    external_id: str | None
    version: int
    created_at: Instant


class UnitDraft(Draft):
    """A business unit to add; formats follow the language when they are left out."""

    code: Code
    name: Line
    legal_name: Line | None = None
    street: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    region: Line | None = None
    country: Country
    email: Email | None = None
    phone: Line | None = None
    website: Line | None = None
    tax_number: Line | None = None
    vat_number: Line | None = None
    iban: Line | None = None
    bank_name: Line | None = None
    currency: Currency
    time_zone: Line
    language: Language = "en"
    date_format: DateFormat | None = None
    decimal_separator: DecimalSeparator | None = None
    thousands_separator: ThousandsSeparator | None = None
    tax_rounding: TaxRounding = "line"
    external_id: Line | None = None


class UnitChange(Draft):
    """What to change of a unit; a field left out stays as it is, null empties an optional one."""

    name: Line | None = None
    legal_name: Line | None = None
    street: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    region: Line | None = None
    country: Country | None = None
    email: Email | None = None
    phone: Line | None = None
    website: Line | None = None
    tax_number: Line | None = None
    vat_number: Line | None = None
    iban: Line | None = None
    bank_name: Line | None = None
    currency: Currency | None = None
    time_zone: Line | None = None
    language: Language | None = None
    date_format: DateFormat | None = None
    decimal_separator: DecimalSeparator | None = None
    thousands_separator: ThousandsSeparator | None = None
    tax_rounding: TaxRounding | None = None

    @model_validator(mode="after")
    def _keep_what_is_needed(self) -> Self:
        emptied = sorted(
            name for name in self.model_fields_set & NEEDED_OF_A_UNIT if getattr(self, name) is None
        )
        if emptied:
            raise ValueError(f"cannot be empty: {', '.join(emptied)}")
        return self


class UnitChoice(View):
    """A unit that the caller may work in, with what a screen needs to write dates and amounts."""

    id: UUID
    code: str
    name: str
    currency: str
    time_zone: str
    language: str
    date_format: str
    decimal_separator: str
    thousands_separator: str
    is_headquarters: bool
    is_default: bool


class UnitChoices(View):
    """The caller's own units."""

    items: list[UnitChoice]


class DepartmentView(View):
    """A department as people last described it."""

    id: UUID
    code: str
    title: str
    unit_id: UUID | None
    unit_code: str | None
    head_employee_id: UUID | None
    is_archived: bool


class MembershipView(View):
    """A user's membership in short, as lists show it."""

    id: UUID
    user_id: UUID
    email: str | None
    full_name: str | None
    default_unit_id: UUID | None
    default_unit_code: str | None
    version: int
    created_at: Instant


class UnitGrantView(View):
    """A unit that a user belongs to; both days are included, null means without limit."""

    unit_id: UUID
    unit_code: str
    valid_from: date | None
    valid_until: date | None
    holds_today: bool


class MembershipDetails(MembershipView):
    """A user's membership with every unit and department."""

    units: list[UnitGrantView]
    department_ids: list[UUID]


class UnitGrantDraft(Draft):
    """A unit to belong to."""

    unit_id: UUID
    valid_from: date | None = None
    valid_until: date | None = None


class MembershipDraft(Draft):
    """The whole membership of a user: it replaces the former one."""

    units: list[UnitGrantDraft] = Field(max_length=200)
    default_unit_id: UUID | None = None
    department_ids: list[UUID] = Field(default=[], max_length=200)


class ProfileView(View):
    """The tenant's title and look."""

    title: str
    logo_text: str
    accent_colour: str
    paper_size: str
    template: str
    version: int


class ProfileChange(Draft):
    """What to change of the profile; a field left out stays as it is."""

    title: Line | None = None
    logo_text: Annotated[str, Field(min_length=1, max_length=24)] | None = None
    accent_colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    paper_size: PaperSize | None = None

    @model_validator(mode="after")
    def _keep_all(self) -> Self:
        emptied = sorted(name for name in self.model_fields_set if getattr(self, name) is None)
        if emptied:
            raise ValueError(f"cannot be empty: {', '.join(emptied)}")
        return self
