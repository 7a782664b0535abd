"""Keeps batches of orders that are handled at once, and the ledger of coupons."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
