"""Rows that come back from a changelog a chunk at a time.

Stock Faust takes two tasks of the event loop and an event for each record of a changelog: 150 µs
before it is a row. A worker that takes over wants all rows of its partitions before it does
anything else. `ChunkedApp` delivers changelogs in chunks, as it does other topics; a chunk is one
event with the offset of its last record, and everything else that Faust does stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import faust


class ChunkedTable(faust.Table[bytes, bytes]):
    """A table in memory, whose changelog is read in chunks."""

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Make rows of what the chunks hold, in their order."""
        store: Any = self.data
        rows, partitions = store.data, store._key_partition
        for event in batch:
            for record in event.message.records:
                if record.value is None:
                    rows.pop(record.key, None)
                    partitions.pop(record.key, None)
                else:
                    rows[record.key] = record.value
                    partitions[record.key] = record.partition
