"""How an order's traces are drawn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from clients.cli.timeline import NS, Axis, duration, traces_of
from clients.cli.trace import drawn
from concord.traces.v1.trace_service_pb2 import Span

T0 = 1_795_334_400  # 2026-11-22 08:00:00 UTC
ORDERS = "concord.orders.v1.OrderService"


@dataclass
class Story:
    """Builds spans; times are seconds since T0."""

    spans: list[Span] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def tell(
        self,
        service: str,
        name: str,
        at: tuple[float, float],
        *,
        below: Span | None = None,
        trace: str = "a",
        kind: str = "INTERNAL",
        links: tuple[str, ...] = (),
        **attributes: str,
    ) -> Span:
        start, end = (round((T0 + one) * 1_000) for one in at)
        span = Span(
            trace_id=below.trace_id if below else trace * 32,
            span_id=f"{next(self._ids):016x}",
            parent_span_id=below.span_id if below else "",
            service=service,
            name=name,
            kind=kind,
            start_time=Timestamp(seconds=start // 1000, nanos=start % 1000 * 1_000_000),
            end_time=Timestamp(seconds=end // 1000, nanos=end % 1000 * 1_000_000),
            error="error_type" in attributes,
            linked_trace_ids=[link * 32 for link in links],
            attributes=[
                Span.Attribute(key=key.replace("_", ".", 2), value=value)
                for key, value in attributes.items()
            ],
        )
        self.spans.append(span)
        return span

    def drawing(self, width: int = 100) -> list[str]:
        lines = drawn("orders/ord-1", traces_of(self.spans), width=width)
        return [line.plain.rstrip() for line in lines]


def a_payment_that_waited_for_kafka() -> Story:
    story = Story()
    call = story.tell("service", "concord.intake.v1.IntakeService/SubmitReceipts", (0, 0.02),
                      kind="SERVER")  # fmt: skip
    for step in range(3):
        story.tell("service", "INSERT", (0.002 + step / 250, 0.004 + step / 250), below=call,
                   kind="CLIENT")  # fmt: skip
    send = story.tell("relay", "send concord.receipts.v1", (0.08, 0.09), below=call,
                      kind="PRODUCER")  # fmt: skip
    process = story.tell("streams", "process concord.receipts.v1", (8.29, 8.34), below=send,
                         kind="CONSUMER", links=("f",))  # fmt: skip
    story.tell("service", "apply facts", (8.3, 8.33), below=process)
    story.tell("service", f"{ORDERS}/ShipOrder", (7500, 7500.1), trace="b", kind="SERVER",
               rpc_response_status_code="INTERNAL", error_type="KeyError")  # fmt: skip
    return story


def test_all_traces_of_an_order_are_drawn_on_one_axis() -> None:
    expected = Path(__file__).with_name("trace.txt").read_text().splitlines()

    assert a_payment_that_waited_for_kafka().drawing() == expected


def test_traces_that_point_to_each_other_say_so() -> None:
    story = Story()
    story.tell("streams", "process concord.orders.v1", (0, 0.1), links=("b",))
    story.tell("service", "apply facts", (0.2, 0.3), trace="b")

    assert story.drawing()[3].endswith("linked: trace 2")


def test_of_a_batch_only_the_orders_own_part_is_drawn() -> None:
    story = Story()
    call = story.tell("service", "call", (0, 0.1))
    for number in range(3):
        send = story.tell("relay", f"send {number}", (0.1, 0.2), below=call)
        story.tell("streams", f"channels {number}", (0.2, 0.3), below=send)
        process = story.tell("streams", f"process {number}", (0.2, 0.3), below=send)
        weigh = story.tell("service", f"weigh {number}", (0.3, 0.4), below=process)
        weigh.attributes.add(key="order.id", value=f"ord-{number}")

    (trace,) = traces_of(story.spans, "orders/ord-1")

    names = [row.name for row in trace.rows]
    assert names == ["call", "send 1", "channels 1", "process 1", "weigh 1"]
    assert trace.left_out == 8


def test_a_trace_that_names_no_order_is_drawn_whole() -> None:
    story = Story()
    call = story.tell("service", "call", (0, 0.1))
    story.tell("service", "inner", (0, 0.1), below=call)

    assert traces_of(story.spans, "ord-1")[0].spans == 2


def test_an_agents_name_stands_beside_what_it_did() -> None:
    story = Story()
    story.tell("streams", "process concord.orders.v1", (0, 0.1), concord_agent="stages")

    assert story.drawing()[-1].endswith(" stages")


def test_a_span_without_its_parent_is_drawn_as_a_root() -> None:
    story = Story()
    parent = Span(trace_id="a" * 32, span_id="9" * 16)
    story.tell("service", "alone", (0, 0.1), below=parent)

    assert story.drawing()[-1].startswith("service: alone ")


def test_more_bursts_than_columns_are_drawn_all_the_same() -> None:
    story = Story()
    for minute in range(200):
        story.tell("service", f"step {minute}", (minute * 60, minute * 60 + 0.1), trace="a")
    traces = traces_of(story.spans)

    axis = Axis(traces, 40)

    assert axis.columns <= 40
    columns = [axis.bar(row) for row in traces[0].rows]
    assert columns == sorted(columns)
    assert all(first + length <= axis.columns for first, length in columns)


def test_an_order_of_hours_keeps_its_milliseconds_readable() -> None:
    story = Story()
    call = story.tell("service", "call", (0, 0.1))
    story.tell("service", "inner", (0, 0.05), below=call)
    story.tell("service", "later", (36_000, 36_000.1), trace="b")
    (first, second) = traces_of(story.spans)

    axis = Axis([first, second], 60)

    call_columns, inner_columns = (axis.bar(row)[1] for row in first.rows)
    assert call_columns > 25
    assert inner_columns == pytest.approx(call_columns / 2, abs=1)
    assert [fold.length_ns // NS for fold in axis.folds] == [35_999]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00034, "340 µs"),
        (0.34, "340 ms"),
        (8.2, "8.2 s"),
        (75, "1 min 15 s"),
        (7_500, "2 h 5 min"),
        (3_600, "1 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(round(seconds * NS)) == text
