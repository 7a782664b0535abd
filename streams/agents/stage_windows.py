"""Stages, level two: partials to whole windows, published and kept in Redis."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from redis.asyncio import Redis

from concord.insights.v1.partial_pb2 import StagePartial
from streams import encoding
from streams.decoding import stage_partial_record
from streams.guard import Batch, Guard
from streams.logic.merging import Merging, Told
from streams.logic.numbers import StageNumbers
from streams.logic.stages import StageKey
from streams.records import Outgoing
from streams.state import State
from streams.telemetry import current_traceparent
from streams.topics import topic_of
from streams.views import View
from streams.worker import Worker

AGENT: Final = "stage-windows"

WindowState = State[Merging[StageKey, StageNumbers]]


def attach(worker: Worker, view: View) -> WindowState:
    """Merge the partials of all partitions of the orders' topic."""
    topic = worker.app.chunked_topic(topic_of(StagePartial))
    merging = partial(
        Merging[StageKey, StageNumbers],
        keys=StageKey,
        numbers=StageNumbers,
        epoch=worker.epoch,
        sources=worker.settings.partitions,
    )
    state: WindowState = State(worker, AGENT, merging)
    guard = Guard(worker, AGENT, stage_partial_record, partial(merge, state, view))

    @worker.app.agent(topic, name=AGENT)
    async def stage_windows(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await guard.run(stream)

    return state


async def merge(state: WindowState, view: View, batch: Batch[Told[StageKey, StageNumbers]]) -> None:
    """Publish the windows that changed, then put them into the view."""
    effects = state.engine(batch.partition).apply(batch.values)
    at = current_traceparent()
    records = []
    for whole in effects.outputs:
        key = encoding.stage_key(whole.key)
        window = encoding.stage_window(whole)
        name = f"{key.decode()}#{whole.revision}"
        records.append(Outgoing(window, name, key, at, subject=key.decode()))
    await state.carry_out(batch, effects, records)
    await view.write(batch.partition, effects.outputs)


async def tell_watermark(state: WindowState, redis: Redis, key: str) -> None:
    """Write how far event time has come; the worker that has partition 0 speaks for all."""
    engine = state.engines().get(0)
    if engine is not None:
        await redis.set(key, engine.low_watermark_us)
