"""JSON of depreciation: books, schedules, book values, posted entries, use."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.assets.rules.conventions import Convention
from orrery.services.assets.rules.plans import Method
from orrery.services.assets.schemas.parts import Amount, BookCode, Day, Months, Note, Units

PeriodMonths = Literal[1, 3, 12]
FirstMonth = Annotated[int, Field(ge=1, le=12)]
Rate = Annotated[Decimal, Field(gt=0, le=1, max_digits=7, decimal_places=6)]
Factor = Annotated[Decimal, Field(gt=0, le=10, max_digits=8, decimal_places=6)]


class BookView(View):
    """How an asset depreciates for one purpose."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    code: str
    method: str
    convention: str
    starts_on: date
    life_months: int
    period_months: int
    first_month: int
    rate: Exact | None
    factor: Exact | None
    switches: bool
    units_total: Exact | None
    salvage_value: Exact | None
    is_on_hold: bool
    posted_through: date | None
    posted_total: Exact
    next_post_on: date | None
    version: int


class BookDraft(Draft):
    """A book for an asset; it starts with the purchase unless it says otherwise."""

    code: BookCode = "book"
    method: Method = "straight_line"
    convention: Convention = "full_month"
    starts_on: Day | None = None
    life_months: Months
    period_months: PeriodMonths = 1
    first_month: FirstMonth | None = None
    rate: Rate | None = None
    factor: Factor | None = None
    switches: bool = True
    units_total: Units | None = None
    salvage_value: Amount | None = None


class BookChange(Draft):
    """What to change about a book; fields left out stay.

    Once depreciation is posted only ``is_on_hold`` may change.
    """

    code: BookCode = ""
    method: Method = "straight_line"
    convention: Convention = "full_month"
    starts_on: Day = date.min
    life_months: Months = 1
    period_months: PeriodMonths = 1
    first_month: FirstMonth = 1
    rate: Rate | None = None
    factor: Factor | None = None
    switches: bool = True
    units_total: Units | None = None
    salvage_value: Amount | None = None
    is_on_hold: bool = False


class RowView(View):
    """One period of a schedule."""

    period_start: date
    period_end: date
    opening: Exact
    depreciation: Exact
    accumulated: Exact
    closing: Exact
    is_posted: bool


class ScheduleView(View):
    """The whole schedule of an asset in one book."""

    asset_id: UUID
    book: str
    method: str
    convention: str
    cost: Exact
    salvage_value: Exact
    currency: str
    rows: list[RowView]


class BookValueView(View):
    """What an asset is worth in a book at the end of a day."""

    asset_id: UUID
    book: str | None
    on: date
    cost: Exact
    depreciated: Exact
    book_value: Exact
    posted: Exact
    posted_through: date | None
    currency: str


class EntryView(View):
    """A posted amount of depreciation."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    book_id: UUID
    book: str
    kind: str
    period_start: date
    period_end: date
    amount: Exact
    accumulated: Exact
    currency: str
    posted_on: date
    reverses_id: UUID | None
    is_reversed: bool
    notes: str | None
    created_by: UUID | None
    created_at: Instant


class PostingOrder(Draft):
    """Post every complete period up to a day; of some assets or books, or of all."""

    through: Day | None = None
    asset_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)] | None = None
    book: BookCode | None = None


class PostedBook(View):
    """What was posted in one book, per currency."""

    book: str
    currency: str
    entries: int
    amount: Exact


class Posted(View):
    """What a posting run did; ``left`` books wait for the next run, which has been queued."""

    through: date
    books: list[PostedBook]
    left: int


class Reversal(Draft):
    """Why an entry is taken back."""

    notes: Note


class UseDraft(Draft):
    """Units an asset produced on a day."""

    units: Units
    used_on: Day | None = None
    notes: Note | None = None


class UseView(View):
    """Units an asset produced on a day."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    used_on: date
    units: Exact
    reverses_id: UUID | None
    notes: str | None
    created_by: UUID | None
    created_at: Instant
