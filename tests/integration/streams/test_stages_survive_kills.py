"""The stage windows are exact, on the topic and in Redis, whatever happens to the workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from concord.insights.v1.partial_pb2 import StagePartial
from concord.insights.v1.stage_pb2 import StageWindow
from concord.orders.v1.order_event_pb2 import OrderEvent
from tests.integration.streams.happenings import Expected, events, rows_of
from tests.integration.streams.world import (
    World,
    eventually,
    has_all_markers,
    in_redis,
    world,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def around() -> Iterator[World]:
    with world() as made:
        yield made


def test_windows_are_exact_after_kills_under_load_and_events_of_2019(around: World) -> None:
    expected = Expected()
    workers = [around.start_worker("a"), around.start_worker("b")]
    for worker in workers:
        eventually(worker.is_ready, 120, "both workers ready", workers)

    with around.heartbeats():
        for number, event in enumerate(events(7, 500, start_s=1_563_000_000, span_s=7200), start=1):
            expected.add(event)
            around.publish(event, event.order)
            if number % 10 == 0:
                around.publish(event, event.order)  # The relay repeats.
            if number == 900:
                workers[0].kill()
                workers.append(around.start_worker("c"))
            if number == 2000:
                workers[1].kill()
            if number % 50 == 0:
                around.producer.flush(10)
                around.producer.poll(0.25)  # The load lasts longer than a takeover.
        around.producer.flush(10)
        eventually(
            lambda: rows_of(in_redis(around)) == expected.rows() and has_all_markers(around),
            90,
            "the view is the expectation",
            workers[2:],
        )
        ends = around.ends(OrderEvent, StagePartial)
        eventually(lambda: around.has_committed(ends), 30, "everything is committed", workers[2:])

    published = [window for window, _ in around.read_all(StageWindow)]
    assert rows_of(published) == expected.rows()
