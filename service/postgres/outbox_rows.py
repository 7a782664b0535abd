"""The writer's side of the outbox: rows in the transaction of the change they tell of."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.ports import Envelopes, Message, Stream
from service.postgres import tables

# More shards than relays we expect to run beside each other; fewer than a poll should ask for.
SHARDS: Final = 16


def shard_of(key: str) -> int:
    """Return the shard of a record key: the same in every process and release."""
    return zlib.crc32(key.encode()) % SHARDS


class OutboxRows:
    """The part of a transaction that publishes."""

    _connection: sa.Connection
    _envelopes: Envelopes

    def publish(self, messages: Sequence[Message]) -> None:
        """Put messages into the outbox."""
        if messages:
            self._connection.execute(
                sa.insert(tables.outbox),
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
        table = tables.stream_heads
        topic = self._envelopes.topic(stream)
        firsts: dict[str, int] = {}
        for key, count in sorted(counts.items()):
            fresh = insert(table).values(topic=topic, key=key, n=count)
            taken = self._connection.execute(
                fresh.on_conflict_do_update(
                    index_elements=[table.c.topic, table.c.key],
                    set_={"n": table.c.n + fresh.excluded.n},
                ).returning(table.c.n)
            ).scalar_one()
            firsts[key] = taken - count + 1
        return firsts

    def keep_customer_events(self, messages: Sequence[Message]) -> None:
        """Keep customers' events, so that they can be published again."""
        if messages:
            self._connection.execute(
                sa.insert(tables.customer_events),
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
