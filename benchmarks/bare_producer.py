"""`python -m benchmarks.bare_producer BOOTSTRAP TOPIC COUNT`: sends what the relay sends, no more.

The same bytes with the same headers, keys and settings, made beforehand and held in memory: no
outbox, no marks, no reports for single records.
"""

from __future__ import annotations

import sys
from typing import Final

from confluent_kafka import Producer

from benchmarks import preloading
from benchmarks.happenings import happenings
from benchmarks.rivals.told import Stopwatch
from service.kafka.producer import settings

# Sent again and again until there were enough.
MADE: Final = 50_000


def main(bootstrap: str, topic: str, count: int) -> None:
    """Send so many records, and tell how long it took."""
    made: list[tuple[bytes, str | None, dict[str, str | bytes | None]]] = [
        (happening.value, happening.order, {**preloading.headers_of(happening)})
        for happening in happenings(min(count, MADE), end_s=preloading.now_s(), partitions=0)
    ]
    producer = Producer(settings(bootstrap))
    producer.list_topics(timeout=10)
    watch = Stopwatch()
    while watch.count < count:
        for value, key, headers in made[: count - watch.count]:
            watch.take()
            while True:
                try:
                    producer.produce(topic, value, key, headers=headers)
                except BufferError:
                    # A hundred thousand wait; as soon as one is gone there is room.
                    producer.poll(0.01)
                else:
                    break
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("the broker did not take everything within a minute")
    watch.stop()
    watch.tell(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
