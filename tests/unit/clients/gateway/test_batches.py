"""Receipts gathered into batches: shared calls, bounded waits, one bad receipt alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from grpc import StatusCode
from prometheus_client import CollectorRegistry

from clients.gateway.batches import SWEEP_S, Batches, FullError, NotStoredError
from clients.gateway.limits import BATCH_BYTES_MAX, BATCH_MAX, PIPELINE
from clients.gateway.metrics import Metrics
from clients.sdk.errors import Failure, InvalidRequestError, StorageUnavailableError
from concord.intake.v1.receipt_pb2 import Receipt


class FakeService:
    """Takes batches, once it is let; refuses what it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.within_s: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refused: set[str] = set()
        self.failure: Exception | None = None

    async def submit(self, receipts: Sequence[Receipt], within_s: float) -> object:
        self.calls.append([each.message_id for each in receipts])
        self.within_s.append(within_s)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if self.refused & {each.message_id for each in receipts}:
            failure = Failure(StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
            raise InvalidRequestError(failure)
        return None

    async def has_calls(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.calls) < count:  # noqa: ASYNC110  # What is waited for sets no event.
                await asyncio.sleep(0)

    @property
    def stored(self) -> list[str]:
        bad = [call for call in self.calls if self.refused & set(call)]
        return [each for call in self.calls if call not in bad for each in call]


def batches_of(service: FakeService, *, room: int = 1_000) -> Batches:
    return Batches(service.submit, Metrics(CollectorRegistry()), room=room)


def a_receipt(number: int = 1, size: int = 2) -> Receipt:
    return Receipt(source="stripe", message_id=str(number), body=b"x" * size)


def soon(seconds: float = 4.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_receipts_that_come_together_share_a_call() -> None:
    service = FakeService()
    batches = batches_of(service)

    await asyncio.gather(*(batches.submit(a_receipt(n), soon()) for n in range(50)))

    assert service.calls == [[str(n) for n in range(50)]]
    assert 3.0 < service.within_s[0] <= 4.0


async def test_a_batch_grows_while_others_are_on_their_way_and_has_its_limit() -> None:
    service = FakeService()
    service.gate.clear()
    batches = batches_of(service)
    waiting = []
    for first in range(PIPELINE):
        waiting.append(asyncio.create_task(batches.submit(a_receipt(first), soon())))
        await service.has_calls(first + 1)
    more = range(PIPELINE, PIPELINE + BATCH_MAX + 1)
    waiting += [asyncio.create_task(batches.submit(a_receipt(n), soon())) for n in more]
    await asyncio.sleep(0)
    assert len(service.calls) == PIPELINE

    service.gate.set()
    await asyncio.gather(*waiting)

    assert [len(call) for call in service.calls] == [1] * PIPELINE + [BATCH_MAX, 1]


async def test_a_batch_is_not_larger_than_the_service_takes() -> None:
    service = FakeService()
    batches = batches_of(service)
    size = BATCH_BYTES_MAX // 2 + 1

    await asyncio.gather(*(batches.submit(a_receipt(n, size), soon()) for n in range(3)))

    assert [len(call) for call in service.calls] == [1, 1, 1]


@pytest.mark.parametrize("bad", [{"3"}, {"0", "9"}, {str(n) for n in range(10)}])
async def test_a_receipt_that_is_declined_does_not_spoil_the_others(bad: set[str]) -> None:
    service = FakeService()
    service.refused = bad
    batches = batches_of(service)

    done = await asyncio.gather(
        *(batches.submit(a_receipt(n), soon()) for n in range(10)), return_exceptions=True
    )

    declined = {str(n) for n, each in enumerate(done) if isinstance(each, NotStoredError)}
    assert declined == bad
    assert sorted(service.stored) == sorted({str(n) for n in range(10)} - bad)


async def test_an_outage_fails_everybody_who_waits_and_nobody_later() -> None:
    service = FakeService()
    failure = Failure(StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
    service.failure = StorageUnavailableError(failure)
    batches = batches_of(service)

    done = await asyncio.gather(
        *(batches.submit(a_receipt(n), soon()) for n in range(3)), return_exceptions=True
    )
    service.failure = None
    await batches.submit(a_receipt(), soon())

    assert [str(each) for each in done] == ["STORAGE_UNAVAILABLE"] * 3


async def test_whoever_has_waited_long_enough_is_let_go() -> None:
    service = FakeService()
    service.gate.clear()
    batches = batches_of(service)
    started = asyncio.get_running_loop().time()

    with pytest.raises(NotStoredError, match="late"):
        await batches.submit(a_receipt(), soon(0.1))

    assert asyncio.get_running_loop().time() - started < 0.1 + 10 * SWEEP_S
    service.gate.set()
    await batches.close()


async def test_who_stopped_waiting_in_the_queue_is_not_submitted() -> None:
    service = FakeService()
    service.gate.clear()
    batches = batches_of(service)
    busy = []
    for number in range(PIPELINE):
        busy.append(asyncio.create_task(batches.submit(a_receipt(number), soon())))
        await service.has_calls(number + 1)
    with pytest.raises(NotStoredError, match="late"):
        await batches.submit(a_receipt(99), soon(0.05))

    service.gate.set()
    await asyncio.gather(*busy)
    await batches.close()

    assert ["99"] not in service.calls


async def test_a_full_queue_refuses_at_once() -> None:
    service = FakeService()
    service.gate.clear()
    batches = batches_of(service, room=2)
    waiting = [asyncio.create_task(batches.submit(a_receipt(n), soon())) for n in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(FullError):
        await batches.submit(a_receipt(3), soon())

    service.gate.set()
    await asyncio.gather(*waiting)


async def test_a_defect_lets_nobody_wait() -> None:
    service = FakeService()
    service.failure = ZeroDivisionError()
    batches = batches_of(service)

    with pytest.raises(NotStoredError, match="defect"):
        await batches.submit(a_receipt(), soon())


async def test_closing_waits_for_what_is_on_its_way() -> None:
    service = FakeService()
    service.gate.clear()
    batches = batches_of(service)
    waiting = asyncio.create_task(batches.submit(a_receipt(), soon()))
    await service.has_calls(1)
    closing = asyncio.create_task(batches.close())
    await asyncio.sleep(0)
    assert not closing.done()

    service.gate.set()
    await closing

    assert waiting.done() or await waiting is None
