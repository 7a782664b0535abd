"""Keeps what came in files: each file, how far it was read, and the rows that could not be."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
