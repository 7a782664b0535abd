"""What agents of one worker share: the app, the ways out of it, and how to give up.

Built once by `app.py`; agents get it by argument. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, Protocol, TypeGuard

import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from concord.insights.v1.flag_pb2 import Flag
from concord.intake.v1.intake_service_pb2 import Reading
from streams.config import Settings
from streams.logic.normalising import Templates
from streams.logic.rules import RuleEngine
from streams.records import Outgoing
from streams.telemetry import Metrics
from streams.transport import ChunkedApp

# 13 s in all: longer than the broker takes to start, shorter than a stall.
RESEND_AFTER_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 5.0)

log = structlog.get_logger(__name__)


def is_refusal(answer: object) -> TypeGuard[KafkaError]:
    """Return whether the broker did not take a record; raise what is no answer of a broker."""
    if isinstance(answer, BaseException) and not isinstance(answer, KafkaError):
        raise answer
    return isinstance(answer, KafkaError)


class Service(Protocol):
    """What agents ask of the service. Every call may raise the SDK's errors."""

    async def apply_facts(self, readings: Sequence[Reading]) -> None:
        """Have the service weigh what receipts mean."""

    async def journal_events(self, order: str, after: int) -> list[bytes]:
        """Return the events of an order after this number, as they were published."""

    async def act_on_flag(self, flag: Flag, request_id: str, traceparent: str) -> None:
        """Have the service store a flag and do what it asks for."""


class SendsRecords(Protocol):
    """Hands records to the broker."""

    async def send(self, outgoing: Outgoing, epoch: int) -> asyncio.Future[RecordMetadata]:
        """Hand over one record; the future is done when the broker has it."""


@dataclass(slots=True)
class Worker:
    """One process of the streams, in one life of the broker."""

    settings: Settings
    epoch: int
    app: ChunkedApp
    metrics: Metrics
    service: Service
    sender: SendsRecords
    rules: RuleEngine
    person_rules: RuleEngine
    templates: Templates
    # Ends the process at once, without a word to the group: nothing undecided gets committed.
    die: Callable[[int], NoReturn]
    # Asks the broker which life was declared last.
    declared_life: Callable[[], Awaitable[int | None]]
    # Topics whose agent waits for something out of reach; that is no stall.
    waiting: set[str] = field(default_factory=set)
    # How often an agent of a topic got on: an answer of the service, a chunk done.
    steps: Counter[str] = field(default_factory=Counter)

    async def send(self, records: Iterable[Outgoing]) -> None:
        """Send records and wait until the broker has them all.

        What it refuses is sent again, for a broker that just started does so; records replace or
        repeat themselves, so that is safe.

        Raises:
            KafkaError: it still refuses one.
        """
        waiting = list(records)
        for attempt, pause_s in enumerate((*RESEND_AFTER_S, None), start=1):
            handed = [await self.sender.send(record, self.epoch) for record in waiting]
            answers = await asyncio.gather(*handed, return_exceptions=True)
            refused = [(r, a) for r, a in zip(waiting, answers, strict=True) if is_refusal(a)]
            for record in waiting:
                self.metrics.sent.labels(record.topic).inc()
            if not refused:
                return
            waiting, error = [record for record, _ in refused], refused[0][1]
            if pause_s is None:
                raise error
            log.warning("send_refused", topic=waiting[0].topic, count=len(waiting),
                        attempt=attempt, error=error)  # fmt: skip
            await asyncio.sleep(pause_s)

    def generation(self) -> Any:  # noqa: ANN401  # Faust's; only ever compared.
        """Return which rebalance the partitions at hand are from."""
        return self.app.consumer_generation_id


@dataclass(frozen=True, slots=True)
class FaustSender:
    """Sends through the app's producer."""

    app: ChunkedApp

    async def send(self, outgoing: Outgoing, epoch: int) -> asyncio.Future[RecordMetadata]:
        producer = await self.app.maybe_start_producer()
        handed: Any = await producer.send(
            outgoing.topic,
            outgoing.key,
            outgoing.message.SerializeToString(deterministic=True),
            outgoing.partition,
            None,
            outgoing.headers(epoch),
        )
        return handed  # type: ignore[no-any-return]  # Faust says Awaitable; it is the future.
