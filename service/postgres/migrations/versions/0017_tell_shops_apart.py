"""Keeps with each receipt for which account it came: two shops of one channel are told apart.

Nothing is rewritten, however many receipts there are: those from before count for every shop, as
do those of whoever names no account. The application may not change it; it arrived.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("receipts", sa.Column("account", sa.Text(), server_default="", nullable=False))
