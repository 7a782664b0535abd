"""What is stored. Migrations make it; a test compares the two.

Keys that forbid repeats live in tables that are not partitioned, because a unique key cannot
span partitions. The application's role may only insert into the journal (see the migrations).
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.domain.lifecycle import FINAL, State
from service.domain.probing import ProbeState

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Moment: Final = sa.DateTime(timezone=True)
_now: Final = sa.text("clock_timestamp()")


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", **options)  # type: ignore[arg-type]


def _in(values: object) -> str:
    return ", ".join(f"'{each.value}'" for each in values)  # type: ignore[attr-defined]


receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("dedupe_key", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    _text("channel"),
    _text("order_hint"),
    _text("address"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False, server_default=_now),
    sa.Column("event", sa.LargeBinary, nullable=False),
    _text("traceparent"),
    sa.Column("outcome", sa.Text),
    sa.Column("outcome_at", Moment),
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    _text("rejected_for"),
    _text("rejected_field"),
    _text("advice"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("published", sa.Integer, nullable=False, server_default="1"),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
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
    _text("traceparent"),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_since", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Column("refund_state", sa.Text, nullable=False),
    _text("channel"),
    _text("customer"),
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
    _text("milestone"),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("chain_head", sa.LargeBinary, nullable=False),
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
    sa.Index("ix_orders_channel_updated_at", "channel", "updated_at"),
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
    _text("channel"),
    sa.Column("occurred_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("currency", sa.Text),
    _text("voucher"),
    sa.Column("circumstances", ARRAY(sa.Text), nullable=False),
    sa.Column("detail", JSONB, nullable=False),
    _text("note"),
    _text("receipt_id"),
    _text("traceparent"),
    _text("address"),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Index("ix_facts_order_id", "order_id"),
    sa.Index("ix_facts_receipt_id", "receipt_id"),
    sa.Index("ix_facts_parked", "namespace", "value", postgresql_where=sa.text("order_id IS NULL")),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    _text("source"),
    _text("actor"),
    _text("role"),
    _text("address"),
    _text("voucher"),
    _text("reason"),
    _text("old_value"),
    _text("new_value"),
    sa.Column("occurred_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    _text("trace_id"),
    _text("traceparent"),
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
    _text("assignee"),
    _text("outcome"),
    sa.Column("resolved_at", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    _text("subject"),
    sa.Index("ix_cases_order_id", "order_id"),
    sa.Index("ix_cases_subject", "subject", postgresql_where=sa.text("subject <> ''")),
    sa.Index(
        "ix_cases_refused",
        "order_id",
        postgresql_where=sa.text("type = 'PROBE_REFUSED' AND state <> 'RESOLVED'"),
    ),
    sa.Index("ix_cases_due_at", "due_at", "case_id"),
    sa.Index("ix_cases_open", "due_at", "case_id", postgresql_where=sa.text("state <> 'RESOLVED'")),
)

probes = sa.Table(
    "probes",
    metadata,
    sa.Column("probe_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    _text("account"),
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
    _text("last_result"),
    _text("last_code"),
    _text("lease"),
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

case_log = sa.Table(
    "case_log",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("acted_at", Moment, nullable=False),
    _text("text"),
)

flags = sa.Table(
    "flags",
    metadata,
    sa.Column("flag_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    _text("customer"),
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
    _text("traceparent"),
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
    _text("owner"),
    sa.Column("taken_at", Moment, nullable=False, server_default=_now),
)

broker_lives = sa.Table(
    "broker_lives",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("marker", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False, server_default=_now),
)
