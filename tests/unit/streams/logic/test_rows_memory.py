"""What a row costs a worker is what it says."""

from __future__ import annotations

import gc
import tracemalloc

from streams.logic.effects import row_of

ROWS = 2_000
# The text, and what an object of bytes is itself.
BYTES_MAX = 150


def test_a_kept_row_costs_what_it_says() -> None:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    rows = [row_of([number, "a channel", [1, 2, 3]]) for number in range(ROWS)]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (after - before) / len(rows) < BYTES_MAX
