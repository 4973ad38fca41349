"""What every table of invoicing belongs to."""

from sqlalchemy.orm import DeclarativeBase

from orrery.kernel.tables import TYPES, tables


class Base(DeclarativeBase):
    """Tables that every tenant has."""

    metadata = tables()
    type_annotation_map = TYPES
