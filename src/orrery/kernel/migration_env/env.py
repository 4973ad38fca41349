"""Alembic's environment: offline it renders SQL, online it compares for a new revision."""

from alembic import context

from orrery.kernel.revisions import is_ours

config = context.config
metadata = config.attributes.get("metadata")


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
        include_object=is_ours,
    )
    context.run_migrations()
