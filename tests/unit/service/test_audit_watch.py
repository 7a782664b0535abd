"""The auditor goes round, tells what it sees, stands by where another audits, and rests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from service.application.invariants import Audit, AuditPage
from service.audit_watch import AuditWatch
from service.domain.errors import OutageError
from service.domain.invariants import QUERIED, Finding, Violation
from service.telemetry import Metrics

HOLDS = Finding("I4", 10)
BROKEN = Finding("I4", 10, 1, (Violation("I4", "ord-1", "row 2 is missing"),))


@dataclass
class FakeAudit:
    """Gives the pages that it holds, round after round; ends the auditor after the last."""

    rounds: list[list[Finding]]
    stop: threading.Event
    seen: Callable[[], None] = lambda: None
    _round: int = 0
    asked: list[str] = field(default_factory=list)

    def page(self, token: str = "", *, size: int = 0) -> AuditPage:
        self.asked.append(token)
        self.seen()
        number = int(token or 0)
        pages = self.rounds[self._round]
        last = number + 1 == len(pages)
        if last:
            self._round += 1
            if self._round == len(self.rounds):
                self.stop.set()
        return AuditPage((pages[number],), "" if last else str(number + 1))

    def order(self, order_id: str) -> AuditPage:
        raise NotImplementedError(order_id)


@dataclass
class World:
    metrics: Metrics = field(default_factory=Metrics)
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self, *turns: Audit | Exception | None) -> list[str]:
        """Let an auditor have these turns, and return the names of what it logged."""
        left = list(turns)

        @contextmanager
        def turn() -> Iterator[Audit | None]:
            one = left.pop(0)
            if not left:
                self.stop.set() if one is None or isinstance(one, Exception) else None
            if isinstance(one, Exception):
                raise one
            yield one

        with capture_logs() as logged:
            AuditWatch(turn, self.metrics, share=1.0).run(self.stop)
        return [each["event"] for each in logged]

    def shown(self, invariant: str = "I4") -> float | None:
        labels = {"invariant": invariant}
        return self.metrics.registry.get_sample_value("concord_invariant_violations", labels)


@pytest.fixture
def world() -> World:
    return World()


def test_a_violation_is_told_once_and_as_soon_as_it_is_seen(world: World) -> None:
    seen: list[float | None] = []
    audit = FakeAudit(
        [[BROKEN, HOLDS], [BROKEN, HOLDS]], world.stop, lambda: seen.append(world.shown())
    )

    logged = world.watch(audit)

    assert logged == ["invariant_violated"]
    assert seen == [None, 1, 1, 1]


def test_what_holds_again_is_told_after_a_whole_round(world: World) -> None:
    seen: list[float | None] = []
    audit = FakeAudit(
        [[BROKEN], [HOLDS, HOLDS], [HOLDS]], world.stop, lambda: seen.append(world.shown())
    )

    logged = world.watch(audit)

    assert logged == ["invariant_violated", "invariant_holds_again"]
    assert seen == [None, 1, 1, 0]


def test_after_a_round_every_invariant_that_a_query_tells_is_shown(world: World) -> None:
    shown: dict[str, float | None] = {}
    audit = FakeAudit(
        [[HOLDS], [HOLDS]],
        world.stop,
        lambda: shown.update({each: world.shown(each) for each in QUERIED}),
    )

    world.watch(audit)

    assert shown == dict.fromkeys(QUERIED, 0.0)


def test_who_stands_by_shows_nothing(world: World) -> None:
    world.watch(None)

    value = world.metrics.registry.get_sample_value
    assert world.shown() is None
    assert value("concord_audit_active") == 0
    assert value("concord_audit_round_age_seconds") == 0


def test_an_outage_ends_the_turn_and_not_the_auditor(world: World) -> None:
    logged = world.watch(OutageError("gone"))

    assert logged == ["audit_waits"]
