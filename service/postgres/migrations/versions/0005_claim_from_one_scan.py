"""Finds what waits in the outbox by one ordered scan, whatever shard it is in.

A relay of the release before claims by shard, and finds its rows by this index, too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.drop_index("ix_outbox_due", "outbox")
