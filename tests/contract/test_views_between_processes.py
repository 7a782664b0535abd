"""What the streams write into Redis, the service reads: two implementations of one contract."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from concord.orders.v1.order_pb2 import Order
from service.application.insights import ViewIncompleteError
from service.domain import boards
from service.domain.recount import Recount
from service.views.channels import RedisChannelView
from service.views.stages import RedisStageView
from streams.logic import numbers, sketch
from streams.logic.channels import ChannelKey
from streams.logic.merging import Whole
from streams.logic.profiles import Kept, ProfileNumbers
from streams.logic.stages import StageKey
from streams.views import (
    CHANNELS,
    PIPELINE_ROWS,
    PROFILES,
    STAGES,
    Place,
    View,
    profile_place,
)
from tests.unit.service.insights.fakes import NOON, PICKING, a_measure, micros

NOON_S = int(NOON.timestamp())
PICKING_NUMBERS = tuple(Order.State.Value(f"STATE_{each.value}") for each in PICKING)
DURATIONS_US = st.integers(min_value=0, max_value=10**15)


@dataclass(frozen=True, slots=True)
class OnePartition:
    """An engine of level two that has read all of its sources."""

    windows: list[Whole[Any, Any]]

    def wholes(self) -> list[Whole[Any, Any]]:
        return self.windows

    def is_complete(self) -> bool:
        return True


@pytest.fixture
def address(redis_url: str) -> str:
    """A database of Valkey that no other test file uses."""
    return redis_url.removesuffix("/0") + "/9"


@pytest.fixture
def reading(address: str) -> Iterator[Redis]:
    with Redis.from_url(address) as client:
        client.flushdb()
        yield client


@pytest.fixture
async def writing(address: str) -> AsyncIterator[AsyncRedis]:
    async with AsyncRedis.from_url(address) as client:
        yield client


def a_view(redis: AsyncRedis, kind: tuple[Any, Any, Any]) -> View:
    name, place, encode = kind
    return View(redis, name, place, encode, "worker-1", rewritten=lambda: None)


async def test_the_service_reads_the_stages_that_the_streams_wrote(
    reading: Redis, writing: AsyncRedis
) -> None:
    told = [a_measure(f"ord-{n}", seconds=1.1**n, cause="FILE_LATE" * (n % 2)) for n in range(99)]
    recount = Recount()
    recount.take(told)
    written = numbers.StageNumbers()
    for each in told:
        assert each.value is not None
        written.measure(each.value.duration_us, each.value.cause)
    wholes: list[Whole[Any, Any]] = []
    for resolution_s in boards.RESOLUTIONS_S:
        start_s = NOON_S // resolution_s * resolution_s
        key = StageKey(resolution_s, start_s, *PICKING_NUMBERS, "douyin")
        wholes.append(Whole(key, written, 1, is_final=True, idle=()))

    await a_view(writing, STAGES).keep({0: OnePartition(wholes)})

    viewed = RedisStageView(reading, partitions=1).read(boards.EVERYTHING)
    assert viewed.windows.keys() == recount.windows.keys()
    assert recount.differences(viewed.windows) == []


async def test_the_service_reads_the_channels_that_the_streams_wrote(
    reading: Redis, writing: AsyncRedis
) -> None:
    told = numbers.ChannelNumbers(
        receipts=5,
        facts=4,
        duplicates=3,
        rejects=2,
        contradictions=1,
        delay_sum_ms=700,
        delayed=2,
        newest_event_us=micros(NOON),
    )
    whole: Whole[Any, Any] = Whole(ChannelKey(NOON_S, "jd"), told, 1, is_final=False, idle=())

    await a_view(writing, CHANNELS).keep({0: OnePartition([whole])})

    span = boards.whole_minutes(NOON, NOON + timedelta(minutes=1))
    found = RedisChannelView(reading, partitions=1).read(span)["jd"]
    counts = (found.receipts, found.facts, found.duplicates, found.rejects, found.contradictions)
    assert counts == (5, 4, 3, 2, 1)
    assert (found.delay_sum_ms, found.delayed, found.newest_event_at) == (700, 2, NOON)


@pytest.mark.usefixtures("reading")
async def test_a_view_is_built_without_all_of_it_in_memory_at_once(writing: AsyncRedis) -> None:
    made = placed = most = 0

    def profiles() -> Iterator[Kept]:
        nonlocal made
        for made in range(1, 3 * PIPELINE_ROWS + 2):
            yield Kept(f"cus-{made}", ProfileNumbers(places={("jd", "s1"): (1, 0)}))

    def place(customer: str) -> Place:
        nonlocal placed, most
        most = max(most, made - placed)
        placed += 1
        return profile_place(customer)

    name, _, encode = PROFILES
    await a_view(writing, (name, place, encode)).write(0, profiles())

    assert await writing.hlen("concord:profiles") == placed == 3 * PIPELINE_ROWS + 1
    assert most <= PIPELINE_ROWS


async def test_a_view_of_which_redis_lost_the_first_rows_is_written_anew(
    reading: Redis, writing: AsyncRedis
) -> None:
    count = 2 * PIPELINE_ROWS
    losses = [True, False]

    class Emptied:
        def wholes(self) -> Iterator[Kept]:
            is_lost = losses.pop(0)
            for n in range(count):
                if is_lost and n == PIPELINE_ROWS:
                    # The first pipeline has gone.
                    reading.flushdb()
                yield Kept(f"cus-{n}", ProfileNumbers(places={("jd", "s1"): (1, 0)}))

        def is_complete(self) -> bool:
            return True

    view = a_view(writing, PROFILES)

    await view.keep({0: Emptied()})
    assert reading.hlen("concord:profiles") == count - PIPELINE_ROWS
    assert reading.get(view.marker(0)) is None

    await view.keep({0: Emptied()})
    assert reading.hlen("concord:profiles") == count
    assert reading.get(view.marker(0)) == b"worker-1"
    assert reading.ttl(view.marker(0)) == -1
    assert reading.keys("concord:views:*") == [view.marker(0).encode()]


async def test_windows_without_a_mark_are_not_read(reading: Redis, writing: AsyncRedis) -> None:
    key = StageKey(60, NOON_S, *PICKING_NUMBERS, "douyin")
    whole: Whole[Any, Any] = Whole(key, numbers.StageNumbers(1, 1), 1, is_final=False, idle=())

    await a_view(writing, STAGES).write(0, [whole])

    with pytest.raises(ViewIncompleteError):
        RedisStageView(reading, partitions=1).read(boards.EVERYTHING)


@given(DURATIONS_US)
def test_both_put_a_duration_into_the_same_bucket(duration_us: int) -> None:
    assert boards.bucket_of(duration_us) == sketch.bucket_of(duration_us)


@given(st.integers(min_value=-1, max_value=1400))
def test_both_mean_the_same_duration_by_a_bucket(bucket: int) -> None:
    assert abs(boards.middle_us(bucket) - sketch.middle_us(bucket)) <= 10 + bucket * 1e-9


def test_both_begin_windows_at_the_same_moments() -> None:
    moment = datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC)
    recount = Recount()

    recount.take([a_measure(ended_at=moment)])

    starts = {(key.resolution_s, key.start_s) for key in recount.windows}
    second = int(moment.timestamp())
    assert starts == {(each, second - second % each) for each in boards.RESOLUTIONS_S}
