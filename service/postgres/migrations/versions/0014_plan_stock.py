"""Keeps what stock is planned by: names of articles, safety levels, plans and allocations."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
