"""Feeds messages to the service when their time has come, until each is acknowledged.

Messages go out in lanes: at most `LANES` calls are under way at once. A lane whose call fails for
an outage tries again, with growing pauses, for as long as the run lasts: receipts are deduplicated,
so sending again is safe, and giving up would lose them. The SDK's own retries bridge a dropped
connection within one call; this loop bridges a service that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clients.sdk.errors import OutageError
from clients.traffic.article import SECOND_US
from clients.traffic.pace import Pace
from clients.traffic.wording import CONTENT_TYPE, TEMPLATE, Message
from concord.intake.v1 import intake_service_pb2, receipt_pb2

LANES: Final = 8
# 250 receipts of about 600 bytes are 150 KiB, far below the 4 MiB that a call may have, and short
# enough a transaction that live callers do not wait behind it.
BATCH: Final = 250
# Up to this many at once go out one by one, as callbacks come in; more go out together.
FEW: Final = 40

PAUSE_FIRST_S: Final = 0.2
PAUSE_MAX_S: Final = 5.0

Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Intake(Protocol):
    """Where receipts go: `AsyncConcord.intake`."""

    def submit(
        self, receipts: Sequence[receipt_pb2.Receipt]
    ) -> Coroutine[Any, Any, intake_service_pb2.SubmitReceiptsResponse]: ...


@dataclass(slots=True)
class Tally:
    """What became of the messages so far."""

    sent: int = 0
    stored: int = 0
    repeated: int = 0
    outages: int = 0
    names: list[str] | None = None
    """Names of the receipts, where somebody wants them."""
    on_sent: Callable[[int], None] = field(default=lambda _: None)
    """Called with how many more are acknowledged."""
    on_outage: Callable[[str], None] = field(default=lambda _: None)
    """Called with the reason when the first of a row of calls fails for an outage."""
    away: bool = False
    """Whether the newest call failed for an outage."""

    def count(self, answer: intake_service_pb2.SubmitReceiptsResponse) -> None:
        self.away = False
        repeated = sum(submitted.repeated for submitted in answer.submitted)
        self.sent += len(answer.submitted)
        self.repeated += repeated
        self.stored += len(answer.submitted) - repeated
        if self.names is not None:
            self.names += [submitted.receipt for submitted in answer.submitted]
        self.on_sent(len(answer.submitted))

    def count_outage(self, error: OutageError) -> None:
        self.outages += 1
        if not self.away:
            self.on_outage(str(error))
        self.away = True


def receipt_of(message: Message) -> receipt_pb2.Receipt:
    """Return the receipt that an edge would make of the message."""
    receipt = receipt_pb2.Receipt(
        source=message.source,
        message_id=message.message_id,
        template=TEMPLATE,
        channel=message.channel,
        body=message.body,
        content_type=CONTENT_TYPE,
        order_hint=message.order_hint,
    )
    receipt.receive_time.seconds, micros = divmod(message.arrives_us, SECOND_US)
    receipt.receive_time.nanos = micros * 1000
    return receipt


async def due(
    messages: Iterable[Message], pace: Pace, stop: asyncio.Event, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[Sequence[Message]]:
    """Hand out messages when the pace has reached them: singly when few, else in batches."""
    batch: list[Message] = []
    reached_us = pace.reached_us()
    for message in messages:
        while message.arrives_us > reached_us:
            if stop.is_set():
                return
            reached_us = pace.reached_us()
            if message.arrives_us > reached_us:
                for part in _parts(batch):
                    yield part
                batch = []
                await sleep(pace.wait_s(message.arrives_us))
        batch.append(message)
        if len(batch) == BATCH:
            if stop.is_set():
                return
            yield batch
            batch = []
    for part in _parts(batch):
        yield part


async def feed(
    batches: AsyncIterator[Sequence[Message]],
    intake: Intake,
    tally: Tally,
    *,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Submit all batches; when this returns, every message is acknowledged.

    Raises:
        ConcordError: the service declined a batch, or failed in a way that no retry mends.
    """
    queue: asyncio.Queue[Sequence[Message] | None] = asyncio.Queue(LANES)
    lanes = [asyncio.create_task(_lane(queue, intake, tally, sleep)) for _ in range(LANES)]
    filling = asyncio.create_task(_fill(queue, batches))
    try:
        # The first to fail ends all: a lane that is gone would leave the others waiting.
        await asyncio.gather(filling, *lanes)
    finally:
        for task in (filling, *lanes):
            task.cancel()
        await asyncio.gather(filling, *lanes, return_exceptions=True)


def _parts(batch: list[Message]) -> list[list[Message]]:
    return [[message] for message in batch] if len(batch) <= FEW else [batch]


async def _fill(
    queue: asyncio.Queue[Sequence[Message] | None], batches: AsyncIterator[Sequence[Message]]
) -> None:
    async for batch in batches:
        await queue.put(batch)
    for _ in range(LANES):
        await queue.put(None)


async def _lane(
    queue: asyncio.Queue[Sequence[Message] | None], intake: Intake, tally: Tally, sleep: Sleep
) -> None:
    while (batch := await queue.get()) is not None:
        receipts = [receipt_of(message) for message in batch]
        tally.count(await _acknowledged(receipts, intake, tally, sleep))


async def _acknowledged(
    receipts: Sequence[receipt_pb2.Receipt], intake: Intake, tally: Tally, sleep: Sleep
) -> intake_service_pb2.SubmitReceiptsResponse:
    pause_s = PAUSE_FIRST_S
    while True:
        try:
            return await intake.submit(receipts)
        except OutageError as error:
            tally.count_outage(error)
            await sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
