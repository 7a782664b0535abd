"""The broker before a worker joins it: which life it is in, and whether the topics are there.

The state of the streams belongs to one life of the broker. Its number is part of the group's
name and of every changelog's, so a new life begins with nothing: no offsets, no rows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition
from faust.types import TP
from google.protobuf.message import DecodeError

from concord.outbox.v1.broker_life_pb2 import BrokerLife
from streams.ends import last_records
from streams.topics import (
    BROKERS_REPLICAS,
    LIVES,
    READ,
    RECORD_BYTES_MAX,
    SENT,
    annotation,
    topic_of,
)

_ASK_AGAIN_S: Final = 0.5
# Of a broker that somebody reads from at the time.
_ANSWERED_WITHIN_S: Final = 15.0
_DAY_MS: Final = 86_400_000

log = structlog.get_logger(__name__)


async def await_life(bootstrap: str) -> int:
    """Return the number of the broker's life, as soon as the relay has begun one."""
    is_told = False
    while True:
        try:
            epoch = await read_life(bootstrap)
        except (KafkaError, OSError) as error:
            log.warning("broker_unreachable", error=error)
            epoch = None
        if epoch is not None:
            return epoch
        if not is_told:
            log.info("broker_life_awaited", topic=topic_of(LIVES))
            is_told = True
        await asyncio.sleep(_ASK_AGAIN_S)


async def declared_life(bootstrap: str) -> int | None:
    """Return the number of the broker's life; None where it is not to be had within a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ANSWERED_WITHIN_S):
            while True:
                try:
                    return await read_life(bootstrap)
                except (KafkaError, OSError) as error:
                    log.warning("broker_unreachable", error=error)
                await asyncio.sleep(_ASK_AGAIN_S)
    return None


async def read_life(bootstrap: str) -> int | None:
    """Return the number of the broker's life; None where the relay has told none yet."""
    topic = topic_of(LIVES)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            return None
        # It has one partition. A consumer that has subscribed to nothing is not told how many a
        # topic has: to Kafka, asking about no topic is asking about none, not about all.
        ends = await consumer.end_offsets([TopicPartition(topic, 0)])
        last = await last_records(
            consumer, {TP(place.topic, place.partition): end for place, end in ends.items()}
        )
    finally:
        await consumer.stop()
    epochs = [epoch for record in last.values() if (epoch := _epoch(record.value)) is not None]
    return max(epochs, default=None)


def _epoch(value: bytes | None) -> int | None:
    try:
        return BrokerLife.FromString(value or b"").epoch or None
    except DecodeError:
        return None


async def await_topics(bootstrap: str, partitions: int) -> None:
    """Create what agents send to, and wait until all that they need is there."""
    while True:
        try:
            missing = await _missing(bootstrap, partitions)
        except (KafkaError, OSError) as error:
            log.warning("broker_unreachable", error=error)
        else:
            if not missing:
                return
            log.info("topics_awaited", count=len(missing))
        await asyncio.sleep(_ASK_AGAIN_S)


async def _missing(bootstrap: str, partitions: int) -> set[str]:
    """Create what agents send to; return the topics that are not there all the same."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        for message in SENT:
            if topic_of(message) not in there:
                await _create(admin, message, partitions)
        wanted = {topic_of(message) for message in (*READ, *SENT)}
        return wanted - set(await admin.list_topics())
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, message: type, partitions: int) -> None:
    about = annotation(message)
    if about.retention_days:
        config = {"retention.ms": str(about.retention_days * _DAY_MS)}
    else:
        config = {"cleanup.policy": "compact"}
    config["max.message.bytes"] = str(RECORD_BYTES_MAX)
    topic = NewTopic(
        about.name,
        num_partitions=partitions,
        replication_factor=BROKERS_REPLICAS,
        # Without it aiokafka takes the broker's own number for a mistake.
        replica_assignments={},
        topic_configs=config,
    )
    answer = await admin.create_topics([topic])
    for name, code, *_ in answer.topic_errors:
        # Another worker may have been faster.
        if code not in (NoError.errno, TopicAlreadyExistsError.errno):
            log.warning("topic_refused", topic=name, error=for_code(code)())
