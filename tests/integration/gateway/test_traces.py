"""A receipt's trace begins at the gateway, and nothing of the message is in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks import processes
from benchmarks.processes import Running, until
from tests.integration.gateway.world import World

CALLBACK = "POST /callbacks/{provider}/{account}"


class Collector(TraceServiceServicer):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def Export(  # noqa: N802  # OTLP's name.
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        self.spans += [
            span
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return ExportTraceServiceResponse()

    def of(self, trace_id: bytes, name: str) -> list[Span]:
        return [each for each in self.spans if (each.trace_id, each.name) == (trace_id, name)]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    made = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(made, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made, f"http://127.0.0.1:{port}"
    server.stop(1).wait()


@pytest.fixture
def traced(world: World, collector: tuple[Collector, str]) -> Iterator[Running]:
    """A gateway whose every callback is traced, and a service that goes on in its traces."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[1],
        "CONCORD_TRACE_SAMPLE_RATIO": "1.0",
    }
    service = processes.service(
        world.folder,
        processes.free_address(),
        world.database_url,
        world.servers.redis_url,
        **settings,
    )
    gateway = world.start_gateway(service=service.address, **settings)
    try:
        service.until_ready()
        gateway.until_ready()
        yield gateway
    finally:
        gateway.kill()
        service.kill()


def test_each_receipt_of_a_batch_goes_on_in_the_trace_of_its_callback(
    world: World, collector: tuple[Collector, str], traced: Running
) -> None:
    calls = [world.a_call("stripe") for _ in range(20)]

    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda call: world.deliver(call, to=traced.address), calls))

    assert {each.status for each in replies} == {200}
    spans = collector[0]
    traces = set()
    for call in calls:
        (receipt,) = world.stored(call)
        trace_id = bytes.fromhex(receipt["traceparent"][3:35])
        traces.add(trace_id)
        until(lambda: spans.of(trace_id, CALLBACK), "the callback's span")  # noqa: B023  # At once.
        until(lambda: spans.of(trace_id, "take receipt"), "the receipt's span")  # noqa: B023
        (callback,) = spans.of(trace_id, CALLBACK)
        (taken,) = spans.of(trace_id, "take receipt")
        assert callback.parent_span_id == b""
        assert taken.parent_span_id == callback.span_id
        assert receipt["traceparent"][36:52] == taken.span_id.hex()
    assert len(traces) == len(calls)


def test_nothing_of_a_message_is_in_spans_logs_or_metrics(
    world: World, collector: tuple[Collector, str], traced: Running
) -> None:
    call = world.a_call("alipay")
    forged = world.a_call("wechatpay").forged()

    world.deliver(call, to=traced.address)
    world.deliver(forged, to=traced.address, traceparent=f"00-{1:032x}-{2:016x}-01")
    until(lambda: len(collector[0].spans) >= 2, "both spans")
    traced.end()

    said = str(collector[0].spans) + traced.log.read_text()
    for secret in (call.order, call.message_id, forged.order, forged.message_id, "88.00"):
        assert secret not in said
    # Nor is a context believed that anybody could send.
    assert collector[0].of((1).to_bytes(16, "big"), CALLBACK) == []
