"""Follows a batch until it has ended: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import Final

from clients.cli import output, progress
from clients.sdk import Concord
from concord.batches.v1 import batch_service_pb2 as api

# Where it goes on only when somebody says so.
STILL: Final = frozenset(
    {
        api.Batch.STATE_FROZEN,
        api.Batch.STATE_PAUSED,
        api.Batch.STATE_DONE,
        api.Batch.STATE_CANCELLED,
    }
)


def follow(concord: Concord, name: str) -> api.Batch:
    """Return the batch when it stands still; Ctrl-C ends the following, and not the batch."""
    now = concord.batches.get(name)
    done = _tried(now)
    try:
        with (
            concord.batches.watch(now.name) as told,
            progress.counting(now.template, now.size) as count,
        ):
            count(done)
            for each in told:
                count(_tried(each) - done)
                done, now = _tried(each), each
                if now.state in STILL:
                    break
    except KeyboardInterrupt:
        output.note(f"It goes on without you: `concord batch watch {name}`, `… pause {name}`.")
        raise
    return now


def _tried(batch: api.Batch) -> int:
    return batch.counts.done + batch.counts.failed
