"""Tables of assets: the register, custody, maintenance, and depreciation by book."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Ledger, Record, Reference, tables


class Base(DeclarativeBase):
    """Tables of a tenant."""

    metadata = tables()
    type_annotation_map = TYPES


class RegisterOptions(Record, Base):
    """The tenant's own choices for its register; one row."""

    __tablename__ = "register_options"

    currency: Mapped[str]
    tag_pattern: Mapped[str]
    fiscal_year_month: Mapped[int]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    # Only ever true, and unique: so there cannot be a second row.
    is_only: Mapped[bool] = mapped_column(unique=True, server_default=text("true"))

    __table_args__ = (
        CheckConstraint("is_only", name="one_row"),
        CheckConstraint("fiscal_year_month between 1 and 12", name="month"),
    )


class AssetCategory(Reference, Base):
    """A kind of asset, with the form of its specifications and how it usually depreciates."""

    __tablename__ = "asset_category"

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset_category.id"))
    fields: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    books: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))

    __table_args__ = (
        Index(None, "parent_id"),
        Index(None, "is_archived", "id"),
        CheckConstraint("parent_id <> id", name="own_parent"),
    )


class Asset(Document, Base):
    """A thing the company owns."""

    __tablename__ = "asset"

    tag: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    asset_class: Mapped[str]
    serial: Mapped[str | None] = mapped_column(unique=True)
    maker: Mapped[str | None]
    model: Mapped[str | None]
    category_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset_category.id"))
    specs: Mapped[dict[str, Any]]
    status: Mapped[str]
    condition: Mapped[str]
    warranty_until: Mapped[date | None]
    insurance_until: Mapped[date | None]
    purchased_on: Mapped[date | None]
    vendor_name: Mapped[str | None]
    purchase_document: Mapped[str | None]
    cost: Mapped[Decimal]
    currency: Mapped[str]
    salvage_value: Mapped[Decimal]
    location: Mapped[str | None]
    unit_id: Mapped[UUID | None]
    department_id: Mapped[UUID | None]
    assigned_employee_id: Mapped[UUID | None]
    notes: Mapped[str | None]
    audited_on: Mapped[date | None]
    disposed_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint("salvage_value between 0 and cost", name="salvage_within_cost"),
        CheckConstraint("(status = 'disposed') = (disposed_on is not null)", name="disposed_dated"),
        CheckConstraint(
            "(status <> 'assigned' or assigned_employee_id is not null)"
            " and (status in ('assigned', 'maintenance') or assigned_employee_id is null)",
            name="holder_fits_status",
        ),
        Index(None, "status", "id"),
        Index(None, "category_id", "id"),
        Index(None, "asset_class", "id"),
        Index(None, "condition", "id"),
        Index(None, "assigned_employee_id", "id"),
        Index(None, "department_id", "id"),
        Index(None, "unit_id", "id"),
        Index(None, "purchased_on", "id"),
        Index(None, "warranty_until", "id"),
        Index(None, "insurance_until", "id"),
        Index(None, "audited_on", "id"),
        Index(None, "disposed_on", "id"),
        Index(None, "location", "id"),
        Index(None, "name", "id"),
        Index(None, "cost", "id"),
    )


class Assignment(Document, Base):
    """One employee's custody of one asset, from hand-over to return."""

    __tablename__ = "assignment"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    employee_id: Mapped[UUID]
    assigned_on: Mapped[date]
    due_back_on: Mapped[date | None]
    notes: Mapped[str | None]
    condition_out: Mapped[str]
    returned_on: Mapped[date | None]
    returned_by: Mapped[UUID | None]
    end_reason: Mapped[str | None]
    return_notes: Mapped[str | None]
    condition_in: Mapped[str | None]

    __table_args__ = (
        # The database keeps the rule too: an asset has at most one holder.
        Index(
            "uq_assignment_open",
            "asset_id",
            unique=True,
            postgresql_where=text("returned_on is null"),
        ),
        CheckConstraint("returned_on >= assigned_on", name="order_of_dates"),
        Index(None, "asset_id", "id"),
        Index(None, "employee_id", "id"),
        Index(None, "assigned_on", "id"),
        Index(None, "returned_on", "id"),
        Index(None, "due_back_on", "id"),
    )


class AuditScan(Ledger, Base):
    """An asset was seen: where, and in which condition."""

    __tablename__ = "audit_scan"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    scanned_on: Mapped[date]
    found_at: Mapped[str]
    condition: Mapped[str]
    notes: Mapped[str | None]

    __table_args__ = (Index(None, "asset_id", "id"), Index(None, "scanned_on", "id"))


class MaintenancePlan(Document, Base):
    """Maintenance to come: every so many days or months, or once."""

    __tablename__ = "maintenance_plan"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    name: Mapped[str]
    kind: Mapped[str]
    # Without an interval the plan is a reminder of one visit.
    every: Mapped[int | None]
    every_unit: Mapped[str | None]
    lead_days: Mapped[int]
    first_due_on: Mapped[date]
    last_done_on: Mapped[date | None]
    next_due_on: Mapped[date]
    state: Mapped[str]
    is_ended: Mapped[bool] = mapped_column(server_default=text("false"))
    # The log whose "next due" made this reminder.
    origin_log_id: Mapped[UUID | None] = mapped_column(unique=True)

    __table_args__ = (
        CheckConstraint("every > 0", name="every_positive"),
        CheckConstraint("(every is null) = (every_unit is null)", name="interval_whole"),
        CheckConstraint("lead_days >= 0", name="lead_not_negative"),
        Index(None, "asset_id", "id"),
        Index(None, "state", "next_due_on", "id"),
        Index(None, "next_due_on", "id"),
        Index(None, "kind", "id"),
        Index(None, "is_ended", "id"),
    )


