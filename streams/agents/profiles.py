"""Profiles: changes of what customers bought to whole profiles, and what of it looks risky."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import structlog

from concord.customers.v1.profile_change_pb2 import ProfileChange as ProfileMessage
from concord.insights.v1.flag_pb2 import Flag
from streams import encoding
from streams.decoding import profile_record
from streams.guard import Batch, Guard, Item, set_aside
from streams.logic.profiles import Kept, ProfileChange, Profiles
from streams.logic.risk import Finding, RuleFailed
from streams.records import Outgoing
from streams.state import State
from streams.telemetry import current_traceparent
from streams.topics import topic_of
from streams.views import View
from streams.worker import Worker

AGENT: Final = "profiles"

log = structlog.get_logger(__name__)

ProfileState = State[Profiles]


def attach(worker: Worker, view: View) -> ProfileState:
    """Keep profiles, publish them and what is found, and put them into the view."""
    topic = worker.app.chunked_topic(topic_of(ProfileMessage))
    state: ProfileState = State(worker, AGENT, partial(Profiles, rules=worker.person_rules))
    guard = Guard(worker, AGENT, profile_record, partial(keep, state, view))

    @worker.app.agent(topic, name=AGENT)
    async def profiles(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await guard.run(stream)

    return state


async def keep(state: ProfileState, view: View, batch: Batch[ProfileChange]) -> None:
    """Apply the changes; publish profiles and flags, then put the profiles into the view."""
    worker, engine = state.worker, state.engine(batch.partition)
    lost = engine.lost
    effects = engine.apply(batch.values)
    worker.metrics.gaps.labels(AGENT).inc(engine.lost - lost)
    items = {(each.value.customer, each.value.sequence): each for each in batch.items()}
    records: list[Outgoing] = []
    kept: list[Kept] = []
    for output in effects.outputs:
        if isinstance(output, Kept):
            kept.append(output)
            records.append(_profile(output))
            continue
        item = items[output.act.customer, output.act.sequence]
        if isinstance(output, RuleFailed):
            log.error("rule_failed", agent=AGENT, offset=output.act.offset)
            await set_aside(worker, AGENT, item.record, "RULE_FAILED", item.traceparent)
            continue
        records.append(_flag(worker, batch, output, item))
    await state.carry_out(batch, effects, records)
    await view.write(batch.partition, kept)


def _profile(kept: Kept) -> Outgoing:
    message = encoding.customer_profile(kept)
    name = f"{kept.key}#{kept.numbers.sequence}"
    return Outgoing(message, name, kept.key.encode(), current_traceparent(), subject=kept.key)


def _flag(
    worker: Worker, batch: Batch[ProfileChange], found: Finding, item: Item[ProfileChange]
) -> Outgoing:
    worker.metrics.flags.labels(found.rule).inc()
    flag = encoding.flag(found)
    at = batch.spans.send(topic_of(Flag), item.traceparent, order=flag.order)
    key = found.act.customer.encode()
    return Outgoing(flag, found.flag_id, key, at, subject=flag.order)
