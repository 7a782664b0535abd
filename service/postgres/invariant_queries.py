"""Goes over what belongs to no single order: requests, receipts, outbox, heads, facts, probes.

Each step reads one page by a key that an index has, so that it takes as long with a million rows
as with a thousand. What it names are ids of ours: a stream's key may be a person's.
"""

from typing import Any, Final

import sqlalchemy as sa

from service.application.waiting import PUBLISHED_MOST
from service.domain.closing import MONEY
from service.domain.invariants import Tally, Violation
from service.domain.probing import FRESH
from service.postgres.invariant_bounds import Bounds
from service.postgres.probe_rows import LANES
from service.postgres.tokens import make_token, open_token

_REQUESTS: Final = sa.text(
    """
SELECT request_id, answer IS NOT NULL AS is_answered,
       coalesce(refusal, 'null') <> 'null' AS is_refused
FROM requests WHERE request_id > :after ORDER BY request_id LIMIT :size
"""
)

_RECEIPTS: Final = sa.text(
    """
SELECT receipt_id, revision, outcome, published,
       (SELECT count(*) FROM receipt_outcomes AS o WHERE o.receipt_id = page.receipt_id) AS told
FROM receipts AS page WHERE receipt_id > :after ORDER BY receipt_id LIMIT :size
"""
)

# What was published is gone or marked, so what waits reaches to the head of its stream. History
# that is published again has ids below zero, beside rows that were marked before.
_WAITING: Final = sa.text(
    """
SELECT id, topic, key, n,
       created_at < CAST(:at AS timestamptz) - make_interval(secs => :late) AS is_late,
       id > 0 AND EXISTS (
           SELECT FROM outbox AS later
           WHERE later.topic = page.topic AND later.key = page.key AND later.n > page.n
             AND later.published_at IS NOT NULL
       ) OR id > 0 AND NOT EXISTS (
           SELECT FROM outbox AS later
           WHERE later.topic = page.topic AND later.key = page.key AND later.n > page.n
       ) AND n < CASE WHEN topic = :orders THEN
           (SELECT max(sequence) FROM journal WHERE order_id = page.key)
       ELSE
           (SELECT n FROM stream_heads AS h WHERE h.topic = page.topic AND h.key = page.key)
       END AS is_passed,
       n > 1 AND NOT EXISTS (
           SELECT FROM outbox AS before
           WHERE before.topic = page.topic AND before.key = page.key AND before.n = page.n - 1
       ) AND EXISTS (
           SELECT FROM outbox AS earlier
           WHERE earlier.topic = page.topic AND earlier.key = page.key AND earlier.n < page.n
             AND earlier.published_at IS NULL
       ) AS is_behind_gap,
       EXISTS (
           SELECT FROM parked_streams AS p WHERE p.topic = page.topic AND p.key = page.key
       ) AS is_parked
FROM outbox AS page
WHERE published_at IS NULL AND id > :after ORDER BY id LIMIT :size
"""
)

# History that is published again goes down from zero, a million rows at a time.
_BELOW_ALL: Final = -(2**63)

_HEADS: Final = sa.text(
    """
SELECT topic, key, n,
       (SELECT max(n) FROM outbox AS o WHERE o.topic = page.topic AND o.key = page.key) AS sent,
       CASE WHEN topic = :customers THEN
           (SELECT count(*) FROM customer_events AS e WHERE e.customer = page.key)
       WHEN topic = :profiles THEN
           (SELECT count(*) FROM profile_events AS e WHERE e.customer_id = page.key)
       END AS kept,
       left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 16) AS digest
FROM stream_heads AS page
WHERE (topic, key) > (:topic, :key) ORDER BY topic, key LIMIT :size
"""
)

_PARKED: Final = sa.text(
    """
SELECT fact_id, namespace, value, outcome,
       kind = ANY(:money)
           AND recorded_at < CAST(:at AS timestamptz) - make_interval(secs => :orphaned) AS is_due,
       EXISTS (
           SELECT FROM cases WHERE subject <> '' AND subject = page.namespace || '/' || page.value
       ) AS has_case,
       EXISTS (
           SELECT FROM order_refs AS r
           WHERE r.namespace = page.namespace AND r.value = page.value AND r.order_id IS NOT NULL
       ) AS is_known
FROM facts AS page
WHERE order_id IS NULL AND (namespace, value, fact_id) > (:namespace, :value, :fact)
ORDER BY namespace, value, fact_id LIMIT :size
"""
)

# A provider whose probes were ever asked is asked: where no connector runs, nothing is overdue.
_ASKED: Final = sa.text(LANES + "SELECT DISTINCT provider FROM lanes WHERE lane <> :fresh")  # noqa: S608  # ours

_PROBES: Final = sa.text(
    """
SELECT probe_id, order_id, provider,
       state = 'ARMED' AND provider = ANY(:asked)
           AND wake_at < CAST(:at AS timestamptz) - make_interval(secs => :late) AS is_overdue,
       lease_until > CAST(:at AS timestamptz) + interval '1 hour' AS is_held
FROM probes WHERE probe_id > :after ORDER BY probe_id LIMIT :size
"""
)


class RequestWalk:
    """Requests: each has an answer or a refusal."""

    name: Final = "requests"
    size: Final = 2_000

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        rows = connection.execute(_REQUESTS, {"after": after, "size": size}).all()
        tally.look("I2", at=len(rows))
        for row in rows:
            if row.is_answered == row.is_refused:
                told = "both an answer and a refusal" if row.is_answered else "no answer"
                tally.violate([Violation("I2", f"request {row.request_id}", f"it has {told}")])
        return rows[-1].request_id if len(rows) == size else None


