"""Spans from a process, through OTLP, into the keeper, and out again by order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import grpc
import psycopg2
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import SpanKind

from concord.traces.v1.trace_service_pb2 import ListSpansRequest, ListSpansResponse
from concord.traces.v1.trace_service_pb2_grpc import TraceServiceStub
from deploy.local.spans.decoding import Row
from deploy.local.spans.keeping import MAX_QUEUE, Keeper
from deploy.local.spans.metrics import Metrics as KeeperMetrics
from deploy.local.spans.receiving import serve
from deploy.local.spans.store import Store, find
from service import telemetry
from service.telemetry import Telemetry, continue_trace, current_trace_id, span
from tests.recording import fresh_provider
from tests.trace_shape import check_trace

DEADLINE_S = 10.0
DAY_S = 86_400
CALLER = "00-11111111111111111111111111111111-2222222222222222-01"


@contextmanager
def keeping(folder: Path) -> Iterator[str]:
    """A keeper in this process, on a port of its own."""
    metrics = KeeperMetrics()
    store = Store(folder)
    keeper = Keeper(store, metrics, keep_s=DAY_S, keep_bytes=10**9, wall=time.time)
    keeper.start()
    server, port = serve("127.0.0.1:0", keeper, None, store.path)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
        keeper.drain(DEADLINE_S)


@contextmanager
def telling(address: str | None, ratio: float = 1.0) -> Iterator[Telemetry]:
    """This process's telemetry, sent to the keeper."""
    with fresh_provider():
        configured = telemetry.configure(
            "service",
            instance_id="one",
            otlp_endpoint=f"http://{address}" if address else None,
            sample_ratio=ratio,
        )
        try:
            yield configured
        finally:
            configured.shutdown()
            structlog.reset_defaults()


def listed(address: str, *, until: Callable[[ListSpansResponse], bool], **asked: object):  # noqa: ANN201
    """Ask until the answer is as wanted: spans arrive a little later."""
    deadline = time.monotonic() + DEADLINE_S
    with grpc.insecure_channel(address) as channel:
        stub = TraceServiceStub(channel)
        while True:
            answer = stub.ListSpans(
                ListSpansRequest(**asked), timeout=DEADLINE_S, wait_for_ready=True
            )
            if until(answer):
                return answer
            assert time.monotonic() < deadline, f"only {[one.name for one in answer.spans]}"


def test_an_orders_spans_are_found_by_order_with_all_of_their_trace(
    tmp_path: Path, database_url: str
) -> None:
    with keeping(tmp_path) as address:
        with telling(address) as told:
            with (
                continue_trace(CALLER),
                span("call", kind=SpanKind.SERVER, attributes={"order.id": "ord-1"}),
            ):
                connection = psycopg2.connect(database_url)
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT %s, 'Zhang San'", ("13800138000",))
                connection.close()
            with span("other", attributes={"order.id": "ord-2"}):
                pass
            told.provider.force_flush()
        answer = listed(address, order="orders/ord-1", until=lambda one: len(one.spans) == 2)

    call, query = answer.spans
    assert (call.name, call.kind, call.service) == ("call", "SERVER", "service")
    assert (query.name, query.kind, query.parent_span_id) == ("SELECT", "CLIENT", call.span_id)
    attributes = {one.key: one.value for one in query.attributes}
    assert attributes["db.statement"] == "SELECT %s, ?"
    assert "13800138000" not in str(answer)
    assert "Zhang" not in str(answer)
    check_trace(answer, roots={"2222222222222222"})


def test_spans_are_found_by_trace_id_and_a_malformed_id_is_refused(tmp_path: Path) -> None:
    with keeping(tmp_path) as address:
        with telling(address), span("work"):
            trace_id = current_trace_id()
        answer = listed(address, trace_ids=[trace_id], until=lambda one: len(one.spans) == 1)
        with pytest.raises(grpc.RpcError) as refused:
            listed(address, trace_ids=["xyz"], until=lambda _: True)

    assert answer.spans[0].name == "work"
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_longer_answer_than_asked_for_says_so(tmp_path: Path) -> None:
    with keeping(tmp_path) as address:
        with telling(address), span("work", attributes={"order.id": "ord-1"}):
            for _ in range(3):
                with span("step"):
                    pass
        listed(address, order="ord-1", until=lambda one: len(one.spans) == 4)
        answer = listed(address, order="ord-1", page_size=2, until=lambda one: len(one.spans) == 2)

    assert answer.truncated


