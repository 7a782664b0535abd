"""Clocks of cases strike by themselves, once, whoever was down and whoever looks beside us."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from concord.cases.v1.case_service_pb2 import Case
from service import catalogue
from service.application.desk_clock import DeskClock
from service.application.ports import Unit
from service.cel import CelConditions
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from tests.integration.desk.world import World

HOUR = timedelta(hours=1)
STRUCK = ("WARNED", "BREACHED")


class DiedError(Exception):
    """The process ended before its transaction did."""


def opened(world: World) -> Case:
    """Return a case that customer service has two hours for."""
    return world.by("customer_service").cases.open(world.paid().name, "ADDRESS_CHANGE")


def told(world: World, case: Case) -> Counter[str]:
    """Return how often its clocks said what."""
    log = world.by("operations").cases.get(case.name).log
    return Counter(each.act for each in log if each.act in STRUCK)


def a_clock(engine: sa.Engine, world: World) -> DeskClock:
    """Return the clockwork of another process."""
    storage = PostgresStorage(engine, ProtobufEnvelopes())
    terms = Terms(catalogue=catalogue.load())
    return DeskClock(storage, ProtobufEncoder(), world.clock, terms, CelConditions())


def test_a_case_is_warned_of_then_in_breach_and_goes_up_once_each(world: World) -> None:
    world.next_monday()
    case = opened(world)

    world.pass_time(1.5 * HOUR)
    warned = told(world, case)
    world.pass_time(0.5 * HOUR)
    world.pass_time(HOUR)

    assert warned == {"WARNED": 1}
    assert told(world, case) == {"WARNED": 1, "BREACHED": 1}
    now = world.by("operations").cases.get(case.name)
    assert [each.act for each in now.log].count("ESCALATED") == now.level
    # The step took too long, then the case was in breach: up by one each time.
    assert (now.level, now.owner_role) == (2, "manager")
    assert now.breach_time.ToDatetime() == now.due_time.ToDatetime()
    # The role that it went up to may act at its steps from here on.
    roles = {role for each in now.allowed_acts for role in each.roles}
    assert {"customer_service", "operations"} <= roles


def test_what_came_to_be_while_nobody_was_there_is_told_once(world: World) -> None:
    world.next_monday()
    case = opened(world)

    world.clock.pass_time(9 * HOUR)
    missed = told(world, case)
    world.settle()
    world.settle()

    assert not missed
    # Nobody needs to be warned of what is.
    assert told(world, case) == {"BREACHED": 1}


def test_a_process_that_dies_before_it_commits_leaves_everything_to_be_told(
    world: World, engine: sa.Engine
) -> None:
    world.next_monday()
    case, clock = opened(world), a_clock(engine, world)
    world.clock.pass_time(3 * HOUR)

    def look_and_die(unit: Unit) -> None:
        assert clock._look(unit, unit.due_cases(world.clock(), most=9))
        raise DiedError

    with pytest.raises(DiedError):
        clock.storage.transact(look_and_die)
    assert not told(world, case)
    world.settle()

    assert told(world, case) == {"BREACHED": 1}


def test_many_who_look_at_once_tell_each_case_once(world: World, engine: sa.Engine) -> None:
    world.next_monday()
    cases = [opened(world) for _ in range(12)]
    clocks = [a_clock(engine, world) for _ in range(4)]
    world.clock.pass_time(3 * HOUR)

    with ThreadPoolExecutor(len(clocks)) as pool:
        list(pool.map(lambda clock: [clock.look_at_due() for _ in range(3)], clocks))
    world.settle()

    assert [told(world, each) for each in cases] == [{"BREACHED": 1}] * len(cases)


def test_a_clock_that_stands_for_the_customer_breaches_nothing_and_runs_on(world: World) -> None:
    world.next_monday()
    order = world.paid()
    cases = world.by("customer_service").cases
    case = cases.open(order.name, "ADDRESS_CHANGE")
    waits = [each for each in case.steps if not each.HasField("end_time")]
    cases.pause(case.name, "asks the neighbours")

    world.pass_time(3 * HOUR)
    stood = told(world, case)
    cases.resume(case.name)
    world.pass_time(3 * HOUR)

    assert waits
    assert not stood
    assert told(world, case)["BREACHED"] == 1
