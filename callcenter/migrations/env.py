"""Alembic's own entry: it runs with the connection that it is given."""

from alembic import context

from callcenter.migrations.rendering import options

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    **options(),
)
with context.begin_transaction():
    context.run_migrations()
