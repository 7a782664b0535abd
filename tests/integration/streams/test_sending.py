"""What a worker sends leaves it, whatever the producer learns of topics meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.stack import EmbeddedServers
from streams.transport import ChunkedApp

pytestmark = pytest.mark.slow

LINGER_S = 1.0


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with EmbeddedServers(names=("broker",)) as servers:
        yield servers.kafka_bootstrap


def create(broker: str, *topics: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker})
    for made in admin.create_topics([NewTopic(each, 4, 1) for each in topics]).values():
        made.result(20)


async def test_a_record_goes_whose_leader_was_forgotten_while_it_lingered(broker: str) -> None:
    create(broker, "parts")
    app = ChunkedApp(
        "sends", broker=f"kafka://{broker}", web_enabled=False, producer_linger=LINGER_S
    )
    producer: Any = app.producer
    await producer.start()
    client = producer._producer.client
    # As after a connection was lost: the metadata of every topic, asked for because none was.
    assert await client.force_metadata_update()
    assert client.cluster.partitions_for_topic("parts") == {0, 1, 2, 3}
    try:
        first = await producer.send("parts", b"key", b"value", 2, None, None)
        # Of this one, nothing was known: metadata of fewer topics replace those of all.
        create(broker, "young")
        second = await producer.send("young", b"key", b"value", 1, None, None)

        sent = await asyncio.wait_for(asyncio.gather(first, second), 20 * LINGER_S)
    finally:
        await producer.stop()

    assert [(each.topic, each.partition, each.offset) for each in sent] == [
        ("parts", 2, 0),
        ("young", 1, 0),
    ]
