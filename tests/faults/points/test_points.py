"""The service fails at each of its failpoints in each way; what is told is what happened, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from itertools import count

import psycopg2
import pytest

from service.application.allocating import Allocating
from service.application.waiting import Waiting
from service.domain.errors import OutageError
from service.domain.lifecycle import State
from service.failpoints import FailpointError, Failpoints, armed
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.storage import PostgresStorage
from tests.builders import NOON
from tests.faults.points.places import (
    BY_CALL,
    BY_CLOCKWORK,
    BY_OUTAGE,
    BY_RELAY,
    BY_WORKER,
    in_code,
)
from tests.faults.points.walking import walk
from tests.faults.wire import census
from tests.faults.wire.acts import ACTS
from tests.faults.wire.preparing import Preparing
from tests.faults.wire.running import Uncut, measure
from tests.faults.wire.world import World
from tests.invariants import assert_clean

INSIDE = ("raise", "hang", "commit-then-raise")
QUICK = ("storage:before_commit", "storage:after_commit", "unit:after_orders", "rpc:before_answer")


@pytest.fixture(scope="module")
def uncut(world: World) -> Callable[[str], Uncut]:
    """What each call is without faults; measured once."""
    return cache(lambda rpc: measure(world, ACTS[rpc]))


@pytest.fixture(autouse=True)
def nothing_armed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "world" in request.fixturenames:
        request.getfixturevalue("world").served.failpoints.disarm()


def test_the_list_of_places_is_the_codes() -> None:
    service = {*BY_CALL, *BY_CLOCKWORK, *BY_RELAY, *BY_OUTAGE}

    assert set(in_code("service")) == service
    assert set(in_code("streams")) == set(BY_WORKER)
    assert not set(in_code("clients"))


@pytest.mark.parametrize("action", INSIDE)
@pytest.mark.parametrize("point", QUICK)
def test_what_is_told_at_a_failpoint_is_what_happened(
    world: World, uncut: Callable[[str], Uncut], point: str, action: str
) -> None:
    walk(world, point, BY_CALL[point], action, uncut(BY_CALL[point]))


@pytest.mark.long
@pytest.mark.parametrize("action", INSIDE)
@pytest.mark.parametrize("point", BY_CALL)
def test_what_is_told_at_every_failpoint_is_what_happened(
    world: World, uncut: Callable[[str], Uncut], point: str, action: str
) -> None:
    walk(world, point, BY_CALL[point], action, uncut(BY_CALL[point]))


@pytest.mark.long
def test_all_invariants_hold_behind_the_failpoints(world: World) -> None:
    assert_clean(world.database_url, but={"I7": "no relay runs here"})


class Clockwork:
    """The parts of the clockwork that come by failpoints, over a database of their own."""

    def __init__(self, url: str) -> None:
        self.failpoints = Failpoints()
        self.preparing = Preparing(url)
        self.witness = psycopg2.connect(url)
        self.witness.autocommit = True
        self._engine = make_engine(url, connections=2)
        storage = PostgresStorage(self._engine, ProtobufEnvelopes(), failpoints=self.failpoints)
        self._works = {
            "unit:after_timers": Waiting(storage, ProtobufEncoder(), late).expire_due,
            "unit:after_reservation": Allocating(
                storage, ProtobufEncoder(), late, chance=lambda: 0.5, pause=lambda _s: None
            ).settle_due,
        }

    def prepare(self, point: str) -> None:
        """Let there be something to do: a deadline that passed, or stock to reserve."""
        if point == "unit:after_timers":
            self.preparing.orders(1, State.PAYING)
        else:
            self.preparing.unlisted(1)

    def work(self, point: str) -> census.Census:
        """Do what there is to do there, until nothing is left; return what that changed."""
        before = census.take(self.witness)
        while self._works[point]():
            pass
        return census.moved(before, census.take(self.witness))

    def close(self) -> None:
        self._engine.dispose()
        self.witness.close()
        self.preparing.close()


def late() -> datetime:
    """Return a moment long after every deadline, and every lease."""
    return next(LATE)


LATE = (NOON + timedelta(days=365, minutes=2 * each) for each in count())


@pytest.fixture
def clockwork(database_url: str) -> Iterator[Clockwork]:
    made = Clockwork(database_url)
    yield made
    made.close()


@pytest.mark.parametrize("action", ["raise", "commit-then-raise"])
@pytest.mark.parametrize("point", BY_CLOCKWORK)
def test_the_clockwork_does_once_what_failed_in_between(
    clockwork: Clockwork, point: str, action: str
) -> None:
    clockwork.prepare(point)
    expected = clockwork.work(point)
    assert expected

    clockwork.prepare(point)
    before = census.take(clockwork.witness)
    clockwork.failpoints.arm_action(point, action)
    with suppress(FailpointError, OutageError):
        clockwork.work(point)
    clockwork.failpoints.disarm()
    clockwork.work(point)

    moved = census.moved(before, census.take(clockwork.witness))
    assert moved == expected, census.told(census.moved(expected, moved))


@pytest.mark.parametrize("text", ["x", "x=", "x=burn", "=raise", "x=raise@y", "x=kill,"])
def test_what_cannot_be_armed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME=ACTION"):
        armed(text)


def test_a_place_fails_at_the_visit_that_was_named() -> None:
    failpoints = armed("a=raise@2, b=commit-then-raise")

    failpoints.reach("a")
    with pytest.raises(FailpointError):
        failpoints.reach("a")
    failpoints.reach("a")
    with pytest.raises(OutageError):
        failpoints.reach("b")
