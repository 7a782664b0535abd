"""Writes what arrives, in batches, on one thread; a full queue drops and counts, never waits."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.local.spans.decoding import Row, count_of, rows_of
from deploy.local.spans.metrics import Metrics
from deploy.local.spans.store import Store

# Requests of up to 512 spans of about 1 KiB: 200 MiB at the very worst, and seconds of traffic.
MAX_QUEUE: Final = 400
# A transaction of 2,000 spans takes about 30 ms.
MAX_BATCH: Final = 2_000
PRUNE_EVERY_S: Final = 60.0
# How soon the thread sees that it shall end.
POLL_S: Final = 0.2

Wall = Callable[[], float]


class Keeper:
    """The queue before the store, and the thread between them."""

    def __init__(
        self, store: Store, metrics: Metrics, *, keep_s: float, keep_bytes: int, wall: Wall
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._keep_s = keep_s
        self._keep_bytes = keep_bytes
        self._wall = wall
        self._queue: queue.Queue[ExportTraceServiceRequest] = queue.Queue(MAX_QUEUE)
        self._is_ending = threading.Event()
        self._prune_at = 0.0
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    @property
    def is_working(self) -> bool:
        """Whether the writing thread lives."""
        return self._thread.is_alive()

    def offer(self, request: ExportTraceServiceRequest) -> int:
        """Take a request if there is room; return how many spans were dropped."""
        count = count_of(request)
        self._metrics.received.inc(count)
        try:
            self._queue.put_nowait(request)
        except queue.Full:
            self._metrics.dropped.labels("queue_full").inc(count)
            return count
        return 0

    def drain(self, timeout_s: float) -> None:
        """Write all that was taken, and end."""
        self._is_ending.set()
        self._thread.join(timeout_s)
        self._store.close()

    def _run(self) -> None:
        while not (self._is_ending.is_set() and self._queue.empty()):
            rows = self._next_batch()
            if rows:
                self._store.add(rows, now_s=int(self._wall()))
                self._metrics.kept.inc(len(rows))
            self._prune_when_due()

    def _next_batch(self) -> list[Row]:
        rows: list[Row] = []
        with contextlib.suppress(queue.Empty):
            rows.extend(rows_of(self._queue.get(timeout=POLL_S)))
            while len(rows) < MAX_BATCH:
                rows.extend(rows_of(self._queue.get_nowait()))
        return rows

    def _prune_when_due(self) -> None:
        now = time.monotonic()
        if now < self._prune_at:
            return
        older_than_s = int(self._wall() - self._keep_s)
        has_more = self._store.prune(older_than_s=older_than_s, keep_bytes=self._keep_bytes)
        self._metrics.stored_bytes.set(self._store.used_bytes())
        self._prune_at = now + (0 if has_more else PRUNE_EVERY_S)
