"""What a worker makes of losses around it: poison, an empty Redis, a broker without its topics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from concord.insights.v1.partial_pb2 import DeadLetter
from concord.insights.v1.stage_pb2 import StageWindow
from concord.orders.v1.order_event_pb2 import OrderEvent
from streams.guard import EXIT_NEW_LIFE
from tests.integration.streams.happenings import Expected, events, rows_of
from tests.integration.streams.world import (
    WorkerProcess,
    World,
    eventually,
    has_all_markers,
    in_redis,
    world,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# A request that a broker lost while the group began is given up after 90 s (Faust's own setting).
FIRST_VIEW_WITHIN_S = 120


@pytest.fixture
def around() -> Iterator[World]:
    with world() as made:
        yield made


def publish(around: World, seed: int) -> Expected:
    """Publish the same history each time it is asked for."""
    expected = Expected()
    for event in events(seed, 40, start_s=1_790_000_000, span_s=900):
        expected.add(event)
        around.publish(event, event.order)
    around.producer.flush(10)
    return expected


def is_whole(around: World, expected: Expected) -> bool:
    return has_all_markers(around) and rows_of(in_redis(around)) == expected.rows()


def test_poison_is_set_aside_an_empty_redis_is_filled_and_sigterm_ends_in_order(
    around: World,
) -> None:
    worker = around.start_worker()
    poison = {"concord-epoch": str(around.epoch), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with around.heartbeats():
        around.publish_bytes(OrderEvent, b"\xffno event", "orders/poison", poison)
        expected = publish(around, 1)
        eventually(
            lambda: is_whole(around, expected), FIRST_VIEW_WITHIN_S, "the view is whole", [worker]
        )

        around.redis.flushall()
        assert not has_all_markers(around)
        eventually(lambda: is_whole(around, expected), 20, "the view is whole again", [worker])

    assert worker.stop() == 0
    ((letter, headers),) = around.read_all(DeadLetter)
    assert (letter.value, letter.key, letter.agent) == (b"\xffno event", b"orders/poison", "stages")
    assert (letter.topic, letter.reason) == ("concord.orders.v1", "UNDECODABLE")
    assert headers["traceparent"] == [poison["traceparent"]]
    windows = around.read_all(StageWindow)
    assert {len(headers.get("traceparent", [])) for _, headers in windows} == {1}
    assert {tuple(headers["concord-epoch"]) for _, headers in windows} == {("1",)}


def test_after_the_loss_of_every_topic_the_view_is_that_of_the_new_life_alone(
    around: World,
) -> None:
    workers = [around.start_worker("first")]
    with around.heartbeats():
        before = publish(around, 1)
        eventually(
            lambda: is_whole(around, before), FIRST_VIEW_WITHIN_S, "the view is whole", workers
        )

    around.servers.kill("broker")
    around.servers.start("broker")
    around.begin_life()
    with around.heartbeats():
        # Another history, so that nothing of the old view can pass for the new one.
        after = publish(around, 2)

        def is_whole_again() -> bool:
            if workers[-1].process.poll() is not None:
                workers.append(around.start_worker(f"next-{len(workers)}"))
            return is_whole(around, after)

        eventually(is_whole_again, 120, "the view of the new life", workers)


def test_a_new_life_on_the_same_broker_ends_the_worker_and_the_next_one_rebuilds(
    around: World,
) -> None:
    worker = around.start_worker("first")
    with around.heartbeats():
        before = publish(around, 1)
        eventually(
            lambda: is_whole(around, before), FIRST_VIEW_WITHIN_S, "the view is whole", [worker]
        )

        around.begin_life()
        again = publish(around, 1)
        ended = eventually(lambda: _code(worker), 30, "the worker of the old life ended", [worker])
        assert ended == EXIT_NEW_LIFE

        second = around.start_worker("second")
        eventually(second.is_ready, 60, "the next worker is ready", [second])
        eventually(lambda: is_whole(around, again), 60, "the view is whole again", [second])


def _code(worker: WorkerProcess) -> int | None:
    return worker.process.poll()
