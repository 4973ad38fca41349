"""JSON of the register: assets, custody, scans and disposals."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import Draft, Exact, Instant, View
from orrery.services.assets.rules.states import AssetClass, Condition, DisposalKind
from orrery.services.assets.schemas.depreciation import BookDraft, BookView
from orrery.services.assets.schemas.parts import (
    BLANK,
    Amount,
    Currency,
    Day,
    Name,
    Note,
    SpecInput,
    Specs,
    Tag,
    Text,
)


class AssetView(View):
    """An asset."""

    id: UUID
    tag: str
    name: str
    asset_class: str
    serial: str | None
    maker: str | None
    model: str | None
    category_id: UUID | None
    category_name: str | None
    specs: Specs
    status: str
    condition: str
    assigned_employee_id: UUID | None
    location: str | None
    unit_id: UUID | None
    department_id: UUID | None
    warranty_until: date | None
    insurance_until: date | None
    purchased_on: date | None
    vendor_name: str | None
    purchase_document: str | None
    cost: Exact
    currency: str
    salvage_value: Exact
    audited_on: date | None
    disposed_on: date | None
    notes: str | None
    external_id: str | None
    created_at: Instant
    version: int


class AssignmentView(View):
    """One employee's custody of one asset."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    asset_name: str
    employee_id: UUID
    assigned_on: date
    assigned_by: UUID | None
    due_back_on: date | None
    notes: str | None
    condition_out: str
    returned_on: date | None
    returned_by: UUID | None
    end_reason: str | None
    return_notes: str | None
    condition_in: str | None
    version: int


class DisposalView(View):
    """How an asset left the company, in one book."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    book: str | None
    is_leading: bool
    kind: str
    disposed_on: date
    proceeds: Exact
    cost: Exact
    book_value: Exact
    gain: Exact
    currency: str
    buyer: str | None
    notes: str | None


class ScanView(View):
    """An asset was seen."""

    id: UUID
    asset_id: UUID
    asset_tag: str
    scanned_on: date
    found_at: str
    condition: str
    notes: str | None
    created_by: UUID | None
    created_at: Instant


class AssetDetails(AssetView):
    """An asset with its holder, its books, what became of it, and what can be done with it."""

    assignment: AssignmentView | None
    books: list[BookView]
    disposals: list[DisposalView]
    verbs: list[str]


class AssetDraft(Draft):
    """A new asset; the tag comes from the series unless it is given."""

    tag: Tag | None = None
    name: Name
    asset_class: AssetClass = "system"
    serial: Text | None = None
    maker: Text | None = None
    model: Text | None = None
    category_id: UUID | None = None
    specs: dict[str, SpecInput] = Field(default_factory=dict)
    condition: Condition = "new"
    warranty_until: Day | None = None
    insurance_until: Day | None = None
    purchased_on: Day | None = None
    vendor_name: Text | None = None
    purchase_document: Text | None = None
    cost: Amount = Decimal(0)
    currency: Currency | None = None
    salvage_value: Amount | None = None
    location: Text | None = None
    unit_id: UUID | None = None
    department_id: UUID | None = None
    notes: Note | None = None
    external_id: Text | None = None
    # Without a word on books the category's defaults apply; an empty list means none.
    books: Annotated[list[BookDraft], Field(max_length=10)] | None = None


class AssetChange(Draft):
    """What to change about an asset; fields left out stay. Cost, status and holder have verbs."""

    tag: Tag = ""
    name: Name = ""
    asset_class: AssetClass = "system"
    serial: Text | None = None
    maker: Text | None = None
    model: Text | None = None
    category_id: UUID | None = None
    specs: dict[str, SpecInput] = Field(default_factory=dict)
    condition: Condition = "good"
    warranty_until: Day | None = None
    insurance_until: Day | None = None
    purchased_on: Day | None = None
    vendor_name: Text | None = None
    purchase_document: Text | None = None
    location: Text | None = None
    unit_id: UUID | None = None
    department_id: UUID | None = None
    notes: Note | None = None
    external_id: Text | None = None


class AssetImport(Draft):
    """A row of a file of assets; a known external id, tag or serial changes that asset."""

    external_id: Annotated[Text | None, BLANK] = None
    tag: Annotated[Tag | None, BLANK] = None
    name: Name
    category: Annotated[Text | None, BLANK, Field(description="Code of the category.")] = None
    asset_class: Annotated[AssetClass | None, BLANK] = None
    serial: Annotated[Text | None, BLANK] = None
    maker: Annotated[Text | None, BLANK] = None
    model: Annotated[Text | None, BLANK] = None
    specs: Annotated[
        dict[str, SpecInput] | str | None,
        BLANK,
        Field(description="JSON, or `key=value; key=value`."),
    ] = None
    condition: Annotated[Condition | None, BLANK] = None
    purchased_on: Annotated[Day | None, BLANK] = None
    warranty_until: Annotated[Day | None, BLANK] = None
    insurance_until: Annotated[Day | None, BLANK] = None
    vendor_name: Annotated[Text | None, BLANK] = None
    purchase_document: Annotated[Text | None, BLANK] = None
    cost: Annotated[Amount | None, BLANK] = None
    currency: Annotated[Currency | None, BLANK] = None
    salvage_value: Annotated[Amount | None, BLANK] = None
    location: Annotated[Text | None, BLANK] = None
    notes: Annotated[Note | None, BLANK] = None


class Handover(Draft):
    """Give an asset to an employee."""

    employee_id: UUID
    assigned_on: Day | None = None
    due_back_on: Day | None = None
    notes: Note | None = None


class GiveBack(Draft):
    """Take an asset back."""

    returned_on: Day | None = None
    condition: Condition | None = None
    location: Text | None = None
    notes: Note | None = None


class Reason(Draft):
    """Why something is done."""

    reason: Note | None = None


class CostCorrection(Draft):
    """The right cost of an asset."""

    cost: Amount
    salvage_value: Amount | None = None
    reason: Note


class Scan(Draft):
    """Where an asset was found in an audit, and how it was."""

    found_at: Name
    condition: Condition
    scanned_on: Day | None = None
    notes: Note | None = None


class DisposalDraft(Draft):
    """Sell or scrap an asset."""

    kind: DisposalKind
    disposed_on: Day | None = None
    proceeds: Amount = Decimal(0)
    buyer: Text | None = None
    notes: Note | None = None


class Holding(View):
    """How many assets an employee holds, and since when the latest of them."""

    employee_id: UUID
    assets: int
    last_assigned_on: date | None
    last_asset_tag: str | None


class CategoryCount(View):
    """How many assets of a category are in the register."""

    category_id: UUID | None
    category_name: str | None
    assets: int


class Figures(View):
    """The register in numbers; disposed assets count only by status."""

    total: int
    assigned: int
    available: int
    maintenance: int
    by_status: dict[str, int]
    by_category: list[CategoryCount]
    per_employee: list[Holding]


class Scanned(View):
    """The asset after a scan, and the scan."""

    asset: AssetView
    scan: ScanView
