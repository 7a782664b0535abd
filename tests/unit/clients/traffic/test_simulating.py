"""A run plays its plan to the end, or stops at once when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from grpc import StatusCode

from clients.sdk.errors import Failure, UnreachableError
from clients.traffic.feeding import Tally
from clients.traffic.pace import Pace
from clients.traffic.plan import Plan
from clients.traffic.simulating import GRACE_S, Run, summary
from concord.intake.v1 import intake_service_pb2, receipt_pb2

NOW_US = 1_790_000_000_000_000


class Counting:
    """An intake that takes everything."""

    def __init__(self) -> None:
        self.taken = 0
        self.asked = asyncio.Event()

    async def submit(
        self, receipts: Sequence[receipt_pb2.Receipt]
    ) -> intake_service_pb2.SubmitReceiptsResponse:
        self.taken += len(receipts)
        self.asked.set()
        answer = intake_service_pb2.SubmitReceiptsResponse()
        for receipt in receipts:
            answer.submitted.add(receipt=f"receipts/{receipt.message_id}")
        return answer


class Away:
    """An intake that nobody answers for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def submit(
        self, receipts: Sequence[receipt_pb2.Receipt]
    ) -> intake_service_pb2.SubmitReceiptsResponse:
        self.asked.set()
        raise UnreachableError(Failure(StatusCode.UNAVAILABLE))


def a_run(orders: int | None) -> Run:
    back_us = 3_600_000_000
    plan = Plan(seed=1, start_us=NOW_US - back_us, rate=1, orders=orders)
    return Run(plan, Pace(lambda: NOW_US / 1e6, plan.start_us), began_us=NOW_US)


async def test_a_run_with_an_end_is_complete_when_all_is_acknowledged() -> None:
    run, intake, tally = a_run(orders=50), Counting(), Tally()

    complete = await run.play(intake, tally, asyncio.Event())

    assert complete
    assert tally.sent == intake.taken == len(list(run.plan.messages()))


@pytest.mark.parametrize("kind", [Counting, Away])
async def test_a_live_run_is_over_soon_after_its_stop(kind: type[Counting | Away]) -> None:
    intake = kind()
    run, tally, stop = a_run(orders=None), Tally(), asyncio.Event()
    playing = asyncio.create_task(run.play(intake, tally, stop))
    async with asyncio.timeout(10):
        await intake.asked.wait()

    stop.set()

    async with asyncio.timeout(GRACE_S + 0.75):
        assert not await playing


async def test_the_turn_from_history_to_live_is_told_once() -> None:
    plan = Plan(seed=1, start_us=NOW_US - 60_000_000, rate=5, orders=1500)
    told: list[int] = []
    run = Run(plan, Pace(lambda: NOW_US / 1e6 + 9e9, 0), began_us=NOW_US, on_caught_up=told.append)

    await run.play(Counting(), Tally(), asyncio.Event())

    assert told == [sum(message.arrives_us <= NOW_US for message in plan.messages())]


def test_the_summary_says_what_the_board_must_show() -> None:
    plan = Plan(seed=9, start_us=NOW_US, rate=5, orders=10_000)

    said = summary(plan, Tally(), 1.0, complete=True)

    rows = said["expected_stages"]
    assert [row["mean_s"] for row in rows] == [1.2, 8.7, 3.4, 156.2]
    assert [row["abnormal"] for row in rows] == [30, 610, 180, 2350]
    assert {row["count"] for row in rows} == {10_000}
