"""Ways to break a database by hand, each with the invariants that it violates, and of what.

A break is SQL of one who may do everything. `{order}` and the like are filled in from the query
that picks whom to break; the first column that is picked is what must be named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Break:
    """What is done, to whom, and what it must be called."""

    violates: frozenset[str]
    pick: str
    statements: tuple[str, ...]


def a_break(violates: str, pick: str, *statements: str) -> Break:
    return Break(frozenset(violates.split()), pick, statements)


def of_order(where: str) -> str:
    return f"SELECT order_id FROM orders WHERE {where} ORDER BY order_id LIMIT 1"  # noqa: S608  # ours


_TOLD_ORDERLY: Final = "customer = 'c-orderly'"
_PAID: Final = of_order(f"{_TOLD_ORDERLY} AND state = 'PAID'")
_SHIPPING: Final = of_order(f"{_TOLD_ORDERLY} AND state = 'SHIPPING'")
_DELIVERED: Final = of_order(f"{_TOLD_ORDERLY} AND state = 'DELIVERED'")
_HEAD: Final = (
    "SELECT 'outbox ' || id, id FROM outbox AS o WHERE topic = 'concord.orders.v1'"
    " AND n = (SELECT max(n) FROM outbox WHERE topic = o.topic AND key = o.key) LIMIT 1"
)
_FRESH: Final = "UPDATE outbox SET created_at = clock_timestamp(), published_at = NULL WHERE "

BREAKS: Final[dict[str, Break]] = {
    "a unique key dropped": a_break(
        "I2",
        "SELECT 'receipts (source, dedupe_key)'",
        "ALTER TABLE receipts DROP CONSTRAINT uq_receipts_source_dedupe_key",
    ),
    "a request stored twice": a_break(
        "I2",
        "SELECT 'requests (request_id)'",
        "ALTER TABLE requests DROP CONSTRAINT pk_requests",
        "INSERT INTO requests SELECT * FROM requests LIMIT 1",
    ),
    "a request without an answer": a_break(
        "I2",
        "SELECT 'request ' || request_id, request_id FROM requests"
        " WHERE answer IS NOT NULL LIMIT 1",
        "UPDATE requests SET answer = NULL WHERE request_id = '{1}'",
    ),
    "an outcome of a receipt deleted": a_break(
        "I2",
        "SELECT receipt_id FROM receipt_outcomes LIMIT 1",
        "DELETE FROM receipt_outcomes WHERE receipt_id = '{0}'",
    ),
    "a journal row deleted": a_break(
        "I4", _SHIPPING, "DELETE FROM journal WHERE order_id = '{0}' AND sequence = 2"
    ),
    "the last journal row deleted": a_break(
        "I4", _SHIPPING,
        "DELETE FROM journal WHERE (order_id, sequence) ="
        " (SELECT order_id, sequence FROM orders WHERE order_id = '{0}')",
    ),
    "a state changed": a_break(
        "I4", _PAID, "UPDATE orders SET state = 'SHIPPING' WHERE order_id = '{0}'"
    ),
    "an order deleted": a_break("I4 I5", _PAID, "DELETE FROM orders WHERE order_id = '{0}'"),
    "a step that is in no table": a_break(
        "I4 I15", _SHIPPING,
        "UPDATE journal SET new_value = 'DELIVERED' WHERE order_id = '{0}' AND new_value = 'PAID'",
    ),
    "a fact deleted": a_break(
        "I5 I10 I12 I14", of_order(f"{_TOLD_ORDERLY} AND state = 'AWAITING_OUTBOUND'"),
        "DELETE FROM facts WHERE order_id = '{0}' AND kind = 'STOCK_ALLOCATED'",
    ),
    "a hold lifted": a_break(
        "I5", of_order("holds <> '[]'"),
        "UPDATE orders SET holds = '[]', hold_reasons = '{{}}' WHERE order_id = '{0}'",
    ),
    "a milestone set": a_break(
        "I5", _PAID, "UPDATE orders SET milestone = 'packed' WHERE order_id = '{0}'"
    ),
    "a tag that nobody put there": a_break(
        "I5", _PAID, "UPDATE orders SET tags = '{{vip}}' WHERE order_id = '{0}'"
    ),
    "a name taken away": a_break(
        "I5", _PAID, "UPDATE orders SET refs = '[]' WHERE order_id = '{0}'"
    ),
    "a case closed past its log": a_break(
        "I5", "SELECT order_id FROM cases WHERE type = 'OUT_OF_STOCK' LIMIT 1",
        "UPDATE cases SET state = 'RESOLVED' WHERE order_id = '{0}' AND type = 'OUT_OF_STOCK'",
    ),
    "an order that cannot be read": a_break(
        "I5", _PAID, "UPDATE orders SET holds = '[1]' WHERE order_id = '{0}'"
    ),
    "a message that waits": a_break(
        "I7", _HEAD,
        "UPDATE outbox SET published_at = NULL, created_at = now() - interval '1 hour'"
        " WHERE id = {1}",
    ),
    "a parked key": a_break(
        "I7", _HEAD,
        _FRESH + "id = {1}",
        "INSERT INTO parked_streams (topic, key, attempts)"
        " SELECT topic, key, 8 FROM outbox WHERE id = {1}",
    ),
    "a message deleted": a_break(
        "I7",
        "SELECT order_id FROM journal WHERE recorded_at > now() - interval '5 minutes' LIMIT 1",
        "DELETE FROM outbox WHERE topic = 'concord.orders.v1' AND key = '{0}'",
    ),
    "a message passed by a later one": a_break(
        "I8",
        "SELECT 'outbox ' || id, id FROM outbox WHERE topic = 'concord.orders.v1' AND n = 1"
        " AND key IN (SELECT order_id FROM orders WHERE sequence > 1) LIMIT 1",
        _FRESH + "id = {1}",
    ),
    "a message gone before an earlier one": a_break(
        "I8",
        "SELECT 'outbox ' || second.id, second.id, second.key FROM outbox AS second"
        " JOIN stream_heads AS head USING (topic, key) WHERE topic = 'concord.customers.v1'"
        " AND second.n > 1 AND head.n = second.n + 1 LIMIT 1",
        _FRESH + "id = {1}",
        "DELETE FROM outbox AS o USING stream_heads AS head WHERE o.topic = head.topic"
        " AND o.key = head.key AND o.n = head.n AND o.key = '{2}'",
    ),
    "a gap in what waits": a_break(
        "I8",
        "SELECT 'outbox ' || third.id, third.key FROM outbox AS third"
        " JOIN outbox AS second USING (topic, key) WHERE topic = 'concord.customers.v1'"
        " AND third.n = 3 AND second.n = 2 LIMIT 1",
        _FRESH + "topic = 'concord.customers.v1' AND key = '{1}'",
        "DELETE FROM outbox WHERE topic = 'concord.customers.v1' AND key = '{1}' AND n = 2",
    ),
    "a customer's event deleted": a_break(
        "I8",
        "SELECT 'key ' || left(encode(sha256(convert_to(customer, 'UTF8')), 'hex'), 16)"
        " || ' of concord.customers.v1', customer FROM customer_events LIMIT 1",
        "DELETE FROM customer_events WHERE customer = '{1}' AND n = 1",
    ),
    "an event of a profile deleted": a_break(
        "I8",
        "SELECT 'key ' || left(encode(sha256(convert_to(customer_id, 'UTF8')), 'hex'), 16)"
        " || ' of concord.profile-changes.v1', customer_id FROM profile_events LIMIT 1",
        "DELETE FROM profile_events WHERE customer_id = '{1}' AND n = 1",
    ),
    "a head turned back": a_break(
        "I8",
        "SELECT 'key ' || left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 16)"
        " || ' of concord.cases.v1', key FROM stream_heads"
        " WHERE topic = 'concord.cases.v1' LIMIT 1",
        "UPDATE stream_heads SET n = 0 WHERE topic = 'concord.cases.v1' AND key = '{1}'",
    ),
    "a stage that took longer": a_break(
        "I10", _DELIVERED,
        "UPDATE facts SET occurred_at = occurred_at + interval '1 second'"
        " WHERE order_id = '{0}' AND kind = 'PARCEL_SHIPPED'",
    ),
    "a cent more": a_break(
        "I11", _PAID, "UPDATE orders SET paid_minor = paid_minor + 1 WHERE order_id = '{0}'"
    ),
    "a refund state that nothing proves": a_break(
        "I11", _PAID, "UPDATE orders SET refund_state = 'FULL' WHERE order_id = '{0}'"
    ),
    "a refund of nothing that nobody is told of": a_break(
        "I11 I12",
        "SELECT order_id FROM timers WHERE kind = 'PAYMENT_FOR_REFUND' LIMIT 1",
        "DELETE FROM timers WHERE order_id = '{0}' AND kind = 'PAYMENT_FOR_REFUND'",
        "DELETE FROM cases WHERE order_id = '{0}' AND type = 'REFUND_EXCEEDS_PAYMENT'",
    ),
    "a deadline forgotten": a_break(
        "I12", _PAID, "DELETE FROM timers WHERE order_id = '{0}'"
    ),
    "a deadline that passed without a case": a_break(
        "I12", _PAID, "UPDATE timers SET fired_at = due_at WHERE order_id = '{0}'"
    ),
    "the case of a deadline deleted": a_break(
        "I12",
        "SELECT order_id FROM cases JOIN timers USING (order_id)"
        " WHERE type = 'STAGE_OVERDUE' AND state = 'OPEN' AND kind = 'NEXT_STAGE'"
        " AND fired_at IS NOT NULL LIMIT 1",
        "DELETE FROM cases WHERE order_id = '{0}' AND type = 'STAGE_OVERDUE'",
    ),
    "the case of a contradiction deleted": a_break(
        "I13",
        "SELECT order_id FROM cases WHERE type = 'AMOUNT_DIFFERS' LIMIT 1",
        "DELETE FROM cases WHERE order_id = '{0}' AND type = 'AMOUNT_DIFFERS'",
    ),
    "a fact that is early for ever": a_break(
        "I13", _PAID,
        "UPDATE facts SET outcome = 'EARLY' WHERE order_id = '{0}' AND kind = 'ORDER_CREATED'",
    ),
    "a fact passed by its order": a_break(
        "I13",
        "SELECT 'fact ' || fact_id, fact_id FROM facts"
        " WHERE kind = 'NOTED' AND order_id IS NOT NULL LIMIT 1",
        "UPDATE facts SET order_id = NULL, outcome = 'EARLY' WHERE fact_id = '{1}'",
    ),
    "money without an order and without a case": a_break(
        "I13",
        "SELECT 'fact ' || fact_id, fact_id, namespace || '/' || value FROM facts"
        " WHERE order_id IS NULL AND kind = 'PAYMENT_SUCCEEDED' LIMIT 1",
        "UPDATE facts SET recorded_at = now() - interval '1 hour' WHERE fact_id = '{1}'",
        "DELETE FROM cases WHERE subject = '{2}'",
    ),
    "a receipt given up": a_break(
        "I13", "SELECT receipt_id FROM receipts WHERE outcome = 'CONFIRMED' LIMIT 1",
        "UPDATE receipts SET outcome = NULL, published = 11 WHERE receipt_id = '{0}'",
    ),
    "a deadline left undone": a_break(
        "I14", _PAID,
        "UPDATE timers SET due_at = now() - interval '5 minutes' WHERE order_id = '{0}'",
    ),
    "a deadline done before its time": a_break(
        "I14",
        "SELECT order_id FROM timers WHERE kind = 'NEXT_STAGE' AND fired_at IS NOT NULL LIMIT 1",
        "UPDATE timers SET due_at = fired_at + interval '1 second' WHERE order_id = '{0}'"
        " AND kind = 'NEXT_STAGE'",
    ),
    "a deadline for what nobody awaits": a_break(
        "I14", _PAID,
        "INSERT INTO timers SELECT order_id, 'REFUND_RESULT', 'REFUND_RESULT', 'finance', since,"
        " due_at FROM timers WHERE order_id = '{0}'",
    ),
    "a probe overdue": a_break(
        "I14", "SELECT order_id, probe_id FROM probes WHERE state = 'ARMED' LIMIT 1",
        "UPDATE probes SET wake_at = now() - interval '1 hour', lane = 5000"
        " WHERE probe_id = '{1}'",
    ),
    "a lease by another time zone": a_break(
        "I14", "SELECT order_id, probe_id FROM probes LIMIT 1",
        "UPDATE probes SET lease_until = now() + interval '8 hours' WHERE probe_id = '{1}'",
    ),
    "a journal row rewritten": a_break(
        "I15", _PAID,
        "UPDATE journal SET reason = 'none' WHERE order_id = '{0}' AND sequence = 2",
    ),
    "the head of a chain changed": a_break(
        "I15", _PAID,
        "UPDATE orders SET chain_head = sha256(chain_head) WHERE order_id = '{0}'",
    ),
    "the application may delete": a_break(
        "I15", "SELECT 'journal'", "GRANT DELETE ON journal TO concord_app"
    ),
    "the application may change a column": a_break(
        "I15", "SELECT 'case_log'", "GRANT UPDATE (text) ON case_log TO concord_app"
    ),
    "a guard switched off": a_break(
        "I15", "SELECT 'journal'", "ALTER TABLE journal DISABLE TRIGGER refuse_change"
    ),
    "answers that nobody forgets": a_break(
        "I19", "SELECT 'requests'", "UPDATE requests SET recorded_at = now() - interval '60 days'"
    ),
    "published rows that nobody deletes": a_break(
        "I19", "SELECT 'outbox'",
        "UPDATE outbox SET published_at = now() - interval '3 hours'"
        " WHERE topic = 'concord.customers.v1'",
    ),
    "commits that do not wait for the disk": a_break(
        "I20", "SELECT 'PostgreSQL'", "SET LOCAL synchronous_commit = off"
    ),
}  # fmt: skip
