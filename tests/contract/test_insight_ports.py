"""One suite for every journal and every view: the fakes of unit tests must not be kinder."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from redis import Redis

from service.application.insights import Measures, StageView, ViewIncompleteError
from service.domain.boards import EVERYTHING, Numbers, Range, WindowKey
from service.domain.recount import Measured
from service.postgres import tables
from service.postgres.engine import make_engine
from service.postgres.insights import JournalMeasures
from service.views.stages import RedisStageView
from tests.insight_storage import PARTITIONS, tell, write_stages
from tests.unit.service.insights.fakes import (
    NOON,
    PAYING,
    FakeMeasures,
    FakeStageView,
    a_measure,
    windows_of,
)

MakeView = Callable[[dict[WindowKey, Numbers] | None], StageView]
MakeMeasures = Callable[..., Measures]

TOLD = [
    a_measure("a", 1, seconds=12.345678, cause="MANUAL_PICKING"),
    a_measure("a", 2, stage=PAYING),
    a_measure("a", 3, seconds=None),
    a_measure("b", 1, channel="mini:app", ended_at=NOON - timedelta(days=40)),
]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A database of Valkey that no other test file uses."""
    with Redis.from_url(redis_url.removesuffix("/0") + "/7") as client:
        client.flushdb()
        yield client


@pytest.fixture(params=["fake", "redis"])
def make_view(request: pytest.FixtureRequest) -> MakeView:
    if request.param == "fake":
        return FakeStageView
    redis: Redis = request.getfixturevalue("redis")

    def make(windows: dict[WindowKey, Numbers] | None) -> StageView:
        if windows is not None:
            write_stages(redis, windows)
        return RedisStageView(redis, PARTITIONS)

    return make


class PostgresJournal(JournalMeasures):
    """The journal with the means to write it, as the fake has."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self._written = engine

    def add(self, *told: Measured, recorded_at: object = NOON) -> None:
        tell(self._written, *told, recorded_at=recorded_at)  # type: ignore[arg-type]  # As given.


@pytest.fixture(params=["fake", "postgres"])
def make_measures(request: pytest.FixtureRequest) -> Iterator[MakeMeasures]:
    if request.param == "fake":
        yield FakeMeasures
        return
    engine = make_engine(request.getfixturevalue("database_url"), connections=2, as_owner=True)
    tables.metadata.create_all(engine)

    def make(*told: Measured) -> Measures:
        journal = PostgresJournal(engine)
        if told:
            journal.add(*told)
        return journal

    yield make
    engine.dispose()


def counts(view: StageView, *ranges: Range) -> dict[WindowKey, tuple[int, int]]:
    return {key: (each.count, each.sum_us) for key, each in view.read(ranges).windows.items()}


def test_a_view_gives_back_every_window(make_view: MakeView) -> None:
    windows = windows_of(*TOLD)
    held = {key: each for key, each in windows.items() if not each.is_nothing}

    assert counts(make_view(held), *EVERYTHING) == {
        key: (each.count, each.sum_us) for key, each in held.items()
    }


def test_a_view_gives_the_windows_of_a_range_without_its_end(make_view: MakeView) -> None:
    minutes = [NOON + timedelta(minutes=each) for each in range(4)]
    told = [a_measure(f"ord-{each}", ended_at=each) for each in minutes]
    start_s = int(NOON.timestamp())

    found = counts(make_view(windows_of(*told)), Range(60, start_s + 60, start_s + 180))

    assert sorted(key.start_s for key in found) == [start_s + 60, start_s + 120]


def test_a_view_tells_its_watermark(make_view: MakeView) -> None:
    assert make_view({}).read(EVERYTHING).watermark == NOON


def test_a_view_that_nobody_completed_is_incomplete(make_view: MakeView) -> None:
    with pytest.raises(ViewIncompleteError):
        make_view(None).read(EVERYTHING)


def test_a_journal_tells_every_measure_as_it_was_recorded(make_measures: MakeMeasures) -> None:
    measures = make_measures(*TOLD)

    assert sorted(measures.recorded_since(None)) == sorted(TOLD)
    assert sorted(measures.since(0)) == sorted(TOLD)


def test_a_journal_tells_what_was_recorded_since_a_moment(make_measures: MakeMeasures) -> None:
    measures = make_measures(*TOLD)
    later = a_measure("c")
    measures.add(later, recorded_at=NOON + timedelta(hours=1))

    assert list(measures.recorded_since(NOON + timedelta(minutes=1))) == [later]


def test_a_journal_tells_all_that_came_after_the_horizon(make_measures: MakeMeasures) -> None:
    measures = make_measures(*TOLD)
    horizon = measures.horizon()
    later = a_measure("c")
    measures.add(later)

    assert later in list(measures.since(horizon))
    assert measures.horizon() >= horizon
