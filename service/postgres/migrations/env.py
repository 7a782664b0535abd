"""Runs migrations on the connection that `service.postgres.migrating` hands over."""

from alembic import context

from service.postgres.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_server_default=False,
    # Locks of one step are not held through the next: services work beside it.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
