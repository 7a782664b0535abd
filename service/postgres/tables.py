"""What is stored. Migrations make it; a test compares the two.

Keys that forbid repeats live in tables that are not partitioned, because a unique key cannot
span partitions. The application's role may only insert into the journal (see the migrations).
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.domain.lifecycle import FINAL, State
from service.domain.probing import ProbeState
from service.postgres.case_tables import case_log, cases
from service.postgres.metadata import Moment, metadata, text_column

# What is declared elsewhere and found here, too.
__all__ = ["Moment", "case_log", "cases", "metadata"]

_now: Final = sa.text("clock_timestamp()")


def _in(values: object) -> str:
    return ", ".join(f"'{each.value}'" for each in values)  # type: ignore[attr-defined]


receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    text_column("channel"),
    text_column("order_hint"),
    text_column("address"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False, server_default=_now),
    sa.Column("event", sa.LargeBinary, nullable=False),
    text_column("traceparent"),
    sa.Column("outcome", sa.Text),
    sa.Column("outcome_at", Moment),
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    text_column("rejected_for"),
    text_column("rejected_field"),
    text_column("advice"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("published", sa.Integer, nullable=False, server_default="1"),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
    text_column("account"),
    sa.UniqueConstraint("source", "dedupe_key"),
    sa.Index("ix_receipts_position", "position"),
    sa.Index("ix_receipts_waiting", "recorded_at", postgresql_where=sa.text("outcome IS NULL")),
    sa.Index("ix_receipts_outcome", "outcome", "position"),
    sa.Index("ix_receipts_received_at", "received_at"),
)

receipt_outcomes = sa.Table(
    "receipt_outcomes",
    metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("event", sa.LargeBinary, nullable=False),
    text_column("traceparent"),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("refund_state", sa.Text, nullable=False),
    text_column("channel"),
    text_column("customer"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("total_minor", sa.BigInteger, nullable=False),
    sa.Column("list_total_minor", sa.BigInteger, nullable=False),
    sa.Column("paid_minor", sa.BigInteger, nullable=False),
    sa.Column("refunded_minor", sa.BigInteger, nullable=False),
    sa.Column("placed_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("outbound_approved", sa.Boolean, nullable=False),
    sa.Column("discrepancies", ARRAY(sa.Text), nullable=False),
    sa.Column("refs", JSONB, nullable=False),
    sa.Column("lines", JSONB, nullable=False),
    sa.Column("holds", JSONB, nullable=False),
    sa.Column("hold_reasons", ARRAY(sa.Text), nullable=False),
    text_column("milestone"),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("chain_head", sa.LargeBinary, nullable=False),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.CheckConstraint(f"state IN ({_in(State)})", name="state"),
    sa.CheckConstraint(
        f"(state IN ({_in(sorted(FINAL, key=lambda each: each.value))})) = (closed_at IS NOT NULL)",
        name="closed",
    ),
    sa.CheckConstraint(
        "paid_minor >= 0 AND refunded_minor >= 0 AND total_minor >= 0", name="money"
    ),
    sa.Index("ix_orders_updated_at", "updated_at", "order_id"),
    sa.Index("ix_orders_state_since", "state", "state_since"),
    # What a customer returned lately decides how a case is handled.
    sa.Index("ix_orders_customer", "customer", postgresql_where=sa.text("customer <> ''")),
    sa.Index("ix_orders_channel_updated_at", "channel", "updated_at"),
    sa.Index(
        "ix_orders_tags",
        "tags",
        postgresql_using="gin",
        postgresql_where=sa.text("cardinality(tags) > 0"),
    ),
    sa.Index(
        "ix_orders_held",
        "updated_at",
        "order_id",
        postgresql_where=sa.text("cardinality(hold_reasons) > 0"),
    ),
    sa.Index(
        "ix_orders_discrepant",
        "updated_at",
        "order_id",
        postgresql_where=sa.text("cardinality(discrepancies) > 0"),
    ),
    sa.Index(
        "ix_orders_unpaid",
        "order_id",
        postgresql_where=sa.text("paid_minor < total_minor AND closed_at IS NULL"),
    ),
)

order_refs = sa.Table(
    "order_refs",
    metadata,
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text),
    sa.Index("ix_order_refs_order_id", "order_id"),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("fact_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    text_column("channel"),
    sa.Column("occurred_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    text_column("voucher"),
    sa.Column("circumstances", ARRAY(sa.Text), nullable=False),
    sa.Column("detail", JSONB, nullable=False),
    text_column("note"),
    text_column("receipt_id"),
    text_column("traceparent"),
    text_column("address"),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Index("ix_facts_order_id", "order_id"),
    sa.Index("ix_facts_receipt_id", "receipt_id"),
    sa.Index(
        "ix_facts_returned",
        "occurred_at",
        "fact_id",
        postgresql_where=sa.text("kind = 'REFUND_SUCCEEDED'"),
    ),
    sa.Index("ix_facts_parked", "namespace", "value", postgresql_where=sa.text("order_id IS NULL")),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    text_column("source"),
    text_column("actor"),
    text_column("role"),
    text_column("address"),
    text_column("voucher"),
    text_column("reason"),
    text_column("old_value"),
    text_column("new_value"),
    sa.Column("occurred_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    text_column("trace_id"),
    text_column("traceparent"),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sa.Column("measured", sa.Boolean, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    # Commit order for feeds: read below the transaction horizon, never by "id greater than".
    sa.Column(
        "xid",
        sa.BigInteger,
        nullable=False,
        server_default=sa.text("pg_current_xact_id()::text::bigint"),
    ),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Index("ix_journal_feed", "xid", "position"),
    sa.Index("ix_journal_measured", "recorded_at", postgresql_where=sa.text("measured")),
)

timers = sa.Table(
    "timers",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("wait", sa.Text, nullable=False),
    sa.Column("waits_for", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("fired_at", Moment),
    sa.Index("ix_timers_due_at", "due_at", postgresql_where=sa.text("fired_at IS NULL")),
)

probes = sa.Table(
    "probes",
    metadata,
    sa.Column("probe_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    text_column("account"),
    # What else the question says: `probe_rows.py` knows.
    sa.Column("detail", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("armed_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("give_up_at", Moment, nullable=False),
    # The queue: from when it may be claimed, among those of one provider and one interval.
    sa.Column("lane", sa.BigInteger, nullable=False),
    sa.Column("wake_at", Moment, nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("submitted", sa.Boolean, nullable=False),
    sa.Column("last_ask_at", Moment),
    text_column("last_result"),
    text_column("last_code"),
    text_column("lease"),
    sa.Column("lease_until", Moment),
    sa.CheckConstraint(f"state IN ({_in(ProbeState)})", name="state"),
    sa.Index("ix_probes_order_id", "order_id"),
    sa.Index("ix_probes_due_at", "due_at", "probe_id"),
    sa.Index(
        "ix_probes_queue",
        "provider",
        "lane",
        "wake_at",
        postgresql_where=sa.text("state = 'ARMED'"),
    ),
)

flags = sa.Table(
    "flags",
    metadata,
    sa.Column("flag_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    text_column("customer"),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("inputs", JSONB, nullable=False),
    sa.Column("occurred_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Index("ix_flags_order_id", "order_id"),
    sa.Index("ix_flags_position", "position"),
    sa.Index("ix_flags_review", "position", postgresql_where=sa.text("act = 'SENT_TO_REVIEW'")),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("refusal", JSONB),
    sa.Column("recorded_at", Moment, nullable=False, server_default=_now),
    sa.Index("ix_requests_recorded_at", "recorded_at"),
)

customer_events = sa.Table(
    "customer_events",
    metadata,
    sa.Column("customer", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
    text_column("traceparent"),
)

stream_heads = sa.Table(
    "stream_heads",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("n", sa.BigInteger),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("created_at", Moment, nullable=False, server_default=_now),
    sa.Column("published_at", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_error", sa.Text),
    sa.UniqueConstraint("topic", "key", "n"),
    sa.Index("ix_outbox_waiting", "id", postgresql_where=sa.text("published_at IS NULL")),
    sa.Index(
        "ix_outbox_published_at",
        "published_at",
        postgresql_where=sa.text("published_at IS NOT NULL"),
    ),
)

parked_streams = sa.Table(
    "parked_streams",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("parked_at", Moment, nullable=False, server_default=_now),
)

relay_epochs = sa.Table(
    "relay_epochs",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    text_column("owner"),
    sa.Column("taken_at", Moment, nullable=False, server_default=_now),
)

broker_lives = sa.Table(
    "broker_lives",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("marker", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False, server_default=_now),
)
