"""Messages go out when their time has come, and none is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from grpc import StatusCode

from clients.sdk.errors import Failure, RefusalError, UnreachableError
from clients.traffic.feeding import BATCH, LANES, Tally, due, feed
from clients.traffic.pace import Pace
from clients.traffic.wording import Message
from concord.intake.v1 import intake_service_pb2, receipt_pb2

SECOND_US = 1_000_000


class FakeIntake:
    """Keeps receipts by source and message id; fails the first `outages` calls."""

    def __init__(self, outages: int = 0) -> None:
        self.kept: dict[tuple[str, str], receipt_pb2.Receipt] = {}
        self.calls: list[int] = []
        self.outages = outages
        self.under_way = 0
        self.most_under_way = 0

    async def submit(
        self, receipts: Sequence[receipt_pb2.Receipt]
    ) -> intake_service_pb2.SubmitReceiptsResponse:
        self.calls.append(len(receipts))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.outages:
            self.outages -= 1
            raise UnreachableError(Failure(StatusCode.UNAVAILABLE))
        answer = intake_service_pb2.SubmitReceiptsResponse()
        for receipt in receipts:
            key = (receipt.source, receipt.message_id)
            answer.submitted.add(receipt="receipts/" + "-".join(key), repeated=key in self.kept)
            self.kept.setdefault(key, receipt)
        return answer


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


def a_message(number: int, arrives_us: int = 0) -> Message:
    return Message(arrives_us, "douyin", f"m-{number}", b"{}")


async def submit_all(messages: list[Message], intake: FakeIntake, time: FakeTime) -> Tally:
    tally = Tally()
    pace = Pace(time.clock, 0)
    batches = due(messages, pace, asyncio.Event(), time.sleep)
    await feed(batches, intake, tally, sleep=time.sleep)
    return tally


async def test_history_goes_out_in_batches_and_every_message_is_acknowledged() -> None:
    intake = FakeIntake()

    tally = await submit_all([a_message(i) for i in range(3 * BATCH + 100)], intake, FakeTime())

    assert sorted(intake.calls) == [100, BATCH, BATCH, BATCH]
    assert (tally.sent, tally.stored, tally.repeated) == (850, 850, 0)
    assert intake.most_under_way <= LANES


async def test_a_few_at_once_go_out_one_by_one_as_callbacks_come_in() -> None:
    intake = FakeIntake()

    await submit_all([a_message(i) for i in range(10)], intake, FakeTime())

    assert intake.calls == [1] * 10


async def test_nothing_goes_out_before_its_time() -> None:
    intake, time = FakeIntake(), FakeTime()
    sent_at: list[float] = []
    messages = [a_message(i, arrives_us=i * 3 * SECOND_US) for i in range(4)]
    batches = due(messages, Pace(time.clock, 0), asyncio.Event(), time.sleep)

    async for batch in batches:
        sent_at += [time.now_s] * len(batch)

    assert [int(at) for at in sent_at] == [0, 3, 6, 9]
    assert not intake.calls


async def test_an_outage_loses_nothing_and_is_waited_out_with_growing_pauses() -> None:
    intake, time = FakeIntake(outages=6), FakeTime()

    tally = await submit_all([a_message(0)], intake, time)

    assert tally.outages == 6
    assert len(intake.kept) == 1
    assert time.slept == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


async def test_a_repeat_is_counted_and_not_stored() -> None:
    tally = await submit_all([a_message(0), a_message(0)], FakeIntake(), FakeTime())

    assert (tally.sent, tally.stored, tally.repeated) == (2, 1, 1)


async def test_a_refusal_ends_the_run_with_its_error() -> None:
    class Refusing(FakeIntake):
        async def submit(
            self, receipts: Sequence[receipt_pb2.Receipt]
        ) -> intake_service_pb2.SubmitReceiptsResponse:
            raise RefusalError(Failure(StatusCode.INVALID_ARGUMENT))

    with pytest.raises(RefusalError):
        await submit_all([a_message(i) for i in range(5000)], Refusing(), FakeTime())


async def test_a_stop_ends_the_stream_of_batches() -> None:
    time, stop = FakeTime(), asyncio.Event()
    messages = (a_message(i, arrives_us=i * SECOND_US) for i in range(10**9))
    seen = 0

    async for batch in due(messages, Pace(time.clock, 0), stop, time.sleep):
        seen += len(batch)
        if seen >= 5:
            stop.set()

    assert seen == 5


def test_a_scaled_run_catches_up_with_the_clock_and_never_passes_it() -> None:
    time = FakeTime()
    time.now_s = 1000.0
    pace = Pace(time.clock, start_us=900 * SECOND_US, scale=10)

    assert pace.reached_us() == 900 * SECOND_US
    time.now_s = 1005.0
    assert pace.reached_us() == 950 * SECOND_US
    time.now_s = 1050.0
    assert pace.reached_us() == 1050 * SECOND_US


def test_a_run_without_a_scale_is_where_the_clock_is() -> None:
    assert Pace(lambda: 12.5, start_us=0).reached_us() == 12_500_000
