"""Intake: what receipts mean, told to the service in batches.

Holds no table: the service knows which receipt it weighed, so a batch that comes again after a
crash changes nothing. The chunk is acknowledged when the service has answered for all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from clients.sdk import ConcordError
from concord.intake.v1.intake_service_pb2 import Reading
from concord.intake.v1.receipt_pb2 import Receipt, ReceiptEvent
from streams.decoding import receipt_record
from streams.guard import Batch, Guard, Item, set_aside
from streams.logic.normalising import read
from streams.readings import reading_message, receipt_of, statement_of
from streams.service import patiently
from streams.topics import topic_of
from streams.worker import Worker

AGENT: Final = "intake"
# The service takes 1000 readings or 4 MiB; half of both keeps an answer within a second or two.
READINGS_MAX: Final = 500
BYTES_MAX: Final = 2 * 1024 * 1024
# What takes long is cut short where something fails every few seconds, each time: after so many
# attempts a batch is told in halves, down to a size that takes a tenth of a second.
ATTEMPTS: Final = 2
READINGS_FEW: Final = 64

Told = tuple[Item[Receipt], Reading]


def attach(worker: Worker) -> None:
    """Read receipts, and have the service weigh what they mean."""
    # One call each: what was answered for is acknowledged at once, and not repeated by a crash.
    topic = worker.app.chunked_topic(topic_of(ReceiptEvent), READINGS_MAX)
    guard = Guard(worker, AGENT, receipt_record, partial(weigh, worker))

    @worker.app.agent(topic, name=AGENT)
    async def intake(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await guard.run(stream)


async def weigh(worker: Worker, batch: Batch[Any]) -> None:
    """Read each receipt by its template, and have the service weigh the readings."""
    told: list[Told] = []
    for item in batch.items():
        if isinstance(item.value, Receipt):
            reading = read(receipt_of(item.value), worker.templates)
            template = worker.templates.by_name.get(item.value.template)
            known = template.name if template else "unknown"
            outcome = "rejected" if reading.rejection else "read" if reading.facts else "ignored"
            worker.metrics.normalised.labels(known, outcome).inc()
            message = reading_message(reading, item.traceparent)
            message.template_version = template.version if template else 0
            # Beside facts or a rejection: what a file says of a day is compared in any case.
            message.MergeFrom(Reading(statement=statement_of(item.value)))
            told.append((item, message))
    for part in _batches(_by_order(told)):
        await _apply(worker, part)


async def _apply(worker: Worker, told: Sequence[Told]) -> None:
    """Tell the service; what it will not take is halved until the one at fault is alone."""
    readings = [reading for _, reading in told]
    topic = topic_of(ReceiptEvent)
    attempts = ATTEMPTS if len(told) > READINGS_FEW else None
    try:
        worker.settings.failpoints.reach("intake:before_apply")
        await patiently(
            worker,
            AGENT,
            topic,
            lambda: worker.service.apply_facts(readings),
            attempts=attempts,
        )
        worker.settings.failpoints.reach("intake:after_apply")
    except ConcordError as error:
        if len(told) == 1:
            item, _ = told[0]
            reason = error.reason or error.code.name
            await set_aside(worker, AGENT, item.record, reason, item.traceparent)
            return
        middle = len(told) // 2
        await _apply(worker, told[:middle])
        await _apply(worker, told[middle:])


def _by_order(told: Sequence[Told]) -> list[Told]:
    """Bring together what is about the same order, and keep its sequence."""
    groups: dict[str, list[Told]] = {}
    for item, reading in told:
        ref = reading.facts[0].ref if reading.facts else None
        key = f"{ref.namespace}:{ref.value}" if ref is not None else reading.receipt
        groups.setdefault(key, []).append((item, reading))
    return [each for group in groups.values() for each in group]


def _batches(told: Sequence[Told]) -> Iterator[list[Told]]:
    batch: list[Told] = []
    size = 0
    for each in told:
        weight = each[1].ByteSize()
        if batch and (len(batch) >= READINGS_MAX or size + weight > BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += weight
    if batch:
        yield batch
