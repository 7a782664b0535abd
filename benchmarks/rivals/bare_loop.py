"""`python -m benchmarks.rivals.bare_loop BOOTSTRAP TOPIC COUNT`: aiokafka and dicts, nothing else.

No state that outlives it, no repeats dropped, no watermark, no results: the floor for a consumer
in Python that decodes the same records and counts the same windows.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from benchmarks.rivals.counting import RESOLUTIONS_S, add, bucket, measured, nothing
from benchmarks.rivals.told import Stopwatch


async def main(bootstrap: str, topic: str, count: int) -> None:
    """Count until everything was read."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="bare-loop",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
    )
    await consumer.start()
    watch = Stopwatch()
    windows: dict[tuple[int, int, str], list[Any]] = {}
    committed_s = time.monotonic()
    try:
        while watch.count < count:
            for records in (await consumer.getmany(timeout_ms=200, max_records=2000)).values():
                watch.take(len(records))
                for record in records:
                    count_one(windows, record.value)
            if time.monotonic() - committed_s > 1.0:
                await consumer.commit()
                committed_s = time.monotonic()
        await consumer.commit()
        watch.stop()
        watch.tell(len(windows))
    finally:
        await consumer.stop()


def count_one(windows: dict[tuple[int, int, str], list[Any]], value: bytes) -> None:
    """Count one record in its four windows."""
    found = measured(value)
    if found is None:
        return
    place = bucket(found.duration_us)
    end_s = found.end_us // 1_000_000
    for length in RESOLUTIONS_S:
        key = (length, end_s // length, found.stage)
        numbers = windows.get(key)
        if numbers is None:
            numbers = windows[key] = nothing()
        add(numbers, found.duration_us, found.cause, place)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
