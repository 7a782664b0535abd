"""The watchdog ends what stands still, and nothing that works or waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.watchdog import (
    PASSED_OVER_AFTER_S,
    STALLED_AFTER_S,
    UNREADY_AFTER_S,
    Place,
    Position,
    Stalls,
)

TOPIC = "concord.receipts.v1"


@dataclass
class Seen:
    """A worker with a partition that has ten records to read."""

    committed: int = 0
    ready: bool = True
    waiting: bool = False
    stepped: int = 0

    def is_ready(self) -> bool:
        return self.ready

    def positions(self) -> Mapping[Place, Position]:
        return {(TOPIC, 0): Position(self.committed, 10)}

    def is_waiting(self, topic: str) -> bool:
        return self.waiting

    def steps(self, topic: str) -> int:
        return self.stepped


def test_records_that_nobody_reads_are_a_stall() -> None:
    stalls, seen = Stalls(), Seen()

    assert stalls.look(seen, 0.0) is None
    assert stalls.look(seen, STALLED_AFTER_S) is None
    assert stalls.look(seen, STALLED_AFTER_S + 1) == f"{TOPIC}/0"


def test_a_partition_that_is_read_to_its_end_is_no_stall() -> None:
    stalls, seen = Stalls(), Seen(committed=10)

    assert all(stalls.look(seen, at * STALLED_AFTER_S) is None for at in range(5))


def test_an_agent_that_waits_for_the_service_is_no_stall() -> None:
    stalls, seen = Stalls(), Seen(waiting=True)

    assert all(stalls.look(seen, at * STALLED_AFTER_S) is None for at in range(5))


def test_an_agent_at_work_on_a_large_chunk_is_no_stall() -> None:
    stalls, seen = Stalls(), Seen()

    for second in range(int(3 * STALLED_AFTER_S)):
        seen.stepped = second // 20
        assert stalls.look(seen, float(second)) is None


def test_a_partition_that_is_passed_over_is_a_stall_in_the_end() -> None:
    stalls, seen = Stalls(), Seen()

    found = None
    for second in range(int(PASSED_OVER_AFTER_S) + 2):
        seen.stepped = second
        found = stalls.look(seen, float(second))

    assert found == f"{TOPIC}/0"


def test_a_worker_that_never_gets_ready_is_a_stall() -> None:
    stalls, seen = Stalls(), Seen(ready=False)

    assert stalls.look(seen, 0.0) is None
    assert stalls.look(seen, UNREADY_AFTER_S) is None
    assert stalls.look(seen, UNREADY_AFTER_S + 1) == "worker"
