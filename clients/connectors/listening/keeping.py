"""Makes receipts of what was heard; nobody acknowledges a message before that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from google.protobuf.timestamp_pb2 import Timestamp

from clients.connectors.inquiry import JSON_TYPE, Clock
from clients.connectors.metrics import Metrics
from clients.connectors.pulling.register import batches, patiently
from clients.sdk import AsyncConcord, RefusalError
from concord.intake.v1.receipt_pb2 import Receipt

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message, as the platform wrote it."""

    account: str
    template: str
    message_id: str
    """The platform's number; empty: it is known by its content."""
    body: bytes = field(repr=False)
    order: str = ""
    """As the platform names it, where that is known: keeps an order's receipts together."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Submits what was heard of one platform."""

    provider: str
    concord: AsyncConcord
    metrics: Metrics
    clock: Clock

    async def keep(self, heard: Sequence[Heard]) -> list[bool]:
        """Return of each message whether it is durable, however long the service takes.

        A message that cannot be a receipt is not; it does not hold up the others.
        """
        kept: list[bool] = []
        for batch in batches([self._receipt(each) for each in heard]):
            kept += await self._submit(batch)
        return kept

    async def _submit(self, receipts: list[Receipt]) -> list[bool]:
        try:
            answer = await patiently(
                partial(self.concord.intake.submit, receipts), agent=self.provider
            )
        except RefusalError as error:
            if len(receipts) > 1:
                # One of them is wrong: halves, until it stands alone.
                middle = len(receipts) // 2
                first = await self._submit(receipts[:middle])
                return first + await self._submit(receipts[middle:])
            self.count("refused")
            log.exception("receipt_refused", provider=self.provider, reason=error.reason)
            return [False]
        for each in answer.submitted:
            self.count("repeated" if each.repeated else "stored")
        return [True] * len(receipts)

    def count(self, result: str) -> None:
        """Count a message, by what became of it."""
        self.metrics.heard.labels(self.provider, result).inc()

    def _receipt(self, heard: Heard) -> Receipt:
        arrived = Timestamp()
        arrived.FromDatetime(self.clock())
        return Receipt(
            source=self.provider,
            account=heard.account,
            channel=self.provider,
            template=heard.template,
            message_id=heard.message_id,
            body=heard.body,
            content_type=JSON_TYPE,
            receive_time=arrived,
            order_hint=heard.order,
        )
