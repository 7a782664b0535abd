"""Keeps reconciliations, and each difference that they found."""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
