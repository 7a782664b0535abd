"""Stages, level one: order events to partials; what is missing is fetched from the journal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog

from concord.orders.v1.order_event_pb2 import OrderEvent
from streams import encoding
from streams.decoding import order_change, order_record
from streams.guard import Batch, Guard
from streams.logic.stages import Beat, Change, Gap, Progress, StagePart, StagePartials
from streams.records import Outgoing
from streams.service import patiently
from streams.state import State
from streams.telemetry import current_traceparent
from streams.topics import topic_of
from streams.worker import Worker

AGENT: Final = "stages"

# What changed is told at once where little happens; where much does, no more often than people
# look. Behind, windows change with every chunk, and to tell of them would take most of the time
# that it takes to get on; so what is late already may come by a twentieth later.
TELL_EVERY_S: Final = 0.2
TELL_EVERY_S_BEHIND: Final = 30.0
TOLD_LATER_BY: Final = 1 / 20

log = structlog.get_logger(__name__)

StageState = State[StagePartials]


def attach(worker: Worker) -> StageState:
    """Count the stages of the orders' topic, by partition."""
    topic = worker.app.chunked_topic(topic_of(OrderEvent))
    state: StageState = State(worker, AGENT, StagePartials)
    guard = Guard(worker, AGENT, order_record, partial(count, state, Telling()))

    @worker.app.agent(topic, name=AGENT)
    async def stages(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await guard.run(stream)

    return state


@dataclass(slots=True)
class Telling:
    """Says when a partition tells level two what changed."""

    _told_s: dict[int, float] = field(default_factory=dict)

    def is_due(self, batch: Batch[Change | Beat]) -> bool:
        """Say whether it does with this chunk."""
        behind_s = time.time() - batch.records[-1].timestamp / 1000
        every_s = min(max(TELL_EVERY_S, behind_s * TOLD_LATER_BY), TELL_EVERY_S_BEHIND)
        now_s = time.monotonic()
        if now_s - self._told_s.get(batch.partition, 0.0) < every_s:
            return False
        self._told_s[batch.partition] = now_s
        return True


async def count(state: StageState, telling: Telling, batch: Batch[Change | Beat]) -> None:
    """Count the events, and tell level two what changed.

    What is not told now is told with a later chunk; heartbeats see to it that there is one.
    """
    worker, engine = state.worker, state.engine(batch.partition)
    changes = batch.values
    repairs = await _repair(worker, engine.gaps(changes))
    lost = engine.lost
    effects = engine.apply(changes, repairs, tells=telling.is_due(batch))
    if engine.lost > lost:
        log.error("events_lost", agent=AGENT, count=engine.lost - lost)
    sent = [_outgoing(worker, batch.partition, each, engine.progress) for each in effects.outputs]
    await state.carry_out(batch, effects, [record for several in sent for record in several])
    state.tell_watermark(batch.partition, engine.progress.watermark_us)


async def _repair(worker: Worker, gaps: Sequence[Gap]) -> dict[str, list[Change]]:
    """Fetch what is missing from the journal, which has every event before the topic has."""
    repairs: dict[str, list[Change]] = {}
    for gap in gaps:
        worker.metrics.gaps.labels(AGENT).inc()
        topic = topic_of(OrderEvent)
        call = partial(worker.service.journal_events, gap.order, gap.after)
        events = [
            OrderEvent.FromString(each) for each in await patiently(worker, AGENT, topic, call)
        ]
        found = [event for event in events if gap.after < event.sequence < gap.before]
        repairs.setdefault(gap.order, []).extend(order_change(each, -1, 0) for each in found)
        log.info("gap_repaired", agent=AGENT, order=gap.order, count=len(found))
    return repairs


def _outgoing(
    worker: Worker, source: int, output: StagePart | Progress, now: Progress
) -> list[Outgoing]:
    at = current_traceparent()
    if isinstance(output, Progress):
        progress = encoding.stage_progress(output, source, worker.epoch)
        name = f"progress:{source}@{output.offset}"
        every = range(worker.settings.partitions)
        return [Outgoing(progress, name, None, at, partition=each) for each in every]
    key = encoding.stage_key(output.key)
    message = encoding.stage_partial(output, source, worker.epoch, now)
    name = f"{key.decode()}/{source}@{output.opened}-{output.version}"
    return [Outgoing(message, name, key, at, subject=key.decode())]
