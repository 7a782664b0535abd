"""Three brokers are killed one after the other, round after round: nothing lost, nothing doubled.

Each partition has three replicas, of which two must have a record before it counts. The whole
stack works beside: service, relay and streams, under live traffic.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from deploy.kafka.broker import Kafka
from service.application.outbox import Stream
from service.kafka.topics import NAMES
from tests.invariants import assert_clean
from tests.system.board import check_view
from tests.system.topics import read_all
from tests.system.traffic import Traffic, traffic
from tests.system.whole_stack import BARE, WHOLE_AGAIN_WITHIN_S, WholeStack, until, whole_stack

ROUNDS = 4
BROKERS = (1, 2, 3)
# Each kill comes when at least so many more receipts were acknowledged: under load, that is.
BETWEEN_KILLS = 20
ANSWERED_SHARE_MIN = 0.6
DRAINED_WITHIN_S = 240.0
ORDERS = NAMES[Stream.ORDERS]

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with Kafka(tmp_path_factory.mktemp("kafka"), brokers=3) as running:
        yield running


@pytest.fixture(scope="module")
def stack(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    variables = {"CONCORD_KAFKA_BOOTSTRAP": kafka.bootstrap}
    folder: Path = tmp_path_factory.mktemp("stack")
    with whole_stack(folder, *BARE, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def seed() -> int:
    return int(time.time())


def is_drained(stack: WholeStack) -> bool:
    undecided = "SELECT 1 FROM receipts WHERE outcome IS NULL LIMIT 1"
    unpublished = "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"
    return not stack.rows(undecided) and not stack.rows(unpublished)


def flows(stack: WholeStack, sending: Traffic) -> None:
    """Wait until more was acknowledged, and what was is published."""
    before = len(sending.acknowledged)
    until(
        lambda: len(sending.acknowledged) >= before + BETWEEN_KILLS,
        "receipts are acknowledged",
        WHOLE_AGAIN_WITHIN_S,
    )
    [(newest,)] = stack.rows("SELECT last_value FROM outbox_id_seq")
    until(
        lambda: (
            not stack.rows(
                "SELECT 1 FROM outbox WHERE id <= %s AND published_at IS NULL LIMIT 1", [newest]
            )
        ),
        "what was acknowledged is published",
        WHOLE_AGAIN_WITHIN_S,
    )


def test_every_topic_has_as_many_replicas_as_the_brokers_give(
    kafka: Kafka, stack: WholeStack
) -> None:
    kafka.until_in_sync()
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics

    replicas = {
        name: {len(partition.replicas) for partition in topic.partitions.values()}
        for name, topic in topics.items()
    }

    assert any(name.endswith("-changelog") for name in replicas)
    assert ORDERS in replicas
    assert "__consumer_offsets" in replicas
    assert {name: found for name, found in replicas.items() if found != {3}} == {}


def test_rolling_kills_lose_nothing_and_double_nothing(
    kafka: Kafka, stack: WholeStack, seed: int
) -> None:
    print(f"seed {seed}")  # noqa: T201  # To run it again.
    with traffic(stack.address("service"), seed) as sending:
        # A cluster that has just started may refuse the first life its marker; that is none then.
        flows(stack, sending)
        lives = lives_of(stack)
        for _ in range(ROUNDS):
            for broker in BROKERS:
                kafka.until_in_sync()
                kafka.kill(broker)
                flows(stack, sending)
                kafka.start(broker)
        sending.stop()
    until(lambda: is_drained(stack), "nothing waits", DRAINED_WITHIN_S)

    tally = sending.tally
    assert tally.sent >= ANSWERED_SHARE_MIN * (tally.sent + tally.outages)
    check_whole(stack, sending)
    # No broker lost anything, so nothing was to be published again.
    assert lives_of(stack) == lives


def lives_of(stack: WholeStack) -> int:
    [(newest,)] = stack.rows("SELECT max(epoch) FROM broker_lives")
    return int(newest)


def check_whole(stack: WholeStack, sending: Traffic) -> None:
    """Assert that what was acknowledged is decided, published in its order, and counted once."""
    decided = {
        f"receipts/{receipt}"
        for (receipt,) in stack.rows("SELECT receipt_id FROM receipts WHERE outcome IS NOT NULL")
    }
    assert sending.acknowledged <= decided
    applied: dict[str, int] = defaultdict(int)
    for record in read_all(stack.variables()["CONCORD_KAFKA_BOOTSTRAP"]):
        if record.topic == ORDERS and record.key is not None:
            key, number = record.key.decode(), int(record.header("concord-n"))
            assert number <= applied[key] + 1, f"a gap before {key} {number}"
            applied[key] = max(applied[key], number)
    journal = dict(stack.rows("SELECT order_id, max(sequence) FROM journal GROUP BY order_id"))
    assert {key.removeprefix("orders/"): n for key, n in applied.items()} == journal
    assert stack.rows("SELECT 1 FROM parked_streams") == []
    assert_clean(stack.database_url)
    check_view(stack)
