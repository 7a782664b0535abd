"""`python -m benchmarks.rivals.quix BOOTSTRAP TOPIC COUNT FOLDER`: the windows in Quix Streams.

With its state on: RocksDB and changelogs, results sent when a window closes, a commit each second
as ours. The topic's records are keyed by stage already, which spares it a topic to key them anew.
"""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]  # In its own environment.

from benchmarks.rivals.counting import (
    GRACE_S,
    RESOLUTIONS_S,
    add,
    bucket,
    measured,
    nothing,
)
from benchmarks.rivals.told import Stopwatch

# Without a record for so long, everything was read; what that costs is not worth counting.
SILENT_S = 3.0


def main(bootstrap: str, topic: str, count: int, folder: str) -> None:
    """Count until everything was read."""
    watch = Stopwatch()
    app = Application(
        broker_address=bootstrap,
        consumer_group="quix",
        auto_offset_reset="earliest",
        state_dir=folder,
        commit_interval=1.0,
        loglevel="WARNING",
    )
    source = app.topic(
        topic,
        value_deserializer="bytes",
        key_deserializer="str",
        timestamp_extractor=lambda value, _headers, at_ms, _kind: end_ms(value, at_ms),
    )
    results = app.topic(f"{topic}.results", value_serializer="json", key_serializer="str")

    def read(value: bytes) -> list[Any] | None:
        watch.take()
        found = measured(value)
        if watch.count >= count:
            watch.stop()
        return [found.duration_us, found.cause, str(bucket(found.duration_us))] if found else None

    measures = app.dataframe(source).apply(read).filter(lambda found: found is not None)
    for length in RESOLUTIONS_S:
        measures.tumbling_window(length * 1000, grace_ms=GRACE_S * 1000, name=f"w{length}").reduce(
            reducer=lambda numbers, found: add(numbers, *found),
            initializer=lambda found: add(nothing(), *found),
        ).final().to_topic(results)
    app.run(timeout=SILENT_S)
    watch.tell(0)


def end_ms(value: bytes, at_ms: int) -> int:
    """Return when the stage ended, which decides the window."""
    found = measured(value)
    return found.end_us // 1000 if found else at_ms


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
