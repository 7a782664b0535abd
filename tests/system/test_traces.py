"""One trace from a message to its last consequence, and nothing personal anywhere in it.

What is told names a person wherever a message may, and also where none should.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from clients.sdk import Concord, ConcordError
from concord.intake.v1 import fact_pb2
from concord.intake.v1.receipt_pb2 import Receipt
from concord.orders.v1.order_pb2 import OrderRef
from concord.traces.v1.trace_service_pb2 import ListSpansResponse
from tests.canaries import ADDRESS, LATIN_ADDRESS, LATIN_NAME, NAME, PHONE, check_absent
from tests.system.topics import TRACEPARENT, Read, read_all
from tests.system.whole_stack import WholeStack, until
from tests.trace_shape import check_trace

SETTLED_WITHIN_S = 120.0
# Spans are sent in batches, every few seconds.
KEPT_WITHIN_S = 40.0
SPANS_MAX = 10_000

PUSHED = 4705288465508532862
NAMED = f"4705{uuid.uuid4().int % 10**12:012d}"

# From the edge over relay and streams to the decision, and from there to whoever follows orders.
THE_WHOLE_WAY = (
    ("concord-service", "concord.intake.v1.IntakeService/SubmitReceipts"),
    ("concord-relay", "send concord.receipts.v1"),
    ("concord-streams", "process concord.receipts.v1"),
    ("concord-service", "weigh receipt"),
    ("concord-relay", "send concord.orders.v1"),
    ("concord-streams", "process concord.orders.v1"),
    ("concord-relay", "send concord.outcomes.v1"),
    ("concord-streams", "process concord.outcomes.v1"),
)

RECEIVER = {
    "name": NAME,
    "tel": PHONE,
    "addr": [{"province": {"name": ADDRESS}, "detail": ADDRESS, "street": LATIN_ADDRESS}],
    "encrypt_name": LATIN_NAME,
}


@dataclass
class Told:
    """What was submitted, one call each: receipt names by what they are about."""

    readable: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)


def push(tag: int, data: dict[str, Any], **fields: Any) -> Receipt:  # noqa: ANN401
    body = {"tag": tag, "msgId": uuid.uuid4().hex, "data": {"p_id": PUSHED, "shop_id": 1, **data}}
    return Receipt(
        source="douyin",
        template="douyin.push",
        body=json.dumps(body, ensure_ascii=False).encode(),
        **{"order_hint": str(PUSHED), "address": "203.0.113.77", **fields},
    )


def event(type_: str, second: int, **fields: Any) -> Receipt:  # noqa: ANN401
    body = {
        "id": f"evt-{uuid.uuid4().hex}",
        "type": type_,
        "channel": "douyin",
        "source": "douyin",
        "order": {"namespace": "douyin", "value": NAMED},
        "occurred_at": f"2026-11-22T08:00:{second:02d}Z",
        **fields,
    }
    return Receipt(
        source="douyin", template="concord.event", body=json.dumps(body).encode(), order_hint=NAMED
    )


def readable() -> Iterator[Receipt]:
    amount = {"currency": "CNY", "value": "29.90"}
    yield push(100, {"create_time": 1618990580, "receiver_msg": RECEIVER})
    yield push(110, {"pay_time": 1618990587, "pay_amount": 2990, "receiver_msg": RECEIVER})
    yield push(105, {"apply_time": 1618990590, "receiver_msg": RECEIVER, "remark": ADDRESS})
    yield push(108, {"update_time": 1618990600, "receiver_msg": RECEIVER})
    # No contract allows a telephone number for a customer's key; somebody will send it.
    yield event("order.created", 0, amount=amount, customer=PHONE)
    yield event("payment.started", 1)
    yield event("payment.succeeded", 9, amount=amount, voucher="pay-1")
    # The amount contradicts the order's: a discrepancy and a case.
    yield event("payment.succeeded", 10, amount=amount, voucher="pay-2")


def unreadable() -> Iterator[Receipt]:
    yield push(108, {"update_time": NAME, "receiver_msg": RECEIVER})
    yield push(110, {"pay_time": 1618990587, "pay_amount": f"{PHONE} {LATIN_NAME}"})
    yield Receipt(source="douyin", template="douyin.push", body=f'{{"name": "{NAME}", '.encode())
    yield Receipt(source="douyin", template="no.such.template", body=ADDRESS.encode())
    yield Receipt(source="douyin", template="concord.event", body=NAME.encode("gbk"))
    yield push(100, {"create_time": LATIN_ADDRESS}, order_hint=PHONE)


def refused_calls(concord: Concord) -> Iterator[Any]:
    yield lambda: concord.orders.get(ref=OrderRef(namespace="douyin", value=PHONE))
    yield lambda: concord.orders.get(NAME)
    yield lambda: concord.orders.cancel("orders/ord-none", reason=ADDRESS)
    yield lambda: concord.intake.submit([Receipt(source=NAME, template=ADDRESS, body=b"{}")])
    yield lambda: concord.cases.resolve("cases/none", outcome=LATIN_NAME, note=PHONE)


@pytest.fixture(scope="module")
def told(stack: WholeStack) -> Told:
    told = Told()
    with stack.client() as concord:
        for receipt in readable():
            told.readable.append(concord.intake.submit([receipt]).submitted[0].receipt)
        for receipt in unreadable():
            told.unreadable.append(concord.intake.submit([receipt]).submitted[0].receipt)
        for call in refused_calls(concord):
            with pytest.raises(ConcordError):
                call()

        def waiting() -> list[str]:
            names = [*told.readable, *told.unreadable]
            return [name for name in names if not concord.intake.get(name).outcome]

        until(lambda: not waiting(), "every receipt has its outcome", SETTLED_WITHIN_S)
        for value in (str(PUSHED), NAMED):
            told.orders.append(
                concord.orders.get(ref=OrderRef(namespace="douyin", value=value)).name
            )
    stack.concord("insights", "verify", "--wait", "60s")
    return told


@pytest.fixture(scope="module")
def records(stack: WholeStack, told: Told) -> list[Read]:
    def published() -> bool:
        return not stack.rows("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1")

    until(published, "the outbox is empty", SETTLED_WITHIN_S)
    return read_all(stack.variables()["CONCORD_KAFKA_BOOTSTRAP"])


def trace_of(stack: WholeStack, receipt: str) -> str:
    query = "SELECT traceparent FROM receipts WHERE receipt_id = %s"
    ((traceparent,),) = stack.rows(query, [receipt.removeprefix("receipts/")])
    trace_id: str = traceparent.split("-")[1]
    return trace_id


def when_complete(keeper: Concord, trace_id: str) -> ListSpansResponse:
    """Return a trace when spans of the whole way are kept, or the deadline has passed."""
    found: list[ListSpansResponse] = []

    def is_whole() -> bool:
        found[:] = [keeper.traces.list_spans(trace_ids=[trace_id], page_size=SPANS_MAX)]
        return {(span.service, span.name) for span in found[0].spans} >= set(THE_WHOLE_WAY)

    with contextlib.suppress(TimeoutError):
        until(is_whole, f"trace {trace_id} is whole", KEPT_WITHIN_S)
    return found[0]


def test_what_is_told_has_the_outcomes_it_should(stack: WholeStack, told: Told) -> None:
    with stack.client() as concord:
        outcomes = [concord.intake.get(name).outcome for name in told.unreadable]
        readable = [concord.intake.get(name).outcome for name in told.readable]

    assert set(outcomes) == {fact_pb2.OUTCOME_REJECTED}
    assert fact_pb2.OUTCOME_REJECTED not in readable
    assert readable[-1] == fact_pb2.OUTCOME_CONTRADICTING


def test_each_record_carries_its_context_exactly_once(records: list[Read]) -> None:
    for record in records:
        contexts = record.all_of(TRACEPARENT)
        # Without a key: heartbeats, which nothing caused, and how far a worker has come.
        allowed = (1,) if record.key is not None else (0, 1)
        assert len(contexts) in allowed, (record.topic, record.headers)


def test_each_cause_has_one_trace_and_each_trace_one_cause(
    stack: WholeStack, told: Told, records: list[Read]
) -> None:
    causes = {name: trace_of(stack, name) for name in (*told.readable, *told.unreadable)}
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.topic in ("concord.receipts.v1", "concord.outcomes.v1") and record.key:
            found[f"receipts/{record.header('ce_subject')}"].add(record.trace_id)

    assert len(set(causes.values())) == len(causes)
    assert found == {name: {trace_id} for name, trace_id in causes.items()}
    about_orders = [record for record in records if record.topic == "concord.orders.v1"]
    assert {each.trace_id for each in about_orders if each.key} <= set(causes.values())


def test_the_journal_names_the_trace_of_its_cause(stack: WholeStack, told: Told) -> None:
    causes = {trace_of(stack, name) for name in told.readable}

    named = {trace_id for (trace_id,) in stack.rows("SELECT DISTINCT trace_id FROM journal")}

    assert named <= causes
    assert len(named) > len(told.orders)


def test_a_trace_runs_from_the_edge_to_those_who_follow_orders(
    stack: WholeStack, told: Told
) -> None:
    moved = {trace for (trace,) in stack.rows("SELECT DISTINCT trace_id FROM journal")}
    with stack.client(at="spans") as keeper:
        for trace_id in moved:
            answer = when_complete(keeper, trace_id)
            check_trace(answer, passes=THE_WHOLE_WAY)


def test_the_trace_command_draws_all_of_an_orders_traces(stack: WholeStack, told: Told) -> None:
    for order in told.orders:
        drawn = stack.concord("trace", order)
        assert PHONE not in json.dumps(drawn)


def test_nothing_personal_is_in_spans_logs_and_metrics(
    stack: WholeStack, told: Told, records: list[Read]
) -> None:
    check_absent(
        span_store=stack.span_store,
        logs=[path for path in stack.logs if path.stat().st_size],
        metrics=stack.metrics_pages,
    )


def test_nothing_personal_is_in_the_headers_of_records(records: list[Read]) -> None:
    # One topic is keyed by customer: a telephone number sent as the customer's key is its key.
    told = [record for record in records if record.topic != "concord.customers.v1"]
    said = [value for record in told for _, value in record.headers]

    for canary in (NAME, ADDRESS, LATIN_NAME, LATIN_ADDRESS, PHONE):
        assert not [value for value in said if canary.encode() in value]
