"""Puts history into the outbox again when a new life of the broker begins.

What a topic has lost is kept here in full: orders in the journal, customers and outcomes in
tables of their own, receipts until they have an outcome. So their rows leave the outbox when they
are published. Of other topics the outbox holds the last hour, and that is published again.

History gets ids below all others, oldest first, so that it goes out before whatever is written
meanwhile: a claim by id then still finds every key in its order. Each topic is one statement,
so that what it deletes and what it inserts are of one moment; a writer that commits later put
its own row, with a higher number, into the outbox itself. No relay marks it before the life has
begun, and so it is published in it.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text

from service.application.outbox import BrokerLife, NewLife, Stream
from service.postgres.patience import HISTORY_S, take_time

# Two-int advisory locks: ours are "outb" and a shard, or this.
LOCKS: Final = 0x6F757462
LIFE_LOCK: Final = 1_000

# Of this shard published rows stay for an hour whatever their topic: they show the auditor that
# changes came into the outbox, at a sixteenth of what it would cost for all.
KEPT_SHARD: Final = 0

# `at` decides the order of publishing, so that event time moves on as it first did; within a
# key it never runs backwards, even where a clock did.
HISTORY: Final[Mapping[Stream, str]] = {
    Stream.RECEIPTS: """
        SELECT source || ':' || coalesce(nullif(order_hint, ''), receipt_id) AS key,
               CAST(NULL AS bigint) AS n, event, recorded_at AS at,
               receipt_id AS ce_id, receipt_id AS ce_subject, received_at AS ce_time, traceparent
        FROM receipts
        WHERE outcome IS NULL AND receipt_id NOT IN (
            SELECT headers->>'ce_id' FROM outbox
            WHERE topic = :topic AND published_at IS NULL AND headers ? 'ce_id')
    """,
    Stream.ORDERS: """
        SELECT order_id AS key, sequence AS n, event,
               max(recorded_at) OVER (PARTITION BY order_id ORDER BY sequence) AS at,
               order_id || ':' || sequence AS ce_id, order_id AS ce_subject,
               occurred_at AS ce_time, traceparent
        FROM journal
    """,
    Stream.CUSTOMERS: """
        SELECT customer AS key, n, event,
               max(ctid) OVER (PARTITION BY customer ORDER BY n) AS at,
               customer || ':' || n AS ce_id, customer AS ce_subject,
               CAST(NULL AS timestamptz) AS ce_time, traceparent
        FROM customer_events
    """,
    Stream.PROFILES: """
        SELECT customer_id AS key, n, event,
               max(ctid) OVER (PARTITION BY customer_id ORDER BY n) AS at,
               customer_id || ':' || n AS ce_id, customer_id AS ce_subject,
               CAST(NULL AS timestamptz) AS ce_time, traceparent
        FROM profile_events
    """,
    Stream.OUTCOMES: """
        SELECT o.key, CAST(NULL AS bigint) AS n, o.event, r.recorded_at AS at,
               o.receipt_id || ':' || o.revision AS ce_id, o.receipt_id AS ce_subject,
               CAST(NULL AS timestamptz) AS ce_time, o.traceparent
        FROM receipt_outcomes AS o JOIN receipts AS r USING (receipt_id)
    """,
}

# What history replaces. A row that it does not know would stay as it is; of receipts, those that
# still wait do.
BY_NUMBER: Final = "o.key = h.key AND o.n = h.n"
REPLACED: Final[Mapping[Stream, str]] = {
    Stream.RECEIPTS: "o.headers->>'ce_id' = h.ce_id AND o.published_at IS NOT NULL",
    Stream.ORDERS: BY_NUMBER,
    Stream.CUSTOMERS: BY_NUMBER,
    Stream.PROFILES: BY_NUMBER,
    Stream.OUTCOMES: "o.headers->>'ce_id' = h.ce_id",
}

INSERT_HISTORY: Final = """
    WITH lowest AS (SELECT least(coalesce(min(id), 0), 0) AS id FROM outbox),
    history AS MATERIALIZED ({history}),
    gone AS (
        DELETE FROM outbox AS o USING history AS h WHERE o.topic = :topic AND {replaced}
        RETURNING o.id
    )
    INSERT INTO outbox (id, shard, topic, key, n, payload, headers)
    OVERRIDING SYSTEM VALUE
    SELECT lowest.id - row_number() OVER (ORDER BY at DESC, key DESC, n DESC, ce_id DESC),
           get_byte(sha256(convert_to(key, 'UTF8')), 0) % 16, :topic, key, n, event,
           jsonb_strip_nulls(jsonb_build_object(
               'ce_id', ce_id, 'ce_subject', ce_subject,
               'ce_time', to_char(ce_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'traceparent', nullif(traceparent, '')))
    FROM history, lowest, (SELECT count(*) FROM gone) AS emptied
"""

# The application cannot publish these from anywhere else, and an hour is what is left.
INSERT_REMAINDER: Final = """
    WITH lowest AS (SELECT least(coalesce(min(id), 0), 0) AS id FROM outbox),
    gone AS (DELETE FROM outbox WHERE topic <> ALL(:topics) RETURNING *)
    INSERT INTO outbox (id, shard, topic, key, n, payload, headers, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT lowest.id - row_number() OVER (ORDER BY gone.id DESC),
           shard, topic, key, n, payload, headers, created_at
    FROM gone, lowest
"""

# Last come, first served: each statement takes ids below those of the one before it. Receipts
# are what senders wait for, so they leave first.
ORDER_OF_WRITING: Final = (
    Stream.PROFILES,
    Stream.OUTCOMES,
    Stream.CUSTOMERS,
    Stream.ORDERS,
    Stream.RECEIPTS,
)


def begin_life(connection: Connection, marker: str, topics: Mapping[Stream, str]) -> NewLife:
    """Write down a new life of the broker and put the history into the outbox.

    Runs inside the caller's transaction, one at a time in the whole database. A million
    messages take about half a minute, so the time limit of statements is raised.
    """
    take_time(connection, HISTORY_S)
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:locks, :life)"), {"locks": LOCKS, "life": LIFE_LOCK}
    )
    begun = connection.execute(
        text(
            "INSERT INTO broker_lives (epoch, marker)"
            " SELECT coalesce(max(epoch), 0) + 1, :marker FROM broker_lives"
            " RETURNING epoch, marker, started_at"
        ),
        {"marker": marker},
    ).one()
    named = [topics[stream] for stream in HISTORY]
    messages = connection.execute(text(INSERT_REMAINDER), {"topics": named}).rowcount
    for stream in ORDER_OF_WRITING:
        statement = INSERT_HISTORY.format(history=HISTORY[stream], replaced=REPLACED[stream])
        messages += connection.execute(text(statement), {"topic": topics[stream]}).rowcount
    return NewLife(BrokerLife(begun.epoch, begun.marker, begun.started_at), messages)
