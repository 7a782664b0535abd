"""The service's side of pulling, in our words: runs are claimed, receipts submitted, reports told.

All of it is patient: a service that restarts costs seconds, not a run. How long it may take is the
lease's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from clients.connectors.messages import word
from clients.connectors.pulling.platform import AnyPlatform, Message, Page
from clients.sdk import AsyncConcord, ConcordError, RefusalError
from concord.channels.v1.channel_service_pb2 import ClaimRunsRequest, ClaimRunsResponse
from concord.channels.v1.feed_pb2 import Feed
from concord.channels.v1.run_pb2 import ReportRunRequest, Run
from concord.intake.v1.receipt_pb2 import Receipt
from concord.orders.v1.order_pb2 import OrderRef

# 0.2, 0.4 … 2 s, above the SDK's own attempts.
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 2.0
# Of what one call may carry, 1000 and 4 MiB, with room for what is beside the bodies.
BATCH_MAX: Final = 500
BATCH_BYTES_MAX: Final = 3 * 1024 * 1024
# What a report may carry.
ASKED_MAX: Final = 20
ASKED_CHARACTERS_MAX: Final = 500
SEEN_MAX: Final = 2000

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """One order that a page told of."""

    changed_at: datetime | None
    was_known: bool
    """Its receipt was there already: nothing of it was missed."""


@dataclass(slots=True)
class Tally:
    """What happened since the last report."""

    pages: int = 0
    rows: int = 0
    new: int = 0
    asked: list[str] = field(default_factory=list)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def add(self, provider: str, page: Page, were_known: Sequence[bool]) -> None:
        """Count a page whose receipts are durable; it is told which of them were so before."""
        self.pages += 1
        self.rows += page.row_count
        self.new += were_known.count(False)  # It counts them.
        for each, was_known in zip(page.messages, were_known, strict=True):
            self.seen[each.namespace or provider, each.order] = Seen(each.changed_at, was_known)

    def note(self, asked: str) -> None:
        """Keep what was literally sent."""
        self.asked = [*self.asked, asked[:ASKED_CHARACTERS_MAX]][-ASKED_MAX:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a part of a run ended, or how far it got."""

    result: ReportRunRequest.Result.ValueType
    token: str = ""
    code: str = ""
    retry_after_s: int = 0
    covered: datetime | None = None
    offset_ms: int | None = None


class Register:
    """Calls of one worker to the service."""

    def __init__(self, concord: AsyncConcord, worker: str) -> None:
        self._concord = concord
        self._worker = worker

    async def claim(self, platform: AnyPlatform, limit: int, lease_s: int) -> ClaimRunsResponse:
        """Lease runs of one platform.

        Raises:
            ConcordError: the service is out of reach, or refuses.
        """
        return await self._concord.channels.claim_runs(
            self._worker, [limits_of(platform)], limit=limit, lease_s=lease_s
        )

    async def submit(
        self, feed: Feed, account: str, messages: Sequence[Message], arrived_at: datetime
    ) -> list[bool]:
        """Store messages as receipts, durably; return of each whether it was there before.

        Raises:
            RefusalError: one of them cannot be a receipt.
        """
        were_known: list[bool] = []
        for batch in batches([receipt_of(feed, account, each, arrived_at) for each in messages]):
            answer = await patiently(partial(self._concord.intake.submit, batch))
            were_known += [each.repeated for each in answer.submitted]
        return were_known

    async def report(self, run: Run, told: Told, tally: Tally) -> Run:
        """Tell how far the run got; return it as it is from here.

        Raises:
            RunLeaseLostError: it took too long; what was submitted stays.
        """
        request = report_of(run, told, tally)
        return await patiently(lambda: self._concord.channels.report_run(request))


def limits_of(platform: AnyPlatform) -> ClaimRunsRequest.Platform:
    """Return what the platform allows, by the strictest of its lists."""
    rules = [each.rules for each in platform.terms.values()]
    reaches = [each.reach.days for each in rules if each.reach is not None]
    return ClaimRunsRequest.Platform(
        name=platform.provider,
        window_max_s=int(min(each.longest for each in rules).total_seconds()),
        lag_s=int(max(each.lag for each in rules).total_seconds()),
        past_max_days=min(reaches, default=0),
    )


def receipt_of(feed: Feed, account: str, message: Message, arrived_at: datetime) -> Receipt:
    """Return one order's message as the receipt that it is."""
    arrived = Timestamp()
    arrived.FromDatetime(arrived_at)
    return Receipt(
        source=feed.platform or feed.channel,
        account=account,
        channel=feed.channel,
        template=message.template or feed.template,
        # No message id: the same content again is the same receipt. A number with a time would
        # make one of two changes within a second.
        body=message.body,
        content_type=message.content_type,
        receive_time=arrived,
        order_hint=message.order,
    )


def report_of(run: Run, told: Told, tally: Tally) -> ReportRunRequest:
    """Return the report that tells of all since the last one."""
    request = ReportRunRequest(
        name=run.name,
        lease=run.lease,
        result=told.result,
        asked=tally.asked,
        pages=tally.pages,
        rows=tally.rows,
        new_receipts=tally.new,
        code=word(told.code),
        retry_after_s=told.retry_after_s,
        page_token=told.token,
        clock_offset_ms=told.offset_ms,
    )
    if told.covered is not None:
        request.covered_time.FromDatetime(told.covered)
    for (namespace, value), each in list(tally.seen.items())[:SEEN_MAX]:
        ref = OrderRef(namespace=namespace, value=value)
        seen = request.seen.add(ref=ref, repeated=each.was_known)
        if each.changed_at is not None:
            seen.change_time.FromDatetime(each.changed_at)
    return request


def batches(receipts: Sequence[Receipt]) -> Iterator[list[Receipt]]:
    """Return them in as many lists as calls are needed."""
    batch: list[Receipt] = []
    size = 0
    for each in receipts:
        if batch and (len(batch) == BATCH_MAX or size + len(each.body) > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each.body)
    if batch:
        yield batch


async def patiently(call: Callable[[], Awaitable[T]], agent: str = "pulling") -> T:
    """Call until there is an answer; when it is too late for one is the caller's affair.

    Raises:
        RefusalError: the service understood and declined.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await call()
        except RefusalError:
            raise
        except ConcordError as error:
            log.warning(
                "service_awaited",
                agent=agent,
                wait_s=pause_s,
                code=error.code.name,
                reason=error.reason,
            )
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