def test_a_collector_that_is_down_is_harmless_and_silent(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    began = time.monotonic()
    with telling(address) as told:
        for _ in range(20_000):
            with span("work"):
                pass
        worked_s = time.monotonic() - began

    assert worked_s < DEADLINE_S
    assert time.monotonic() - began - worked_s < DEADLINE_S
    assert capfd.readouterr().err == ""
    lost = told.metrics.registry.get_sample_value(
        "concord_spans_exported_total", {"result": "lost"}
    )
    assert lost


def test_without_a_collector_there_are_trace_ids_and_no_spans() -> None:
    with telling(None), span("work") as begun:
        assert current_trace_id() is not None
        assert not begun.is_recording()


def a_row(number: int, order: str = "ord-1") -> Row:
    return Row(
        trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), parent_id=b"",
        service="service", name=f"work {number}", kind="INTERNAL", start_ns=number, end_ns=number,
        is_error=False, attributes="{}" + " " * 500, links="", orders=(order,),
    )  # fmt: skip


def test_spans_are_forgotten_by_age(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add([a_row(1)], now_s=DAY_S)
    store.add([a_row(2)], now_s=3 * DAY_S)

    store.prune(older_than_s=2 * DAY_S, keep_bytes=10**9)

    kept = find(store.path, order="ord-1", trace_ids=[(1).to_bytes(16, "big")], limit=10)
    assert [row.name for row in kept] == ["work 2"]
    store.close()


def test_spans_are_forgotten_by_size_oldest_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for first in range(1, 60_001, 1_000):
        store.add([a_row(number) for number in range(first, first + 1_000)], now_s=first)
    limit = store.used_bytes() // 2

    while store.prune(older_than_s=0, keep_bytes=limit):
        pass

    assert store.used_bytes() <= limit
    asked = [number.to_bytes(16, "big") for number in (1, 60_000)]
    kept = find(store.path, order="", trace_ids=asked, limit=10)
    assert [row.name for row in kept] == ["work 60000"]
    store.close()


def test_the_same_spans_sent_again_are_kept_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add([a_row(1)], now_s=1)
    store.add([a_row(1)], now_s=2)

    assert len(find(store.path, order="ord-1", trace_ids=[], limit=10)) == 1
    store.close()


def test_a_full_queue_drops_counts_and_says_so(tmp_path: Path) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"1" * 16, span_id=b"2" * 8)
    metrics = KeeperMetrics()
    keeper = Keeper(Store(tmp_path), metrics, keep_s=1, keep_bytes=1, wall=time.time)
    for _ in range(MAX_QUEUE):
        assert keeper.offer(request) == 0

    assert keeper.offer(request) == 1
    dropped = metrics.registry.get_sample_value(
        "concord_spans_dropped_total", {"reason": "queue_full"}
    )
    assert dropped == 1
    keeper.start()
    keeper.drain(DEADLINE_S)


@contextmanager
def running(folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """The keeper as a process of its own: its process, its address, its probes' address."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        address, probes = (f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two))
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.local.spans"],
        env={
            **os.environ,
            "CONCORD_TRACE_ADDRESS": address,
            "CONCORD_METRICS_ADDRESS": probes,
            "CONCORD_DATA_DIR": str(folder),
            **more,
        },
    )
    try:
        yield process, address, probes
    finally:
        process.kill()
        process.wait()


def wait_until_ready(probes: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{probes}/readyz", timeout=1) as answer:
                assert answer.status == 200
                return
        except URLError:
            assert time.monotonic() < deadline, "the keeper is not ready"


def test_a_keeper_told_to_stop_writes_what_it_took_and_forwards_it(tmp_path: Path) -> None:
    with (
        keeping(tmp_path / "onwards") as onwards,
        running(tmp_path, CONCORD_OTLP_FORWARD_ENDPOINT=f"http://{onwards}") as (
            process,
            address,
            probes,
        ),
    ):
        wait_until_ready(probes)
        with telling(address), span("work", attributes={"order.id": "ord-1"}):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        listed(onwards, order="ord-1", until=lambda one: len(one.spans) == 1)

    kept = find(tmp_path / "spans" / "spans.sqlite", order="ord-1", trace_ids=[], limit=10)
    assert [row.name for row in kept] == ["work"]


def test_a_keeper_refuses_to_listen_beyond_loopback() -> None:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("CONCORD_")}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.spans"],
        env={**ours, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://0.0.0.0:4317"},
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )

    assert done.returncode == 2
    assert b"OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr
    assert b"CONCORD_DATA_DIR" in done.stderr
