"""Channel health: receipts and their outcomes to minutes, at both levels."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from concord.insights.v1.partial_pb2 import ChannelPartial
from concord.intake.v1.receipt_pb2 import Receipt, ReceiptEvent, ReceiptWeighed
from streams import encoding
from streams.decoding import channel_partial_record, outcome_record, receipt_record
from streams.guard import Batch, Guard
from streams.logic.channels import ChannelKey, ChannelPart, ChannelPartials
from streams.logic.merging import Merging, Told
from streams.logic.numbers import ChannelNumbers
from streams.logic.stages import Progress
from streams.records import Outgoing
from streams.state import State
from streams.telemetry import current_traceparent
from streams.topics import topic_of
from streams.views import View
from streams.worker import Worker

OUTCOMES: Final = "channel-outcomes"
REPEATS: Final = "channel-repeats"
MINUTES: Final = "channel-minutes"

PartialState = State[ChannelPartials]
MinuteState = State[Merging[ChannelKey, ChannelNumbers]]


def attach(worker: Worker, view: View) -> MinuteState:
    """Count outcomes and repeats by partition, and merge them to minutes."""
    app = worker.app
    by_outcome: PartialState = State(worker, OUTCOMES, ChannelPartials)
    by_repeat: PartialState = State(worker, REPEATS, ChannelPartials)
    merging = partial(
        Merging[ChannelKey, ChannelNumbers],
        keys=ChannelKey,
        numbers=ChannelNumbers,
        epoch=worker.epoch,
        # Partitions of the outcomes, and as many of the receipts.
        sources=2 * worker.settings.partitions,
    )
    minutes: MinuteState = State(worker, MINUTES, merging)
    outcomes = Guard(worker, OUTCOMES, outcome_record, partial(count, by_outcome))
    repeats = Guard(worker, REPEATS, receipt_record, partial(count, by_repeat))
    merged = Guard(worker, MINUTES, channel_partial_record, partial(merge, minutes, view))

    @app.agent(app.chunked_topic(topic_of(ReceiptWeighed)), name=OUTCOMES)
    async def channel_outcomes(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await outcomes.run(stream)

    @app.agent(app.chunked_topic(topic_of(ReceiptEvent)), name=REPEATS)
    async def channel_repeats(stream: Any) -> None:  # noqa: ANN401
        await repeats.run(stream)

    @app.agent(app.chunked_topic(topic_of(ChannelPartial)), name=MINUTES)
    async def channel_minutes(stream: Any) -> None:  # noqa: ANN401
        await merged.run(stream)

    return minutes


async def count(state: PartialState, batch: Batch[Any]) -> None:
    """Count, and tell level two what changed. Receipts as such are intake's affair."""
    worker, engine = state.worker, state.engine(batch.partition)
    records = [value for value in batch.values if not isinstance(value, Receipt)]
    if not records:
        return
    effects = engine.apply(records)
    origin = f"{batch.topic}/{batch.partition}"
    sent: list[Outgoing] = []
    for output in effects.outputs:
        sent.extend(_outgoing(worker, origin, output, engine.progress))
    await state.carry_out(batch, effects, sent)
    state.tell_watermark(batch.partition, engine.progress.watermark_us)


async def merge(
    state: MinuteState, view: View, batch: Batch[Told[ChannelKey, ChannelNumbers]]
) -> None:
    """Publish the minutes that changed, then put them into the view."""
    effects = state.engine(batch.partition).apply(batch.values)
    at = current_traceparent()
    records = []
    for whole in effects.outputs:
        key = encoding.channel_key(whole.key)
        name = f"{key.decode()}#{whole.revision}"
        minute = encoding.channel_minute(whole)
        records.append(Outgoing(minute, name, key, at, subject=key.decode()))
    await state.carry_out(batch, effects, records)
    await view.write(batch.partition, effects.outputs)


def _outgoing(
    worker: Worker, origin: str, output: ChannelPart | Progress, now: Progress
) -> list[Outgoing]:
    at = current_traceparent()
    if isinstance(output, Progress):
        progress = encoding.channel_progress(output, origin, worker.epoch)
        name = f"progress:{origin}@{output.offset}"
        every = range(worker.settings.partitions)
        return [Outgoing(progress, name, None, at, partition=each) for each in every]
    key = encoding.channel_key(output.key)
    message = encoding.channel_partial(output, origin, worker.epoch, now)
    name = f"{key.decode()}/{origin}@{output.opened}-{output.version}"
    return [Outgoing(message, name, key, at, subject=key.decode())]
