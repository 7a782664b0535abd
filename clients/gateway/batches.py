"""Gathers receipts of callbacks that come together, and submits them in one call.

1. A receipt waits in a bounded queue, `LINGER_S` at most while a call may be made.
2. A batch is submitted; a few may be on their way at once. While they are, the next one grows.
3. Only the service's answer lets a callback go: its receipt is durable then.

If we crash between 2 and 3 the receipt may be stored and nobody was told: the platform comes
again, and the repeat is counted, not stored. A batch that the service cannot accept is cut in
halves, until the one receipt that is wrong stands alone; the others are stored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

import structlog

from clients.gateway.limits import BATCH_BYTES_MAX, BATCH_MAX, LINGER_S, PIPELINE
from clients.gateway.metrics import Metrics
from clients.sdk import ConcordError
from clients.sdk.errors import InvalidArgumentError
from concord.intake.v1.receipt_pb2 import Receipt

log = structlog.get_logger(__name__)

Submit = Callable[[Sequence[Receipt], float], Awaitable[object]]
"""Makes receipts durable within these seconds, or raises a `ConcordError`."""


class NotStoredError(Exception):
    """It is not known that the receipt is durable; `reason` is bounded, for logs and metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FullError(NotStoredError):
    """There is no room for another receipt."""


# Of the second between our limit and the platforms'.
SWEEP_S: Final = 0.1

FULL: Final = "queue_full"
LATE: Final = "late"


@dataclass(slots=True, eq=False)
class _Waiting:
    receipt: Receipt
    until: float
    stored: asyncio.Future[None]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.receipt.body)


class Batches:
    """The queue, and the calls in flight; belongs to one event loop."""

    def __init__(self, submit: Submit, metrics: Metrics, *, room: int) -> None:
        self._submit = submit
        self._metrics = metrics
        self._room = room
        self._queue: deque[_Waiting] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._linger: asyncio.TimerHandle | None = None
        # Everybody who waits, in the queue or for a call.
        self._waiting: list[_Waiting] = []
        self._sweep: asyncio.TimerHandle | None = None

    async def submit(self, receipt: Receipt, until: float) -> None:
        """Return once the receipt is durable; `until` is a time of the loop.

        Raises:
            FullError: there is no room.
            NotStoredError: the service could not be asked, declined, or did not answer in time.
        """
        if len(self._queue) >= self._room:
            raise FullError(FULL)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(receipt, until, loop.create_future())
        self._queue.append(waiting)
        self._waiting.append(waiting)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_S, self._tell_the_late, loop, context=Context())
        self._go_on(loop)
        await waiting.stored

    async def close(self) -> None:
        """Wait for the calls in flight."""
        while self._calls:
            await asyncio.wait(self._calls)

    def _tell_the_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whose time is over; a timer for each would cost as much as all the rest."""
        now = loop.time()
        _fail([each for each in self._waiting if each.until <= now], LATE)
        self._waiting = [each for each in self._waiting if not each.stored.done()]
        self._sweep = None
        if self._waiting:
            self._sweep = loop.call_later(SWEEP_S, self._tell_the_late, loop, context=Context())

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Submit now, or soon, or when a call in flight has ended."""
        if len(self._calls) >= PIPELINE:
            return
        if len(self._queue) >= BATCH_MAX:
            self._send(loop)
        elif self._linger is None:
            self._linger = loop.call_later(LINGER_S, self._send, loop, context=Context())

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if len(self._calls) >= PIPELINE or not (batch := self._next_batch()):
            return
        # Outside of any callback's trace: each receipt names its own.
        call = loop.create_task(self._store_all(batch), context=Context())
        self._calls.add(call)
        call.add_done_callback(self._ended)

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if not call.cancelled() and (bug := call.exception()) is not None:
            log.error("callback_bug", exc_info=bug)
        if self._queue:
            self._send(call.get_loop())

    def _next_batch(self) -> list[_Waiting]:
        """Take from the queue what fits; who has stopped waiting was answered long ago."""
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < BATCH_MAX:
            first = self._queue[0]
            if batch and size + first.size > BATCH_BYTES_MAX:
                break
            self._queue.popleft()
            if not first.stored.done():
                batch.append(first)
                size += first.size
        return batch

    async def _store_all(self, batch: list[_Waiting]) -> None:
        try:
            await self._store(batch)
        finally:
            # Whatever went wrong, nobody waits for it.
            _fail(batch, "defect")

    async def _store(self, batch: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        left = max(each.until for each in batch) - loop.time()
        if left <= 0:
            _fail(batch, LATE)
            return
        self._metrics.batch_size.observe(len(batch))
        try:
            await self._submit([each.receipt for each in batch], left)
        except InvalidArgumentError as error:
            if len(batch) > 1:
                half = len(batch) // 2
                await self._store(batch[:half])
                await self._store(batch[half:])
                return
            _tell_unstorable(batch[0].receipt, error)
            _fail(batch, error.reason or error.code.name)
        except ConcordError as error:
            _fail(batch, error.reason or error.code.name)
        else:
            for each in batch:
                if not each.stored.done():
                    each.stored.set_result(None)


def _fail(batch: Sequence[_Waiting], reason: str) -> None:
    for each in batch:
        if not each.stored.done():
            each.stored.set_exception(NotStoredError(reason))


def _tell_unstorable(receipt: Receipt, error: InvalidArgumentError) -> None:
    """A defect of ours: the platform comes again until it is mended, so no payment is lost."""
    log.error(
        "callback_unstorable",
        provider=receipt.source,
        account=receipt.account,
        template=receipt.template,
        reason=error.reason,
        problems=[each.field for each in error.violations],
    )
