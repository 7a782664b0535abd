"""Keeps what the exception desk knows of cases: steps, clocks, documents, links."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
