"""What an engine answers: rows to keep, rows to drop, and what to tell others.

The shell around an engine sends the outputs, waits until the broker has them, then writes the
rows of the chunk, all or nothing. So a row never exists without the outputs that it came with; a
crash in between sends them again, and engines make them such that a repeat changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import orjson

Output = TypeVar("Output")


class Rows(Protocol):
    """The rows of one partition, as they were after the last chunk."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Return every row as it is now, whatever changes while they are read."""
        ...


@dataclass(slots=True)
class Effects(Generic[Output]):
    """What follows from one chunk of one partition."""

    outputs: list[Output] = field(default_factory=list)
    rows: dict[bytes, bytes] = field(default_factory=dict)
    deletions: list[bytes] = field(default_factory=list)
    # Records that were not applied because they had been before.
    repeats: int = 0
    # Changes to windows that were final.
    late: int = 0


def row_of(told: object) -> bytes:
    """Return what a row says as JSON, in bytes that may be kept.

    The library's own result keeps the 4 KiB that it was written into for as long as it lives.
    """
    return bytes(memoryview(orjson.dumps(told)))
