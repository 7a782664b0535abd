"""The writer's side of the outbox: rows in the transaction of the change they tell of."""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from service.application.outbox import Stream, shard_of
from service.application.ports import Envelopes, Message
from service.postgres import bulk, driver, tables

# Sorted, so that two transactions wait for each other's heads and never deadlock.
_TAKE_NUMBERS: Final = (
    "INSERT INTO stream_heads AS head (topic, key, n)"
    " SELECT %(topic)s, key, n"
    " FROM unnest(CAST(%(keys)s AS text[]), CAST(%(counts)s AS bigint[]))"
    " AS wanted (key, n) ORDER BY key"
    " ON CONFLICT (topic, key) DO UPDATE SET n = head.n + excluded.n RETURNING key, n"
)


class OutboxRows:
    """The part of a transaction that publishes."""

    _connection: sa.Connection
    _envelopes: Envelopes

    def publish(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox."""
        bulk.insert(
            self._connection,
            tables.outbox,
            [
                {
                    "shard": shard_of(each.key),
                    "topic": self._envelopes.topic(each.stream),
                    "key": each.key,
                    "n": each.n,
                    "payload": each.payload,
                    "headers": self._envelopes.headers(each),
                }
                for each in messages
            ],
        )

    def numbers(self, stream: Stream, counts: Mapping[str, int]) -> dict[str, int]:
        """Take consecutive numbers for each key; heads are locked in sorted order."""
        rows = driver.rows(
            self._connection,
            _TAKE_NUMBERS,
            {
                "topic": self._envelopes.topic(stream),
                "keys": list(counts),
                "counts": list(counts.values()),
            },
        )
        return {key: n - counts[key] + 1 for key, n in rows}

    def keep_customer_events(self, messages: Sequence[Message]) -> None:
        """Keep customers' events, so that they can be published again."""
        bulk.insert(
            self._connection,
            tables.customer_events,
            [
                {
                    "customer": each.key,
                    "n": each.n,
                    "event": each.payload,
                    "traceparent": each.traceparent,
                }
                for each in messages
            ],
        )
