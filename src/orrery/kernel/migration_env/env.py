"""Alembic's environment: offline it renders SQL, online it compares for a new revision."""

from typing import Any

from alembic import context

config = context.config
metadata = config.attributes.get("metadata")


def include(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:  # noqa: FBT001
    """Leave out Alembic's own table; versions are kept in orrery.revision."""
    return not (kind == "table" and name == "alembic_version")


if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        target_metadata=metadata,
        literal_binds=True,
        transactional_ddl=False,
        version_table="alembic_version",
    )
    context.run_migrations()
else:
    context.configure(
        connection=config.attributes["connection"],
        target_metadata=metadata,
        compare_type=True,
        include_object=include,
    )
    context.run_migrations()
