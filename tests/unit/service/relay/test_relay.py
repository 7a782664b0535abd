"""The relay's loop on an outbox and a broker in memory."""

import threading
from collections.abc import Callable
from dataclasses import replace

from service.failpoints import Failpoints
from service.kafka.broker_life import LifeWatch
from service.kafka.heartbeats import Heartbeats
from service.kafka.producer import Failure, Record
from service.kafka.relay import Pace, Relay
from service.telemetry import Metrics
from tests.unit.service.relay.fakes import (
    NOW,
    ORDERS,
    FakeBroker,
    FakePublisher,
    FakeRelayQueue,
    a_row,
)

REFUSED = Failure("MSG_SIZE_TOO_LARGE", is_outage=False)
OUTAGE = Failure("_TRANSPORT", is_outage=True)
AT_ONCE = Pace(
    standby_s=0, outage_s=0, check_every_s=0, heartbeat_every_s=0, tend_every_s=0, backoff_s=0
)


class Fixture:
    """A relay with everything around it in reach."""

    def __init__(self, pace: Pace = AT_ONCE, failpoints: Failpoints | None = None) -> None:
        self.queue = FakeRelayQueue()
        self.publisher = FakePublisher()
        self.broker = FakeBroker()
        self.metrics = Metrics()
        self.relay = Relay(
            self.queue,
            self.publisher,
            LifeWatch(self.queue, self.broker),
            Heartbeats(self.queue, self.publisher, lambda: NOW),
            metrics=self.metrics,
            pace=pace,
            failpoints=failpoints,
        )

    def turn(self, times: int = 1) -> float:
        for _ in range(times):
            pause = self.relay.turn()
        return pause

    def sent(self) -> list[bytes]:
        return [record.value for record in self.publisher.sent if record.key is not None]

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def failing(key: str, failure: Failure) -> Callable[[Record], Failure | None]:
    return lambda record: failure if record.key == key else None


def test_rows_are_sent_in_their_order_and_marked() -> None:
    fixture = Fixture()
    fixture.queue.rows = [a_row(1, n=1), a_row(2, n=2), a_row(3, "order-2")]

    fixture.turn()

    assert fixture.sent() == [b"order-1:1", b"order-1:2", b"order-2:1"]
    assert fixture.queue.published == [1, 2, 3]
    assert fixture.value("concord_outbox_published_total", topic=ORDERS) == 3


def test_a_stream_that_is_refused_eight_times_is_parked_and_others_flow() -> None:
    fixture = Fixture()
    fixture.publisher.fails = failing("order-1", REFUSED)
    fixture.queue.rows = [a_row(1, n=1), a_row(2, n=2), a_row(3, "order-2")]

    fixture.turn(times=8)

    assert {stream.key for stream in fixture.queue.parked} == {"order-1"}
    assert fixture.queue.attempts == {1: 8}
    assert fixture.queue.published == [3]
    assert fixture.value("concord_outbox_failures_total", topic=ORDERS) == 8


def test_a_refused_stream_waits_before_it_is_tried_again() -> None:
    fixture = Fixture(Pace(standby_s=0, backoff_s=60))
    fixture.publisher.fails = failing("order-1", REFUSED)
    fixture.queue.rows = [a_row(1)]

    fixture.turn(times=5)

    assert fixture.queue.attempts == {1: 1}


def test_an_outage_counts_against_no_message() -> None:
    fixture = Fixture()
    fixture.publisher.fails = failing("order-1", OUTAGE)
    fixture.queue.rows = [a_row(1)]

    fixture.turn(times=20)

    assert fixture.queue.attempts == {}
    assert fixture.queue.parked == {}


def test_a_stream_with_a_hole_is_parked_behind_what_precedes_it() -> None:
    fixture = Fixture()
    fixture.queue.rows = [a_row(1, n=1), a_row(2, n=3)]

    fixture.turn()

    assert fixture.queue.published == [1]
    assert list(fixture.queue.parked.values()) == ["NUMBER_MISSING: before 3"]


def test_a_standby_publishes_nothing_and_is_ready() -> None:
    fixture = Fixture()
    fixture.queue.is_locked_elsewhere = True
    fixture.queue.rows = [a_row(1)]

    fixture.turn()

    assert fixture.publisher.sent == []
    assert fixture.relay.is_ready()


def test_a_relay_that_may_not_mark_takes_its_shards_again() -> None:
    fixture = Fixture()
    fixture.queue.rows = [a_row(1)]
    fixture.queue.is_superseded = True
    fixture.turn()
    fixture.queue.is_superseded = False

    fixture.turn(times=2)

    assert fixture.queue.published == [1]
    assert fixture.sent() == [b"order-1:1", b"order-1:1"]


