"""`python -m benchmarks.rivals.bytewax_flow BOOTSTRAP TOPIC COUNT FOLDER`: the windows in Bytewax.

With recovery on: a snapshot of the windows and offsets each second, as often as ours commits.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op  # type: ignore[import-not-found]  # In its own environment.
from bytewax.connectors.kafka import KafkaSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.operators import windowing
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]
from bytewax.testing import TestingSink, cluster_main  # type: ignore[import-not-found]

from benchmarks.rivals.counting import (
    GRACE_S,
    RESOLUTIONS_S,
    Measured,
    add,
    bucket,
    measured,
    nothing,
)
from benchmarks.rivals.told import Stopwatch

BATCH = 2000
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def main(bootstrap: str, topic: str, count: int, folder: str) -> None:
    """Count until everything was read."""
    watch = Stopwatch()
    closed: list[Any] = []
    flow = Dataflow("stages")
    source = KafkaSource([bootstrap], [topic], tail=False, batch_size=BATCH)
    records = op.input("records", flow, source)

    def read(record: Any) -> tuple[str, Measured] | None:  # noqa: ANN401  # Bytewax has no types.
        watch.take()
        found = measured(record.value)
        return (found.stage, found) if found else None

    measures = op.filter_map("read", records, read)
    clock = windowing.EventClock(
        ts_getter=lambda found: datetime.fromtimestamp(found.end_us / 1e6, UTC),
        wait_for_system_duration=timedelta(seconds=GRACE_S),
    )
    for length in RESOLUTIONS_S:
        windower = windowing.TumblingWindower(length=timedelta(seconds=length), align_to=EPOCH)
        out = windowing.fold_window(
            f"w{length}",
            measures,
            clock,
            windower,
            nothing,
            lambda numbers, f: add(numbers, f.duration_us, f.cause, bucket(f.duration_us)),
            lambda one, _: one,
            ordered=False,
        )
        op.output(f"closed{length}", out.down, TestingSink(closed))
    place = Path(folder)
    place.mkdir()
    init_db_dir(place, 1)
    recovery = RecoveryConfig(str(place))
    cluster_main(flow, [], 0, epoch_interval=timedelta(seconds=1), recovery_config=recovery)
    watch.stop()
    assert watch.count >= count, f"read {watch.count} of {count}"  # noqa: S101
    watch.tell(len(closed))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
