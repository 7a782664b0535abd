"""The watchdog: what is a stall, and what only looks like one."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.watchdog import STALLED_AFTER_S, UNREADY_AFTER_S, Place, Position, Stalls

PLACE = ("concord.orders.v1", 0)


@dataclass
class Seen:
    position: Position = field(default_factory=lambda: Position(5, 9))
    ready: bool = True
    waits: bool = False
    stepped: int = 0

    def is_ready(self) -> bool:
        return self.ready

    def positions(self) -> dict[Place, Position]:
        return {PLACE: self.position}

    def is_waiting(self, topic: str) -> bool:
        return self.waits

    def steps(self, topic: str) -> int:
        return self.stepped


def stalled_after(seen: Seen, *, quiet_s: float) -> str | None:
    stalls = Stalls()
    assert stalls.look(seen, 0.0) is None
    return stalls.look(seen, quiet_s)


def test_records_that_wait_and_an_offset_that_stands_are_a_stall() -> None:
    assert stalled_after(Seen(), quiet_s=STALLED_AFTER_S + 1) == "concord.orders.v1/0"


def test_a_moment_without_a_commit_is_none() -> None:
    assert stalled_after(Seen(), quiet_s=STALLED_AFTER_S - 1) is None


def test_nothing_to_read_is_none() -> None:
    assert stalled_after(Seen(Position(9, 9)), quiet_s=STALLED_AFTER_S + 1) is None


def test_an_agent_that_waits_for_the_service_is_none() -> None:
    assert stalled_after(Seen(waits=True), quiet_s=STALLED_AFTER_S + 1) is None


def test_an_agent_that_gets_on_with_other_chunks_is_none() -> None:
    stalls, seen = Stalls(), Seen()
    stalls.look(seen, 0.0)
    seen.stepped = 1
    assert stalls.look(seen, STALLED_AFTER_S - 1) is None

    assert stalls.look(seen, STALLED_AFTER_S + 1) is None


def test_an_offset_that_moves_is_none() -> None:
    stalls, seen = Stalls(), Seen()
    stalls.look(seen, 0.0)
    seen.position = Position(6, 9)
    stalls.look(seen, STALLED_AFTER_S - 1)

    assert stalls.look(seen, STALLED_AFTER_S + 1) is None


def test_a_worker_that_never_gets_ready_is_a_stall() -> None:
    unready = Seen(ready=False)

    assert stalled_after(unready, quiet_s=UNREADY_AFTER_S - 1) is None
    assert stalled_after(unready, quiet_s=UNREADY_AFTER_S + 1) == "worker"
