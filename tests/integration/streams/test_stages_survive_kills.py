"""Of two workers and of four, one is killed under load: its partitions move, windows stay exact."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

import pytest

from concord.insights.v1.partial_pb2 import StagePartial
from concord.insights.v1.stage_pb2 import StageWindow
from concord.orders.v1.order_event_pb2 import OrderEvent
from tests.integration.streams.happenings import Expected, events, rows_of
from tests.integration.streams.world import (
    WorkerProcess,
    World,
    eventually,
    has_all_markers,
    in_redis,
    world,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SEED = 11
# What is promised of a worker that dies: 6 s until the broker misses it, the rest to join anew.
MOVED_WITHIN_S = 30


@pytest.fixture
def around() -> Iterator[World]:
    with world() as made:
        yield made


@contextlib.contextmanager
def load(around: World, expected: Expected) -> Iterator[None]:
    """Publish 200 events a second for as long as the block lasts, every tenth of them twice."""
    over = threading.Event()

    def run() -> None:
        made = events(SEED, 20_000, start_s=1_563_000_000, span_s=7200)
        for number, event in enumerate(made, start=1):
            expected.add(event)
            around.publish(event, event.order)
            if number % 10 == 0:
                around.publish(event, event.order)
            if number % 20 == 0 and over.wait(0.1):
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        around.producer.flush(10)


def kill_one(around: World, workers: list[WorkerProcess]) -> None:
    """Kill a worker; all that was published by then is worked off by the others in time."""
    workers.pop(0).kill()
    around.producer.flush(10)
    ends = around.ends(OrderEvent)
    eventually(
        lambda: around.has_committed(ends), MOVED_WITHIN_S, "all partitions are worked on", workers
    )


def until_all_are_ready(workers: Sequence[WorkerProcess]) -> None:
    for worker in workers:
        eventually(worker.is_ready, 120, "all workers are ready", workers)


def test_partitions_move_within_30_s_of_a_kill_and_windows_stay_exact(around: World) -> None:
    expected = Expected()
    workers = [around.start_worker(name) for name in ("a", "b")]
    until_all_are_ready(workers)

    with around.heartbeats():
        with load(around, expected):
            kill_one(around, workers)
            workers += [around.start_worker(name) for name in ("c", "d", "e")]
            until_all_are_ready(workers)
            kill_one(around, workers)
        eventually(
            lambda: rows_of(in_redis(around)) == expected.rows() and has_all_markers(around),
            90,
            "the view is the expectation",
            workers,
        )
        ends = around.ends(OrderEvent, StagePartial)
        eventually(lambda: around.has_committed(ends), 30, "everything is committed", workers)

    published = [window for window, _ in around.read_all(StageWindow)]
    assert rows_of(published) == expected.rows()
