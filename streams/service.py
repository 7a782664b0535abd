"""The service, as agents see it: three calls through the SDK, and the patience to repeat them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from clients.sdk import AsyncConcord, ConcordError, Identity, RefusalError
from concord.insights.v1.flag_pb2 import Flag
from concord.intake.v1.intake_service_pb2 import Reading
from streams.worker import Worker

# A batch of 500 readings takes about a second on a busy machine.
CALL_TIMEOUT_S: Final = 30.0
# 0.5, 1, 2 … 10 s: a service that comes back is asked within ten seconds.
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 10.0
# A defect of the service that survives so many attempts is about what we send.
DEFECT_ATTEMPTS: Final = 5
JOURNAL_PAGE: Final = 1000

log = structlog.get_logger(__name__)

R = TypeVar("R")


class ConcordService:
    """Calls over the SDK's asyncio client."""

    def __init__(self, client: AsyncConcord) -> None:
        self._client = client

    @classmethod
    def at(cls, address: str) -> ConcordService:
        """Return calls to the service at this address; it connects with the first one."""
        identity = Identity(actor="concord-streams", role="system")
        return cls(AsyncConcord(address, identity=identity, timeout_s=CALL_TIMEOUT_S))

    async def apply_facts(self, readings: Sequence[Reading]) -> None:
        await self._client.intake.apply_facts(readings)

    async def journal_events(self, order: str, after: int) -> list[bytes]:
        rows = self._client.orders.list_journal(
            order, after_sequence=after, with_events=True, page_size=JOURNAL_PAGE
        )
        return [row.event async for row in rows if row.event]

    async def act_on_flag(self, flag: Flag, request_id: str, traceparent: str) -> None:
        await self._client.insights.act_on_flag(
            flag, flag.action, request_id=request_id, traceparent=traceparent
        )


async def patiently(
    worker: Worker,
    agent: str,
    topic: str,
    call: Callable[[], Awaitable[R]],
    *,
    attempts: int | None = None,
) -> R:
    """Call until there is an answer, for as long as it takes or so many times, and say so.

    Raises:
        ConcordError: the service understood and declined, or fails again and again on this.
    """
    attempt, pause_s = 0, FIRST_PAUSE_S
    try:
        while True:
            try:
                answer = await call()
            except ConcordError as error:
                attempt += 1
                is_ours = not error.is_transient and attempt >= DEFECT_ATTEMPTS
                is_enough = attempts is not None and attempt >= attempts
                if is_ours or is_enough or isinstance(error, RefusalError):
                    raise
                worker.waiting.add(topic)
                worker.metrics.retries.labels(agent).inc()
                log.warning("service_awaited", agent=agent, attempt=attempt, wait_s=pause_s,
                            reason=error.reason, code=error.code.name)  # fmt: skip
            else:
                worker.steps[topic] += 1
                return answer
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    finally:
        worker.waiting.discard(topic)
