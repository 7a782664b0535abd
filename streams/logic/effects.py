"""What an engine answers: rows to keep, rows to drop, and what to tell others.

The shell around an engine sends the outputs, waits until the broker has them, then writes the
rows, in the order in which they stand here, to one changelog partition. A crash therefore leaves
a prefix: never a row without its outputs, and never a later row without an earlier one. Engines
put what guards against repeats (the number of an order, the row of a receipt) after what it
guards, so a replay finds either both or neither undone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

Output = TypeVar("Output")


class Rows(Protocol):
    """The rows of one partition, as they were after the last chunk."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return every row; read once, when the partition is taken over."""
        ...


@dataclass(slots=True)
class Effects(Generic[Output]):
    """What follows from one chunk of one partition."""

    outputs: list[Output] = field(default_factory=list)
    # Insertion order is the order of writing.
    rows: dict[bytes, bytes] = field(default_factory=dict)
    deletions: list[bytes] = field(default_factory=list)
    # Records that were not applied because they had been before.
    repeats: int = 0
    # Changes to windows that were final.
    late: int = 0
