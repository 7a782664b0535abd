"""What is stored of cases; part of the metadata in `tables.py`.

`cases` has where each case is now, `case_steps` each time that a step was active, and `case_log`,
which may only grow, every act. What a case still waits for is `wake_at`: the clockwork reads no
other column to find its work.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.postgres.metadata import Moment, metadata, text_column

_OPEN: Final = "state <> 'RESOLVED'"


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _names(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, ARRAY(sa.Text), nullable=False, server_default="{}")


cases = sa.Table(
    "cases",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("owner_role", sa.Text, nullable=False),
    text_column("assignee"),
    text_column("outcome"),
    sa.Column("resolved_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    text_column("subject"),
    # How it is handled, as it was when it was opened.
    sa.Column("side", sa.Text, nullable=False, server_default="SYSTEM"),
    sa.Column("severity", sa.Text, nullable=False, server_default="NORMAL"),
    text_column("calendar"),
    # `out_of_stock@1`; empty where no workflow says how.
    text_column("workflow"),
    # When its workflow, and its clocks, began (again); null where that is to come.
    sa.Column("begun_at", Moment),
    # Its clocks. `due_at` is when it breaches, were it not paused.
    sa.Column("respond_by", Moment),
    sa.Column("responded_at", Moment),
    sa.Column("respond_breached_at", Moment),
    sa.Column("warn_at", Moment),
    sa.Column("warned_at", Moment),
    sa.Column("breached_at", Moment),
    # How often it was escalated: the roles it went to are the type's.
    _count("level"),
    # Its clocks stand still since then, by `step` or by `hand`.
    sa.Column("paused_at", Moment),
    text_column("paused_by"),
    text_column("pause_reason"),
    text_column("merged_into"),
    _count("reopened"),
    # What its active steps wait for, and how far its order's journal was when that was looked at.
    _names("awaits"),
    sa.Column("order_seen", sa.BigInteger, nullable=False, server_default="0"),
    # When the clockwork must look at it; null where never.
    sa.Column("wake_at", Moment),
    text_column("traceparent"),
    sa.Index("ix_cases_order_id", "order_id"),
    sa.Index("ix_cases_subject", "subject", postgresql_where=sa.text("subject <> ''")),
    sa.Index(
        "ix_cases_refused",
        "order_id",
        postgresql_where=sa.text("type = 'PROBE_REFUSED' AND state <> 'RESOLVED'"),
    ),
    sa.Index("ix_cases_due_at", "due_at", "case_id"),
    sa.Index("ix_cases_open", "due_at", "case_id", postgresql_where=sa.text(_OPEN)),
    sa.Index("ix_cases_wake_at", "wake_at", postgresql_where=sa.text("wake_at IS NOT NULL")),
    sa.Index("ix_cases_awaits", "order_id", postgresql_where=sa.text("cardinality(awaits) > 0")),
    sa.Index(
        "ix_cases_assignee",
        "assignee",
        postgresql_where=sa.text(f"{_OPEN} AND assignee <> ''"),
    ),
)

case_log = sa.Table(
    "case_log",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("acted_at", Moment, nullable=False),
    text_column("text"),
    text_column("role"),
    text_column("address"),
    text_column("step"),
    # The name of the document that came with it.
    text_column("document"),
    # Nobody did it: a timer, an effect, or something that was awaited.
    sa.Column("automatic", sa.Boolean, nullable=False, server_default=sa.false()),
)

case_steps = sa.Table(
    "case_steps",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    # A step may be active several times, one after another: 1, 2, 3 …
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("timer_at", Moment),
    sa.Column("ended_at", Moment),
    # Numbers of the case's log, which order what happened at one moment.
    sa.Column("begun_n", sa.Integer, nullable=False),
    sa.Column("ended_n", sa.Integer),
    # What ended it: an act of the step, `SKIPPED`, or `CASE_ENDED`.
    text_column("act"),
    text_column("actor"),
    sa.Index("ix_case_steps_active", "step", postgresql_where=sa.text("ended_at IS NULL")),
    sa.Index("ix_case_steps_begun_at", "begun_at"),
)

case_documents = sa.Table(
    "case_documents",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    # What kind it is: `return_receipt`, `approval_number` …
    sa.Column("name", sa.Text, nullable=False),
    text_column("text"),
    # Where the file lies in the installation's store; empty where the text is the document.
    text_column("location"),
    text_column("file_name"),
    text_column("media_type"),
    sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
    # SHA-256, hexadecimal.
    text_column("digest"),
    sa.Column("actor", sa.Text, nullable=False),
    text_column("role"),
    sa.Column("added_at", Moment, nullable=False),
)

case_links = sa.Table(
    "case_links",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("other_id", sa.Text, primary_key=True),
    # `RELATED`, or `OPENED_BY`: the other brought this one about.
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("linked_at", Moment, nullable=False),
    sa.Index("ix_case_links_other_id", "other_id"),
)

purchase_requests = sa.Table(
    "purchase_requests",
    metadata,
    sa.Column("purchase_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    # [[sku, quantity], …]
    sa.Column("lines", JSONB, nullable=False),
    # `OPEN`, `ORDERED`, `ARRIVED`, `DROPPED`.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("expected_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Index("ix_purchase_requests_case_id", "case_id"),
    sa.Index(
        "ix_purchase_requests_open",
        "requested_at",
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

# What was brought about, each key once ever; a repeat gets what came of it the first time.
effects_done = sa.Table(
    "effects_done",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    # Empty where it was done; else why it was refused.
    text_column("refusal"),
    text_column("result"),
    sa.Column("done_at", Moment, nullable=False),
)
