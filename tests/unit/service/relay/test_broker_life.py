"""By what the loss of the broker's topics is noticed, and what is not one."""

import pytest

from service.application.outbox import Stream
from service.kafka.broker_life import LifeWatch
from service.kafka.topics import NAMES, TOPICS
from tests.unit.service.relay.fakes import FakeBroker, FakeRelayQueue, a_healthy_broker


def lived() -> FakeRelayQueue:
    queue = FakeRelayQueue()
    queue.begin_life()
    return queue


def test_the_first_life_gets_its_topics_and_its_marker() -> None:
    queue, broker = FakeRelayQueue(), FakeBroker()

    LifeWatch(queue, broker).check()

    assert [life.epoch for life in queue.lives] == [1]
    assert broker.marker == "marker-1"
    assert broker.partitions.keys() == TOPICS.keys()


def test_a_healthy_broker_stays_in_its_life() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    watch = LifeWatch(queue, broker)

    watch.check()
    watch.check()

    assert len(queue.lives) == 1
    assert watch.epoch == 1


def test_a_broker_that_came_back_empty_begins_a_new_life() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    watch = LifeWatch(queue, broker)
    watch.check()

    broker.lose_everything()
    watch.check()

    assert broker.marker == "marker-2"
    assert watch.epoch == 2


@pytest.mark.parametrize("marker", [None, "", "somebody else's"])
def test_another_marker_is_another_broker(marker: str | None) -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    broker.marker = marker

    LifeWatch(queue, broker).check()

    assert len(queue.lives) == 2


def test_a_missing_topic_of_ours_is_a_loss() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    del broker.partitions[NAMES[Stream.ORDERS]]

    LifeWatch(queue, broker).check()

    assert len(queue.lives) == 2


def test_a_missing_topic_of_the_streams_is_only_made() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    theirs = next(name for name in TOPICS if name not in NAMES.values() and "live" not in name)
    del broker.partitions[theirs]

    LifeWatch(queue, broker).check()

    assert len(queue.lives) == 1
    assert theirs in broker.partitions


def test_an_end_that_went_back_is_a_loss() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    watch = LifeWatch(queue, broker)
    watch.check()

    broker.ends[NAMES[Stream.ORDERS], 0] = 9
    watch.check()

    assert len(queue.lives) == 2


def test_a_life_begun_by_hand_only_needs_its_marker() -> None:
    queue, broker = lived(), a_healthy_broker("marker-1")
    queue.begin_life()

    LifeWatch(queue, broker).check()

    assert len(queue.lives) == 2
    assert broker.marker == "marker-2"