def test_behind_its_first_failure_no_later_part_of_a_stream_is_sent() -> None:
    fixture = Fixture(replace(AT_ONCE, part_rows=1))
    fixture.publisher.fails = lambda record: REFUSED if record.value == b"order-1:2" else None
    fixture.queue.rows = [a_row(1, n=1), a_row(2, n=2), a_row(3, n=3), a_row(4, "order-2")]

    fixture.turn()

    assert fixture.sent() == [b"order-1:1", b"order-1:2", b"order-2:1"]
    assert fixture.queue.published == [1, 4]


def test_behind_a_part_that_it_may_not_mark_a_relay_marks_nothing() -> None:
    fixture = Fixture(replace(AT_ONCE, part_rows=1))
    fixture.queue.rows = [a_row(number, n=number) for number in (1, 2, 3)]
    fixture.queue.is_superseded = True

    fixture.turn()

    # The second was on its way when the first was found to be somebody else's.
    assert fixture.sent() == [b"order-1:1", b"order-1:2"]
    assert fixture.queue.published == []


def test_parts_behind_an_outage_wait_for_the_next_round() -> None:
    fixture = Fixture(replace(AT_ONCE, part_rows=1))
    fixture.publisher.fails = failing("order-1", OUTAGE)
    fixture.queue.rows = [a_row(1), a_row(2, "order-2")]

    fixture.turn()

    assert fixture.sent() == [b"order-1:1"]
    assert fixture.queue.published == []


def test_rounds_begin_small_and_grow_while_all_is_well() -> None:
    fixture = Fixture(replace(AT_ONCE, rows=8, rows_first=2))
    fixture.queue.rows = [a_row(number, n=number) for number in range(1, 40)]

    def marked_in_a_turn() -> int:
        before = len(fixture.queue.published)
        fixture.turn()
        return len(fixture.queue.published) - before

    assert [marked_in_a_turn() for _ in range(4)] == [2, 4, 8, 8]
    fixture.queue.is_superseded = True
    fixture.turn()
    fixture.queue.is_superseded = False
    assert [marked_in_a_turn() for _ in range(3)] == [2, 4, 8]
    fixture.publisher.fails = failing("order-1", OUTAGE)
    fixture.turn()
    fixture.publisher.fails = lambda _: None
    fixture.queue.rows.append(a_row(99, "order-2"))
    assert marked_in_a_turn() <= 2


def test_an_outage_of_storage_is_waited_out() -> None:
    fixture = Fixture()
    fixture.queue.is_away = True
    fixture.turn()
    assert not fixture.relay.is_ready()
    fixture.queue.is_away = False
    fixture.queue.rows = [a_row(1)]

    fixture.turn()

    assert fixture.queue.published == [1]
    assert fixture.relay.is_ready()


def test_nothing_is_published_to_a_broker_that_was_not_looked_at() -> None:
    fixture = Fixture()
    fixture.broker.is_away = True
    fixture.queue.begin_life()
    fixture.queue.rows = [a_row(1)]

    fixture.turn(times=3)

    assert fixture.publisher.sent == []
    assert not fixture.relay.is_ready()


def test_idle_turns_rest_longer_and_work_wakes_them() -> None:
    fixture = Fixture()

    assert [fixture.turn() for _ in range(5)] == [0.01, 0.02, 0.04, 0.05, 0.05]
    fixture.queue.rows = [a_row(1)]
    assert fixture.turn() == 0
    assert fixture.turn() == 0.01


def test_heartbeats_wait_while_older_rows_wait() -> None:
    fixture = Fixture()
    fixture.queue.is_late = True
    fixture.turn()
    assert fixture.publisher.sent == []

    fixture.queue.is_late = False
    fixture.turn()

    assert len(fixture.publisher.sent) == 16
    assert {record.partition for record in fixture.publisher.sent} == {0, 1, 2, 3}


def test_the_gauges_say_what_waits() -> None:
    fixture = Fixture()
    fixture.publisher.fails = failing("order-1", OUTAGE)
    fixture.queue.rows = [a_row(1)]

    fixture.turn()

    assert fixture.value("concord_outbox_backlog") == 1
    assert fixture.value("concord_relay_active", shard="0") == 1
    assert fixture.queue.pruned == 1


def test_a_relay_that_stops_lets_go_of_everything() -> None:
    stop = threading.Event()
    fixture = Fixture(failpoints=Failpoints({"relay:after_mark": stop.set}))
    fixture.queue.rows = [a_row(1)]

    fixture.relay.run(stop)

    assert fixture.queue.published == [1]
    assert fixture.publisher.is_closed
    assert fixture.broker.is_closed
    assert fixture.value("concord_relay_active", shard="0") == 0
