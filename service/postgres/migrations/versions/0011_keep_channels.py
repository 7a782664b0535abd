"""Keeps the register of channels: feeds, their runs and what was found missing."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
