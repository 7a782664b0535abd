"""A census of a whole database: how many rows of each kind there are, whatever they are called.

Two calls that did the same have changed it by the same, however their ids, times and hashes
differ. So N calls, each cut at another place, have done their work once each if the census moved
by N times what one uncut call moved it: nothing twice, nothing missing, in no table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import psycopg2.extensions

from service.application.outbox import Stream
from service.kafka.topics import NAMES
from service.postgres import stock_tables
from service.postgres.tables import metadata

# What is compared of each table: what a call decides, not what it is handed by clock and ids.
KINDS: Final[dict[str, str]] = {
    "receipts": "source, template, outcome, revision, rejected_for, repeats, published",
    "receipt_outcomes": "revision",
    "orders": "state, closed_at IS NULL, refund_state, paid_minor, refunded_minor,"
    " outbound_approved, discrepancies, hold_reasons, milestone, tags, sequence",
    "order_refs": "namespace, order_id IS NULL",
    "facts": "kind, source, order_id IS NULL, amount_minor, outcome",
    "journal": "sequence, kind, source, actor, role, measured",
    "timers": "kind, waits_for, fired_at IS NULL",
    "cases": "type, state, assignee, outcome, version, workflow, level, paused_by, reopened",
    "case_log": "number, act, actor, text = '', role, step, document, automatic",
    "case_steps": "step, number, role, act, ended_at IS NULL",
    "case_documents": "number, name, size, actor",
    "case_links": "kind, actor",
    "purchase_requests": "lines::text, state, closed_at IS NULL, actor",
    "effects_done": "kind",
    "probes": "kind, provider, state, asked, missed, refused, submitted, last_result,"
    " lease = '', lease_until IS NULL, lane",
    "flags": "rule, action, act",
    "requests": "answer IS NULL, refusal->>'reason'",
    "customer_events": "n",
    "stream_heads": "topic, n",
    "outbox": "topic, n, published_at IS NULL, attempts",
    "parked_streams": "topic, attempts",
    "relay_epochs": "epoch",
    "broker_lives": "epoch",
    "workflow_versions": "key, digest",
    "stock": "warehouse, on_hand, reserved, version, swept",
    "reservations": "warehouse, quantity, released_at IS NULL, taken_at IS NULL",
    "stock_queue": "conflicts, waits_for = '{}'",
    "sku_mappings": "channel, quantity",
    "unmapped_skus": "channel",
    "articles": "safety_level, owner_role, red_since IS NULL",
    "purchase_plans": "warehouse, quantity, state, received, closed_at IS NULL",
    "allocations": "gone",
    "channel_shares": "channel, percent, used",
    "oversold": "channel, pieces, told_at IS NULL",
    "notices": "template, severity, state, title, body, problem",
    # Whoever claims gets one that was tried before, or one that was not.
    "notice_deliveries": "channel, state, rank, sent_at IS NULL",
    "notice_sendings": "channel, ended_at IS NULL, result, code, count",
    "notice_lines": "channel, paused_until IS NULL, failures",
    "notice_contacts": "channel, language",
    "batches": "template, state, size, excluded, creator, confirmer, version",
    "batch_members": "state, reason, next_step, attempts",
    "batch_results": "step",
    "coupons": "template, amount_minor, currency, valid_days",
    "feeds": "channel, mode, state, title, version, empty_polls, failures, last_result",
    "feed_runs": "purpose, state, pages, rows, new_receipts, missed_orders, failures, last_result",
    "feed_missed": "namespace",
    "feed_incidents": "state, missed",
    "feed_arrivals": "arrivals",
    "statements": "kind, channel, expected, closed_at IS NULL",
    "statement_lines": "namespace, key, amount_minor, state, is_read",
    "merges": "state, score, actor",
    # Whose an order is follows behind it: the clockwork may have looked at it, or not yet.
    "buyers": "",
    "buyer_marks": "",
    "customer_orders": "",
    "people_queue": "",
    # What it comes to for who bought it follows behind that.
    "profile_events": "",
    "profile_queue": "",
    "coupon_uses": "",
    # The clockwork goes on with what was begun.
    "reconciliations": "channel, revision",
    "differences": "kind, state, looks",
    "pick_lists": "warehouse, state, picker, started_at IS NULL, ended_at IS NULL, void_reason",
}

# What the clockwork publishes of them is there already, or not yet.
ONLY: Final[dict[str, str]] = dict.fromkeys(
    ("outbox", "stream_heads"), f"WHERE topic <> '{NAMES[Stream.PROFILES]}'"
)

Census = Counter[tuple[Any, ...]]


def tables() -> set[str]:
    """Return every table that there is."""
    assert stock_tables.stock.metadata is metadata
    return {each.name for each in metadata.sorted_tables}


def take(connection: psycopg2.extensions.connection) -> Census:
    """Count the rows of each kind."""
    found: Census = Counter()
    with connection.cursor() as cursor:
        for table, kind in KINDS.items():
            if not kind:
                continue
            only, places = ONLY.get(table, ""), _places(kind)
            cursor.execute(
                f"SELECT count(*), {kind} FROM {table} {only} GROUP BY {places}"  # noqa: S608  # ours
            )
            for count, *told in cursor.fetchall():
                found[(table, *map(_plain, told))] = count
    return found


def moved(before: Census, after: Census) -> Census:
    """Return by how much each count changed."""
    delta = Counter(after)
    delta.subtract(before)
    return Counter({kind: count for kind, count in delta.items() if count})


def summed(parts: Iterable[Census]) -> Census:
    """Return the sum of several changes."""
    total: Census = Counter()
    for each in parts:
        total.update(each)
    return Counter({kind: count for kind, count in total.items() if count})


def told(delta: Census) -> str:
    """Return a change for reading in a report."""
    return "\n".join(f"{count:+d} {kind}" for kind, count in sorted(delta.items(), key=repr))


def _places(kind: str) -> str:
    return ", ".join(str(place + 2) for place in range(kind.count(", ") + 1))


def _plain(value: Any) -> Any:  # noqa: ANN401  # a column of any type
    return tuple(value) if isinstance(value, list) else value
