"""Finds the true end of partitions.

Some brokers answer "the end" with the position behind the first record of the last batch. Reading
on from there gives the rest of that batch, and so the end; with every other broker it gives
nothing new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from faust.types import TP
from yarl import URL

# A record that is at the reported end comes within one fetch; none comes where compaction took it.
_WAIT_S: Final = 5.0


async def exact_ends(broker: Iterable[URL], ends: Mapping[TP, int]) -> dict[TP, int]:
    """Return the ends, moved behind the last record where a broker reports too little."""
    exact = {TP(tp.topic, tp.partition): end for tp, end in ends.items()}
    filled = {tp: end for tp, end in exact.items() if end}
    if not filled:
        return exact
    servers = [f"{url.host}:{url.port}" for url in broker]
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        for tp, record in (await last_records(consumer, filled)).items():
            exact[tp] = max(exact[tp], record.offset + 1)
    finally:
        await consumer.stop()
    return exact


async def last_records(consumer: AIOKafkaConsumer, ends: Mapping[TP, int]) -> dict[TP, Any]:
    """Return the last record of each partition, where there is one."""
    places = {TopicPartition(tp.topic, tp.partition): end for tp, end in ends.items() if end}
    consumer.assign(list(places))
    for place, end in places.items():
        consumer.seek(place, end - 1)
    last: dict[TP, Any] = {}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _WAIT_S
    while len(last) < len(places) and loop.time() < deadline:
        fetched = await consumer.getmany(*places, timeout_ms=200)
        for place, records in fetched.items():
            if records:
                last[TP(place.topic, place.partition)] = records[-1]
    return last
