"""The clock by which a service decides is PostgreSQL's, whatever its own machine shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.domain.errors import OutageError
from service.postgres.clock import DatabaseClock
from service.postgres.engine import make_engine
from tests.fakes import FakeClock
from tests.integration.service.world import free_port

# Looked at over a connection, a clock is known to half a round trip, on a busy machine longer.
NEAR = timedelta(seconds=2)


class Monotonic:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at_s = 1_000.0

    def __call__(self) -> float:
        return self.at_s


def shown_by(engine: sa.Engine) -> FakeClock:
    with engine.connect() as connection:
        return FakeClock(connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one())


@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(hours=-1)])
def test_a_machine_whose_clock_is_wrong_goes_by_that_of_postgresql(
    engine: sa.Engine, off: timedelta
) -> None:
    wrong = FakeClock(shown_by(engine).at + off)
    clock = DatabaseClock(engine, wrong)

    before_a_look = clock()
    clock.look()

    assert before_a_look == wrong.at
    assert abs(clock() - shown_by(engine).at) < NEAR


def test_a_clock_that_is_set_while_a_service_runs_does_not_concern_it(engine: sa.Engine) -> None:
    wall, monotonic = shown_by(engine), Monotonic()
    clock = DatabaseClock(engine, wall, monotonic)
    clock.look()
    began = clock()

    wall.pass_time(timedelta(days=400))
    monotonic.at_s += 5

    assert clock() - began == timedelta(seconds=5)


def test_a_small_difference_does_not_turn_time_back(engine: sa.Engine) -> None:
    # To this machine no time passes at all, so that each look finds it behind by a little.
    clock = DatabaseClock(engine, shown_by(engine), Monotonic())
    clock.look()
    began = clock()

    clock.look()

    assert timedelta() <= clock() - began < NEAR


def test_while_postgresql_is_away_time_goes_on() -> None:
    nowhere = make_engine(f"postgresql://nobody@127.0.0.1:{free_port()}/none", connections=1)
    wall = FakeClock()
    clock = DatabaseClock(nowhere, wall)

    with pytest.raises(OutageError):
        clock.look()

    assert clock() == wall.at
    nowhere.dispose()
