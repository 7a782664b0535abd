"""Keeps customers: their identities, what joined them, and their profiles."""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
