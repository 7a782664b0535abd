"""Let a case tell of money whose order nobody knows yet."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what a case is about where it has no order."""
    op.add_column("cases", sa.Column("subject", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_cases_subject", "cases", ["subject"], postgresql_where="subject <> ''")


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_cases_subject", "cases")
    op.drop_column("cases", "subject")