class MaintenanceLog(Document, Base):
    """Work that was done on an asset."""

    __tablename__ = "maintenance_log"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("maintenance_plan.id"))
    kind: Mapped[str]
    description: Mapped[str]
    cost: Mapped[Decimal]
    currency: Mapped[str]
    performer: Mapped[str | None]
    performed_on: Mapped[date]
    next_due_on: Mapped[date | None]
    is_void: Mapped[bool] = mapped_column(server_default=text("false"))
    void_reason: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint("next_due_on > performed_on", name="next_after_performed"),
        CheckConstraint("is_void = (void_reason is not null)", name="void_has_reason"),
        Index(None, "asset_id", "performed_on", "id"),
        Index(None, "plan_id", "performed_on", "id"),
        Index(None, "kind", "id"),
        Index(None, "performed_on", "id"),
        Index(None, "is_void", "id"),
    )


class DepreciationBook(Document, Base):
    """How an asset depreciates for one purpose: the company's books, tax, a group's books."""

    __tablename__ = "depreciation_book"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    code: Mapped[str]
    method: Mapped[str]
    convention: Mapped[str]
    starts_on: Mapped[date]
    life_months: Mapped[int]
    period_months: Mapped[int]
    first_month: Mapped[int]
    rate: Mapped[Decimal | None]
    factor: Mapped[Decimal | None]
    switches: Mapped[bool]
    units_total: Mapped[Decimal | None]
    # Without an own value the asset's counts; under MACRS there is none.
    salvage_value: Mapped[Decimal | None]
    is_on_hold: Mapped[bool] = mapped_column(server_default=text("false"))
    posted_through: Mapped[date | None]
    posted_total: Mapped[Decimal] = mapped_column(server_default=text("0"))
    next_post_on: Mapped[date | None]

    __table_args__ = (
        UniqueConstraint("asset_id", "code"),
        CheckConstraint("life_months > 0", name="life_positive"),
        CheckConstraint("salvage_value >= 0", name="salvage_not_negative"),
        Index(None, "next_post_on", "id"),
        Index(None, "code", "id"),
        Index(None, "method", "id"),
    )


class DepreciationEntry(Ledger, Base):
    """A posted amount of depreciation; a mistake is reversed, never changed."""

    __tablename__ = "depreciation_entry"

    book_id: Mapped[UUID] = mapped_column(ForeignKey("depreciation_book.id"))
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    book: Mapped[str]
    kind: Mapped[str]
    period_start: Mapped[date]
    period_end: Mapped[date]
    # How often the period was posted and reversed before: so it is posted once, and again only
    # after a reversal.
    round: Mapped[int]
    amount: Mapped[Decimal]
    accumulated: Mapped[Decimal]
    currency: Mapped[str]
    posted_on: Mapped[date]
    reverses_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("depreciation_entry.id"), unique=True
    )
    notes: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint(
            "book_id", "period_end", "kind", "round", name="uq_depreciation_entry_once"
        ),
        CheckConstraint("period_start <= period_end", name="order_of_dates"),
        CheckConstraint("(kind = 'reversal') = (reverses_id is not null)", name="reversal_named"),
        Index(None, "asset_id", "id"),
        Index(None, "book", "id"),
        Index(None, "kind", "id"),
        Index(None, "period_end", "id"),
        Index(None, "posted_on", "id"),
    )


class AssetUse(Ledger, Base):
    """Units an asset produced on a day, for units-of-production depreciation."""

    __tablename__ = "asset_use"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    used_on: Mapped[date]
    units: Mapped[Decimal]
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset_use.id"), unique=True)
    notes: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(units < 0) = (reverses_id is not null)", name="only_reversals_negative"),
        Index(None, "asset_id", "used_on", "id"),
        Index(None, "used_on", "id"),
    )


class Disposal(Ledger, Base):
    """How an asset left the company, with the gain or loss in one book."""

    __tablename__ = "disposal"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id"))
    # Empty for an asset that never depreciated.
    book: Mapped[str | None]
    is_leading: Mapped[bool]
    kind: Mapped[str]
    disposed_on: Mapped[date]
    proceeds: Mapped[Decimal]
    cost: Mapped[Decimal]
    book_value: Mapped[Decimal]
    gain: Mapped[Decimal]
    currency: Mapped[str]
    buyer: Mapped[str | None]
    notes: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("proceeds >= 0", name="proceeds_not_negative"),
        CheckConstraint("gain = proceeds - book_value", name="gain_follows"),
        UniqueConstraint("asset_id", "book"),
        Index("uq_disposal_leading", "asset_id", unique=True, postgresql_where=text("is_leading")),
        Index(None, "disposed_on", "id"),
        Index(None, "kind", "id"),
        Index(None, "is_leading", "id"),
    )
