"""Decides which rows of a round count as published: the unbroken prefix of each stream.

If a later message of a stream were marked although an earlier one failed, the earlier one would
arrive after it, and consumers, who take numbers in order, would wait for ever (the model in
tests/model/relay.pml finds this in seconds).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.application.outbox import OutboxRow, StreamKey
from service.kafka.producer import Failure


@dataclass(frozen=True, slots=True)
class Sendable:
    """Rows to send, each stream in its order; and where a stream has a hole, the row behind it."""

    rows: Sequence[OutboxRow]
    holes: Mapping[StreamKey, OutboxRow]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a round achieved, and the first failure of each stream that had one."""

    published: Sequence[OutboxRow]
    failed: Mapping[StreamKey, tuple[OutboxRow, Failure]]


def sendable(rows: Sequence[OutboxRow]) -> Sendable:
    """Return the rows that may be sent.

    A claim holds each stream's unpublished rows without a gap, because numbers are given under
    the stream's lock. A gap would be a defect: nothing behind it is sent.
    """
    last: dict[StreamKey, int] = {}
    holes: dict[StreamKey, OutboxRow] = {}
    kept = []
    for row in rows:
        if row.stream in holes:
            continue
        if row.n is not None:
            if row.n != last.get(row.stream, row.n - 1) + 1:
                holes[row.stream] = row
                continue
            last[row.stream] = row.n
        kept.append(row)
    return Sendable(kept, holes)


def settle(rows: Sequence[OutboxRow], outcomes: Sequence[Failure | None]) -> Settled:
    """Return which rows to mark, given what became of each; None is an acknowledgement."""
    if not any(outcomes):
        return Settled(rows, {})
    published = []
    failed: dict[StreamKey, tuple[OutboxRow, Failure]] = {}
    for row, failure in zip(rows, outcomes, strict=True):
        if row.stream in failed:
            continue
        if failure is not None:
            failed[row.stream] = (row, failure)
        else:
            published.append(row)
    return Settled(published, failed)
