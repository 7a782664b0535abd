"""Passes spans on to another collector; one that is down costs spans, counted, and nothing else."""

from __future__ import annotations

import queue
import threading
from typing import Final
from urllib.parse import urlsplit

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from deploy.local.spans.decoding import count_of
from deploy.local.spans.metrics import Metrics

# As the keeper's own queue.
MAX_QUEUE: Final = 400
TIMEOUT_S: Final = 5.0
POLL_S: Final = 0.2


class Forwarder:
    """A bounded queue and the thread that empties it."""

    def __init__(self, endpoint: str, metrics: Metrics) -> None:
        parts = urlsplit(endpoint)
        target = parts.netloc or endpoint
        self._channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials())
            if parts.scheme == "https"
            else grpc.insecure_channel(target)
        )
        self._stub = TraceServiceStub(self._channel)  # type: ignore[no-untyped-call]  # Generated.
        self._metrics = metrics
        self._queue: queue.Queue[ExportTraceServiceRequest] = queue.Queue(MAX_QUEUE)
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)
        self._thread.start()

    def offer(self, request: ExportTraceServiceRequest) -> None:
        """Take a request if there is room."""
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            self._metrics.forwarded.labels("lost").inc(count_of(request))

    def close(self) -> None:
        """Send what waits, one failure at most, and end."""
        self._is_ending.set()
        self._thread.join(TIMEOUT_S + POLL_S)
        self._channel.close()

    def _run(self) -> None:
        while True:
            try:
                request = self._queue.get(timeout=POLL_S)
            except queue.Empty:
                if self._is_ending.is_set():
                    return
                continue
            result = "sent"
            try:
                self._stub.Export(request, timeout=TIMEOUT_S)
            except grpc.RpcError:
                result = "lost"
            self._metrics.forwarded.labels(result).inc(count_of(request))
            if result == "lost" and self._is_ending.is_set():
                return
