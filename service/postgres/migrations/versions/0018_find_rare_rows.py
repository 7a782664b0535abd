"""Finds by an index what few rows of many have: an article's reservations, runs that are rare."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.create_index("ix_reservations_sku", "reservations", ["sku"])
    op.create_index("ix_merges_state", "merges", ["state", "created_at", "merge_id"])
    op.create_index(
        "ix_feed_runs_rare",
        "feed_runs",
        ["purpose", "created_at", "run_id"],
        postgresql_where=sa.text("purpose <> 'REGULAR'"),
    )
