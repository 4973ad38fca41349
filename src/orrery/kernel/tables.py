"""How services declare tables: three kinds, one naming convention, exact types."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Date, Integer, MetaData, Numeric, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

Kind = Literal["reference", "document", "ledger", "record"]

# Names are stable, because ``Service.constraints`` turns them into refusal codes.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

TYPES: dict[Any, Any] = {
    str: Text(),
    int: BigInteger(),
    bool: Boolean(),
    Decimal: Numeric(),
    UUID: Uuid(),
    date: Date(),
    datetime: TIMESTAMP(timezone=True),
    dict: JSONB(),
    dict[str, Any]: JSONB(),
    dict[str, str]: JSONB(),
    list[str]: JSONB(),
    list[Any]: JSONB(),
    list[dict[str, Any]]: JSONB(),
    list[UUID]: JSONB(),
}


def tables() -> MetaData:
    """Fresh metadata with the house's naming convention; one per service and schema kind."""
    return MetaData(naming_convention=NAMES)


class Record:
    """A plain row: lines, settings, projections."""

    table_kind: ClassVar[Kind] = "record"
    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True, sort_order=-100)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        table = cls.__dict__.get("__table__")
        if table is not None:
            table.info["kind"] = cls.table_kind


class Reference(Record):
    """A list that needs no code: units, reasons, categories."""

    table_kind: ClassVar[Kind] = "reference"
    code: Mapped[str] = mapped_column(Text(), unique=True, sort_order=-90)
    name: Mapped[str] = mapped_column(Text(), sort_order=-89)
    is_archived: Mapped[bool] = mapped_column(Boolean(), server_default=text("false"))
    external_id: Mapped[str | None] = mapped_column(Text(), unique=True)
    version: Mapped[int] = mapped_column(Integer(), server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(
        TIMESTAMP(timezone=True), server_default=text("now()")
    )


class Document(Record):
    """A record with verbs and a life: an order, an invoice, an asset."""

    table_kind: ClassVar[Kind] = "document"
    external_id: Mapped[str | None] = mapped_column(Text(), unique=True)
    version: Mapped[int] = mapped_column(Integer(), server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(
        TIMESTAMP(timezone=True), server_default=text("now()")
    )
    created_by: Mapped[UUID | None] = mapped_column(Uuid())


class Ledger(Record):
    """Append only; the tenant's role may insert and select, corrections are reversals."""

    table_kind: ClassVar[Kind] = "ledger"
    created_at: Mapped[datetime] = mapped_column(
        TIMESTAMP(timezone=True), server_default=text("now()")
    )
    created_by: Mapped[UUID | None] = mapped_column(Uuid())


def kind_of(metadata: MetaData, table: str) -> Kind:
    """The kind that a table was declared with."""
    kind: Kind = metadata.tables[table].info.get("kind", "record")
    return kind
