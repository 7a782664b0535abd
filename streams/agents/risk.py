"""Risk: customers' events to flags, and flags to what they ask for."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import Any, Final

import structlog

from clients.sdk import ConcordError
from concord.insights.v1.flag_pb2 import Flag
from concord.orders.v1.order_event_pb2 import CustomerEvent
from streams import encoding
from streams.decoding import customer_record, flag_record
from streams.guard import Batch, Guard, Item, set_aside
from streams.logic.risk import CustomerAct, Finding, Risk
from streams.records import Outgoing
from streams.service import patiently
from streams.state import State
from streams.topics import topic_of
from streams.worker import Worker

AGENT: Final = "risk"
ACTIONS: Final = "flag-actions"
# Calls at once: flags are few, and one that waits must not hold back the others for long.
CALLS_MAX: Final = 8
# Names the ids of our requests; any fixed UUID would do.
_NAMESPACE: Final = uuid.UUID("6f2c1a52-6a0e-5d6b-9d3f-0c6f1f6f6a10")

log = structlog.get_logger(__name__)

RiskState = State[Risk]


def attach(worker: Worker) -> None:
    """Judge what customers do, and act on what is found."""
    app = worker.app
    state: RiskState = State(worker, AGENT, partial(Risk, rules=worker.rules))
    judging = Guard(worker, AGENT, customer_record, partial(judge, state))
    acting = Guard(worker, ACTIONS, flag_record, partial(act, worker))

    @app.agent(app.chunked_topic(topic_of(CustomerEvent)), name=AGENT)
    async def risk(stream: Any) -> None:  # noqa: ANN401  # Faust's.
        await judging.run(stream)

    @app.agent(app.chunked_topic(topic_of(Flag)), name=ACTIONS)
    async def flag_actions(stream: Any) -> None:  # noqa: ANN401
        await acting.run(stream)


async def judge(state: RiskState, batch: Batch[Any]) -> None:
    """Judge the events, each against its customer's history; publish a flag for each finding."""
    worker, engine = state.worker, state.engine(batch.partition)
    items = {id(item.value): item for item in batch.items() if isinstance(item.value, CustomerAct)}
    lost = engine.lost
    effects = engine.apply([item.value for item in items.values()])
    worker.metrics.gaps.labels(AGENT).inc(engine.lost - lost)
    records = []
    for output in effects.outputs:
        item = items[id(output.act)]
        if not isinstance(output, Finding):
            log.error("rule_failed", agent=AGENT, offset=output.act.offset)
            await set_aside(worker, AGENT, item.record, "RULE_FAILED", item.traceparent)
            continue
        worker.metrics.flags.labels(output.rule).inc()
        flag = encoding.flag(output)
        at = batch.spans.send(topic_of(Flag), item.traceparent, order=flag.order)
        key = output.act.customer.encode()
        records.append(Outgoing(flag, output.flag_id, key, at, subject=flag.order))
    await state.carry_out(batch, effects, records)


async def act(worker: Worker, batch: Batch[Flag]) -> None:
    """Have the service do what the flags ask for; a flag that it refuses is set aside."""
    calls = asyncio.Semaphore(CALLS_MAX)

    async def act_on(item: Item[Flag]) -> None:
        request_id = str(uuid.uuid5(_NAMESPACE, f"{item.value.name}/{ACTIONS}"))
        at = item.traceparent or ""
        async with calls:
            try:
                call = partial(worker.service.act_on_flag, item.value, request_id, at)
                await patiently(worker, ACTIONS, topic_of(Flag), call)
            except ConcordError as error:
                reason = error.reason or error.code.name
                await set_aside(worker, ACTIONS, item.record, reason, item.traceparent)

    await asyncio.gather(*(act_on(item) for item in batch.items()))
