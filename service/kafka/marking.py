"""Marks what was acknowledged while the next part of a claim is sent.

Parts are marked one after the other, on a thread that has the queue to itself meanwhile. Nothing
behind a part whose marks failed is marked: of each stream, what is marked stays a prefix.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from service.application.outbox import RelayQueue


class Marking:
    """One part's marks under way at a time. Whoever uses the queue otherwise calls `wait` first."""

    def __init__(self, queue: RelayQueue) -> None:
        self._queue = queue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="marking")
        self._pending: Future[int] | None = None
        self._rows = 0

    def begin(self, row_ids: Sequence[int]) -> None:
        """Begin to mark; nothing else may be under way."""
        self._rows = len(row_ids)
        if row_ids:
            self._pending = self._thread.submit(self._queue.mark_published, row_ids)

    def wait(self) -> tuple[int, int]:
        """Return how many rows were marked, and how many were to be, since the last time asked.

        Raises:
            OutageError: PostgreSQL is away; some of them may be marked.
        """
        pending, self._pending = self._pending, None
        rows, self._rows = self._rows, 0
        return (pending.result() if pending else 0), rows

    def close(self) -> None:
        """End the thread, when it is done."""
        self._thread.shutdown()
