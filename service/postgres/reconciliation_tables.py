"""What is stored of statements and comparisons; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.domain.reconciling.comparing import Phase
from service.domain.reconciling.differences import DifferenceState
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import StatementKind
from service.postgres.metadata import Moment, metadata, text_column


def _in(values: object) -> str:
    return ", ".join(f"'{each.value}'" for each in values)  # type: ignore[attr-defined]


statements: Final = sa.Table(
    "statements",
    metadata,
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    text_column("shop"),
    sa.Column("day", sa.Date, nullable=False),
    text_column("zone"),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("line_at", Moment, nullable=False),
    sa.Column("expected", sa.BigInteger),
    sa.Column("closed_at", Moment),
    # When the clockwork must look whether it is whole; empty until more of it comes.
    sa.Column("look_at", Moment),
    sa.CheckConstraint(f"kind IN ({_in(StatementKind)})", name="kind"),
    sa.Index("ix_statements_day", "day", "statement_id"),
    sa.Index("ix_statements_channel", "channel", "day"),
    sa.Index("ix_statements_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
)

statement_lines: Final = sa.Table(
    "statement_lines",
    metadata,
    sa.Column("statement_id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    sa.Column("quantity", sa.BigInteger),
    sa.Column("state", sa.Text),
    sa.Column("refunded_minor", sa.BigInteger),
    sa.Column("placed_at", Moment),
    sa.Column("told_at", Moment),
    text_column("voucher"),
    text_column("receipt_id"),
    sa.Column("is_read", sa.Boolean, nullable=False),
    # What we held before the file came: an object; `{}` for no order; empty where nobody looked.
    sa.Column("held", JSONB),
    sa.Index("ix_statement_lines_name", "namespace", "value"),
)

reconciliations: Final = sa.Table(
    "reconciliations",
    metadata,
    sa.Column("reconciliation_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    text_column("shop"),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    # Behind which name the next part begins.
    sa.Column("after_namespace", sa.Text),
    sa.Column("after_value", sa.Text),
    sa.Column("look_from", Moment),
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.Column("payments", sa.BigInteger, nullable=False),
    sa.Column("agreeing", sa.BigInteger, nullable=False),
    sa.Column("notes", ARRAY(sa.Text), nullable=False),
    sa.Column("asked_at", Moment),
    sa.CheckConstraint(f"phase IN ({_in(Phase)})", name="phase"),
    sa.Index("ix_reconciliations_day", "day", "reconciliation_id"),
    sa.Index("ix_reconciliations_running", "began_at", postgresql_where=sa.text("phase <> 'DONE'")),
)

differences: Final = sa.Table(
    "differences",
    metadata,
    sa.Column("difference_id", sa.Text, primary_key=True),
    sa.Column("reconciliation_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    text_column("order_id"),
    text_column("file_value"),
    text_column("order_value"),
    text_column("payment_value"),
    sa.Column("state", sa.Text, nullable=False),
    text_column("repair"),
    text_column("case_id"),
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("found_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.CheckConstraint(f"kind IN ({_in(DifferenceKind)})", name="kind"),
    sa.CheckConstraint(f"state IN ({_in(DifferenceState)})", name="state"),
    sa.Index("ix_differences_reconciliation_id", "reconciliation_id", "kind", "difference_id"),
    sa.Index("ix_differences_order_id", "order_id", postgresql_where=sa.text("order_id <> ''")),
    sa.Index("ix_differences_case_id", "case_id", postgresql_where=sa.text("case_id <> ''")),
    sa.Index("ix_differences_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
)