class ReceiptWalk:
    """Receipts: each has an outcome for each time it was weighed, and is not given up."""

    name: Final = "receipts"
    size: Final = 2_000

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        rows = connection.execute(_RECEIPTS, {"after": after, "size": size}).all()
        tally.look("I2", "I13", at=len(rows))
        for row in rows:
            if row.told != row.revision:
                problem = f"weighed {row.revision} times, and has {row.told} outcomes"
                tally.violate([Violation("I2", row.receipt_id, problem)])
            if row.outcome is None and row.published >= PUBLISHED_MOST:
                problem = f"published {row.published} times, and still without an outcome"
                tally.violate([Violation("I13", row.receipt_id, problem)])
        return rows[-1].receipt_id if len(rows) == size else None


class OutboxWalk:
    """What waits to be published: not for long, in one run, nothing behind it marked."""

    name: Final = "outbox"
    size: Final = 2_000

    def __init__(self, orders: str) -> None:
        """Take the topic of orders' events."""
        self._orders = orders

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        (row_id,) = open_token(self.name, after, int) if after else (_BELOW_ALL,)
        named = {
            "after": row_id,
            "size": size,
            "orders": self._orders,
            "at": bounds.at,
            "late": bounds.late.total_seconds(),
        }
        rows = connection.execute(_WAITING, named).all()
        tally.look("I7", "I8", at=len(rows))
        for row in rows:
            subject = f"outbox {row.id}"
            if row.is_late and not row.is_parked:
                problem = f"waits longer than {bounds.late.total_seconds():.0f} s on {row.topic}"
                tally.violate([Violation("I7", subject, problem)])
            if row.is_passed:
                problem = f"number {row.n} waits on {row.topic}, a later one was published"
                tally.violate([Violation("I8", subject, problem)])
            if row.is_behind_gap:
                problem = f"number {row.n - 1} is missing on {row.topic}"
                tally.violate([Violation("I8", subject, problem)])
        last = rows[-1] if len(rows) == size else None
        return make_token(self.name, last.id) if last else None


class HeadWalk:
    """Heads of streams: no message has a higher number; customers' and profiles' are 1 to n."""

    name: Final = "heads"
    size: Final = 1_000

    def __init__(self, *, customers: str, profiles: str) -> None:
        """Take the topics of which all events are kept."""
        self._topics = {"customers": customers, "profiles": profiles}

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        topic, key = open_token(self.name, after, str, str) if after else ("", "")
        named = {"topic": topic, "key": key, "size": size, **self._topics}
        rows = connection.execute(_HEADS, named).all()
        tally.look("I8", at=len(rows))
        for row in rows:
            subject = f"key {row.digest} of {row.topic}"
            if row.sent is not None and row.sent > row.n:
                problem = f"number {row.sent} is in the outbox, the head says {row.n}"
                tally.violate([Violation("I8", subject, problem)])
            if row.kept is not None and row.kept != row.n:
                problem = f"{row.kept} events are kept, the head says {row.n}"
                tally.violate([Violation("I8", subject, problem)])
        last = rows[-1] if len(rows) == size else None
        return make_token(self.name, last.topic, last.key) if last else None


class ParkedFactWalk:
    """Facts without an order: early, of an order that nobody has told of, money with a case."""

    name: Final = "facts"
    size: Final = 1_000

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        namespace, value, fact = open_token(self.name, after, str, str, str) if after else ("",) * 3
        named = {
            "namespace": namespace,
            "value": value,
            "fact": fact,
            "size": size,
            "money": sorted(MONEY),
            "at": bounds.at,
            "orphaned": bounds.orphaned.total_seconds(),
        }
        rows = connection.execute(_PARKED, named).all()
        tally.look("I13", at=len(rows))
        for row in rows:
            for problem in _parked_wrongly(row):
                tally.violate([Violation("I13", f"fact {row.fact_id}", problem)])
        last = rows[-1] if len(rows) == size else None
        return make_token(self.name, last.namespace, last.value, last.fact_id) if last else None


def _parked_wrongly(row: Any) -> list[str]:  # noqa: ANN401  # a row
    problems = []
    if row.outcome != "EARLY":
        problems.append(f"{row.outcome}, and of no order")
    if row.is_known:
        problems.append("waits for an order that is there")
    elif row.is_due and not row.has_case:
        problems.append("money has waited too long for its order, without a case")
    return problems


class ProbeWalk:
    """Probes: asked in time where their provider is asked at all, and leased for a while only."""

    name: Final = "probes"
    size: Final = 2_000

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        asked = connection.execute(_ASKED, {"fresh": FRESH}).scalars().all()
        named = {
            "after": after,
            "size": size,
            "asked": list(asked),
            "at": bounds.at,
            "late": bounds.probes_late.total_seconds(),
        }
        rows = connection.execute(_PROBES, named).all()
        tally.look("I14", at=len(rows))
        for row in rows:
            if row.is_overdue:
                problem = f"{row.probe_id} at {row.provider} is overdue"
                tally.violate([Violation("I14", row.order_id, problem)])
            if row.is_held:
                problem = f"{row.probe_id} is leased for more than an hour"
                tally.violate([Violation("I14", row.order_id, problem)])
        return rows[-1].probe_id if len(rows) == size else None
