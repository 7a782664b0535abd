"""Finds what few orders of many have by an index of its own: what lies with people.

The lists of the desks read the newest orders, or the cases due first, until they had a page. With
a million orders that are over, and few that anybody must look at, they read them all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_orders_held", "orders", ["updated_at", "order_id"], "cardinality(hold_reasons) > 0"),
    (
        "ix_orders_discrepant",
        "orders",
        ["updated_at", "order_id"],
        "cardinality(discrepancies) > 0",
    ),
    ("ix_cases_open", "cases", ["due_at", "case_id"], "state <> 'RESOLVED'"),
    ("ix_flags_review", "flags", ["position"], "act = 'SENT_TO_REVIEW'"),
    ("ix_pick_lists_void", "pick_lists", ["created_at", "pick_list_id"], "state = 'VOID'"),
)


def upgrade() -> None:
    """Apply it."""
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, unique=False, postgresql_where=sa.text(where))
