"""What the service's interceptors record of calls over a real channel."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import grpc
import pytest
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client.openmetrics.exposition import generate_latest

from concord.orders.v1 import order_pb2, order_service_pb2
from concord.orders.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    OrderServiceStub,
    add_OrderServiceServicer_to_server,
)
from service.rpc.metrics import MetricsInterceptor
from service.rpc.request_log import RequestLogInterceptor
from service.rpc.tracing import TracingInterceptor
from service.telemetry import Metrics, annotate, current_traceparent, span
from service.telemetry.sampling import KeepingSampler, LateKeeping
from tests.recording import Recording, recording

GET = "concord.orders.v1.OrderService/GetOrder"
WATCH = "concord.orders.v1.OrderService/WatchOrders"
CALLER = "00-11111111111111111111111111111111-2222222222222222-01"
CAUSE = "00-33333333333333333333333333333333-4444444444444444-01"
DEADLINE_S = 5.0


class Orders(OrderServiceServicer):
    """Answers by the order's name."""

    def GetOrder(  # noqa: N802  # gRPC's name.
        self, request: order_service_pb2.GetOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        match request.name:
            case "orders/absent":
                context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
            case "orders/broken":
                _break()
            case name:
                annotate(order=name.removeprefix("orders/"))
        with span("transaction"):
            return order_pb2.Order(name=current_traceparent() or "")

    def WatchOrders(  # noqa: N802
        self, request: order_service_pb2.WatchOrdersRequest, context: grpc.ServicerContext
    ) -> Iterator[order_service_pb2.WatchOrdersResponse]:
        for order in ("o-1", "o-2"):
            annotate(order=order, traceparent=CAUSE)
            with span("SELECT", kind=SpanKind.CLIENT):
                pass
            yield order_service_pb2.WatchOrdersResponse()
        yield order_service_pb2.WatchOrdersResponse()


def _break() -> NoReturn:
    raise LookupError("13800138000")


@contextmanager
def serving(metrics: Metrics) -> Iterator[OrderServiceStub]:
    interceptors = [TracingInterceptor(), MetricsInterceptor(metrics), RequestLogInterceptor()]
    server = grpc.server(ThreadPoolExecutor(2), interceptors=interceptors)
    add_OrderServiceServicer_to_server(Orders(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield OrderServiceStub(channel)
    finally:
        server.stop(0).wait()


@pytest.fixture
def exporter() -> Iterator[Recording]:
    with recording(KeepingSampler(1.0), LateKeeping) as spans:
        yield spans


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def stub(exporter: Recording, metrics: Metrics) -> Iterator[OrderServiceStub]:
    with serving(metrics) as served:
        yield served


def get(stub: OrderServiceStub, name: str, traceparent: str = CALLER) -> order_pb2.Order:
    request = order_service_pb2.GetOrderRequest(name=name)
    return stub.GetOrder(request, metadata=[("traceparent", traceparent)], timeout=DEADLINE_S)


def wait_for(exporter: Recording, *names: str) -> None:
    """The caller may have its answer before the server's span has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while Counter(names) - Counter(exporter.names()):
        assert time.monotonic() < deadline, f"only {exporter.names()}"


def test_a_call_continues_the_callers_trace_and_names_its_order(
    exporter: Recording, stub: OrderServiceStub
) -> None:
    seen = get(stub, "orders/o-1").name
    wait_for(exporter, GET)

    call, inner = exporter.named(GET), exporter.named("transaction")
    assert call.kind is SpanKind.SERVER
    assert call.parent.span_id == 0x2222222222222222
    assert call.context.trace_id == 0x11111111111111111111111111111111
    assert inner.parent.span_id == call.context.span_id
    assert seen == f"{CALLER[:36]}{inner.context.span_id:016x}-01"
    assert dict(call.attributes) == {
        "order.id": "o-1",
        "rpc.system": "grpc",
        "rpc.system.name": "grpc",
        "rpc.service": "concord.orders.v1.OrderService",
        "rpc.method": GET,
        "rpc.response.status_code": "OK",
        "rpc.grpc.status_code": 0,
    }


def test_a_refusal_is_no_error(exporter: Recording, stub: OrderServiceStub) -> None:
    with pytest.raises(grpc.RpcError):
        get(stub, "orders/absent")
    wait_for(exporter, GET)

    call = exporter.named(GET)
    assert call.status.status_code is StatusCode.UNSET
    assert call.attributes["rpc.response.status_code"] == "NOT_FOUND"


def test_a_defect_is_kept_even_unsampled_and_without_its_text(
    exporter: Recording, stub: OrderServiceStub
) -> None:
    with pytest.raises(grpc.RpcError):
        get(stub, "orders/broken", CALLER[:-2] + "00")
    wait_for(exporter, GET)

    call = exporter.named(GET)
    assert call.status.status_code is StatusCode.ERROR
    assert call.attributes["concord.kept_late"] is True
    assert "13800138000" not in call.to_json()


def test_a_watch_makes_one_short_span_for_each_change_in_the_changes_trace(
    exporter: Recording, stub: OrderServiceStub
) -> None:
    request = order_service_pb2.WatchOrdersRequest()
    assert len(list(stub.WatchOrders(request, timeout=DEADLINE_S))) == 3
    wait_for(exporter, WATCH, f"deliver {WATCH}")

    opened = exporter.named(WATCH)
    delivered = [one for one in exporter.spans if one.name == f"deliver {WATCH}"]
    assert [one.attributes["order.id"] for one in delivered] == ["o-1", "o-2"]
    assert {one.context.trace_id for one in delivered} == {0x33333333333333333333333333333333}
    assert {one.links[0].context.span_id for one in delivered} == {opened.context.span_id}
    assert "SELECT" not in exporter.names()


def test_calls_are_counted_by_method_and_code_with_a_trace_to_look_at(
    exporter: Recording, stub: OrderServiceStub, metrics: Metrics
) -> None:
    get(stub, "orders/o-1")
    with pytest.raises(grpc.RpcError):
        get(stub, "orders/absent")
    list(stub.WatchOrders(order_service_pb2.WatchOrdersRequest(), timeout=DEADLINE_S))
    wait_for(exporter, GET, GET, WATCH)

    def count(method: str, code: str) -> float | None:
        labels = {"rpc_method": method, "rpc_response_status_code": code}
        return metrics.registry.get_sample_value("rpc_server_call_duration_seconds_count", labels)

    assert (count(GET, "OK"), count(GET, "NOT_FOUND"), count(WATCH, "OK")) == (1, 1, 1)
    sent = metrics.registry.get_sample_value(
        "concord_rpc_stream_messages_total", {"rpc_method": WATCH}
    )
    assert sent == 3
    page = generate_latest(metrics.registry).decode()
    assert '# {trace_id="11111111111111111111111111111111"}' in page
    active = metrics.registry.get_sample_value("concord_rpc_active", {"rpc_method": GET})
    assert active == 0
