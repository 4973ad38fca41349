"""Tables of analytics: what is known of each subject, and the tallies that they move.

Every id is a function of the row's key, so that a rebuild from the log gives the same rows.
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import Index, Numeric, SmallInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from orrery.kernel.tables import TYPES, Document, Record, tables

AMOUNT = Numeric(24, 6)
# The log of events is the history of a projection; a trigger's copy would only double its cost.
NO_HISTORY = {"info": {"history": False}}


class Base(DeclarativeBase):
    """Tables that each tenant has for itself."""

    metadata = tables()
    type_annotation_map = TYPES


class Reporting(Document, Base):
    """The one row that says in which currency the tenant's own figures are stated."""

    __tablename__ = "reporting"
    currency: Mapped[str]


class AssetFact(Record, Base):
    """What is known of an asset, by the asset's id."""

    __tablename__ = "asset_fact"
    __table_args__ = NO_HISTORY
    since: Mapped[date]
    status: Mapped[str]
    category: Mapped[str]
    cost: Mapped[Decimal] = mapped_column(AMOUNT)
    currency: Mapped[str]


class InvoiceFact(Record, Base):
    """What is known of an invoice, by the invoice's id."""

    __tablename__ = "invoice_fact"
    __table_args__ = NO_HISTORY
    currency: Mapped[str]
    due_on: Mapped[date | None]
    moved_on: Mapped[date | None]
    is_issued: Mapped[bool]
    is_paid: Mapped[bool]
    is_void: Mapped[bool]
    net: Mapped[Decimal] = mapped_column(AMOUNT)
    total: Mapped[Decimal] = mapped_column(AMOUNT)
    credited_net: Mapped[Decimal] = mapped_column(AMOUNT)
    credited: Mapped[Decimal] = mapped_column(AMOUNT)
    written_off: Mapped[Decimal] = mapped_column(AMOUNT)
    received: Mapped[Decimal] = mapped_column(AMOUNT)


class EmployeeFact(Record, Base):
    """What is known of an employee, by the employee's id."""

    __tablename__ = "employee_fact"
    __table_args__ = NO_HISTORY
    hired_on: Mapped[date]
    left_on: Mapped[date | None]


class Tally(Record, Base):
    """Where a fact stands after all moves; several shards, so that writers do not queue up.

    ``moves`` counts the moves: whoever watches the figures sees by it alone that something changed.
    """

    __tablename__ = "tally"
    __table_args__ = NO_HISTORY
    fact: Mapped[str]
    dimension: Mapped[str]
    currency: Mapped[str]
    shard: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[Decimal] = mapped_column(AMOUNT)
    moves: Mapped[int]


class TallyDay(Record, Base):
    """The moves of a fact on a day; a past day's figure is the tally less what moved since."""

    __tablename__ = "tally_day"
    fact: Mapped[str]
    dimension: Mapped[str]
    currency: Mapped[str]
    on: Mapped[date]
    shard: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[Decimal] = mapped_column(AMOUNT)
    __table_args__ = (Index(None, "fact", "on"), Index(None, "on"), NO_HISTORY)


class ReceivableDay(Record, Base):
    """The moves of what is owed by due date on a day; ageing as of any day is a sum over it."""

    __tablename__ = "receivable_day"
    __table_args__ = NO_HISTORY
    due_on: Mapped[date]
    currency: Mapped[str]
    on: Mapped[date]
    shard: Mapped[int] = mapped_column(SmallInteger)
    amount: Mapped[Decimal] = mapped_column(AMOUNT)


PROJECTIONS = [AssetFact, InvoiceFact, EmployeeFact, Tally, TallyDay, ReceivableDay]
