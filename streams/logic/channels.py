"""Channel health, level one: what came in over each channel in each minute, and what became of it.

A receipt is counted when it is weighed, in the minute in which it arrived. Weighed again after
a retry, its earlier outcome is taken back first; so a receipt that may be weighed again is
remembered until it is, and of the others the newest, against repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from streams.logic.effects import Effects, Rows, row_of
from streams.logic.numbers import ChannelNumbers
from streams.logic.parts import OpenParts, Part
from streams.logic.stages import PROGRESS, Beat, Progress, advance, progress_row
from streams.logic.windows import SECOND_US, window_start_s

# The relay repeats what was sent and not marked when it died: a few batches, within seconds of a
# failover; and where the database was away for longer, before it sends anything else. What a
# paused one still held is given up after seconds. Remembering costs a worker half a KiB for each
# receipt, so it is the number that is bounded, and the time is short.
MEMORY_US: Final = 120 * SECOND_US
REMEMBERED_MIN: Final = 20_000
_SWEEP_US: Final = 60 * SECOND_US
_RECEIPT: Final = b"r"


class ChannelKey(NamedTuple):
    """One minute of one channel."""

    start_s: int
    channel: str

    @property
    def end_s(self) -> int:
        return self.start_s + 60

    def to_row(self) -> bytes:
        return f"{self.start_s}|{self.channel}".encode()

    @classmethod
    def from_row(cls, row: bytes) -> ChannelKey:
        start, channel = row.decode().split("|", 1)
        return cls(int(start), channel)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of one receipt."""

    offset: int
    logged_us: int
    receipt: str
    # 1, then 2 after a retry; a greater one takes back the smaller.
    revision: int
    channel: str
    receive_us: int
    # When the newest of its facts happened; 0 where it has none.
    event_us: int
    facts: int
    contradictions: int
    is_rejected: bool
    # Rejected, or parked until its order comes: another revision may follow.
    may_follow: bool


@dataclass(frozen=True, slots=True)
class Repeated:
    """A receipt arrived again."""

    offset: int
    logged_us: int
    receipt: str
    channel: str
    receive_us: int


ChannelPart = Part[ChannelKey, ChannelNumbers]
Record = Weighed | Repeated | Beat


@dataclass(slots=True)
class ChannelPartials:
    """The engine of one source partition."""

    rows: Rows
    # So many receipts are remembered however old they are.
    remembered_min: int = REMEMBERED_MIN
    _parts: OpenParts[ChannelKey, ChannelNumbers] = field(init=False)
    _progress: Progress = field(init=False)
    # Receipts that can be forgotten, in the order in which they were last spoken of.
    _settled: dict[bytes, int] = field(init=False, default_factory=dict)
    _swept_us: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        told = self.rows.get(PROGRESS)
        offset, watermark_us, caught_up, clock_us = (
            orjson.loads(told) if told else (-1, 0, False, 0)
        )
        self._progress = Progress(offset, watermark_us, caught_up)
        self._parts = OpenParts(self.rows, ChannelKey, ChannelNumbers, clock_us)
        settled = []
        for key, row in self.rows.items():
            if key.startswith(_RECEIPT):
                _, logged_us, may_follow, *_ = orjson.loads(row)
                if not may_follow:
                    settled.append((logged_us, key))
        self._settled = {key: logged_us for logged_us, key in sorted(settled)}

    def apply(self, records: Sequence[Record]) -> Effects[ChannelPart | Progress]:
        """Count these records."""
        effects: Effects[ChannelPart | Progress] = Effects()
        receipts: dict[bytes, bytes] = {}
        for record in records:
            self._parts.tick(record.logged_us)
            if isinstance(record, Beat):
                continue
            known = self._weigh if isinstance(record, Weighed) else self._repeat
            effects.repeats += not known(record, receipts)  # type: ignore[arg-type]  # Just told.
        effects.outputs.extend(self._parts.changed())
        effects.rows.update(self._parts.rows_changed())
        effects.rows.update(receipts)
        beats = [record for record in records if isinstance(record, Beat)]
        self._progress = advance(self._progress, beats)
        if beats:
            effects.outputs.extend(self._parts.to_tell_again())
            effects.outputs.append(self._progress)
        if records:
            effects.rows[PROGRESS] = progress_row(self._progress, self._parts.clock_us)
        effects.deletions.extend(self._parts.put_away())
        effects.deletions.extend(self._forget(self._parts.clock_us))
        return effects

    @property
    def progress(self) -> Progress:
        """How far this partition has come."""
        return self._progress

    def _weigh(self, record: Weighed, receipts: dict[bytes, bytes]) -> bool:
        key = _RECEIPT + record.receipt.encode()
        known = receipts.get(key) or self.rows.get(key)
        before: list[Any] | None = orjson.loads(known) if known else None
        if before is not None and record.revision <= before[0]:
            return False
        if before is not None:
            minute = ChannelKey(before[3], before[4])
            self._parts.touch(minute, record.offset).add(
                ChannelNumbers.from_row(before[5]), times=-1
            )
        told = _numbers_of(record)
        minute = ChannelKey(window_start_s(record.receive_us, 60), record.channel)
        self._parts.touch(minute, record.offset).add(told)
        row = [record.revision, record.logged_us, record.may_follow, *minute, told.to_row()]
        receipts[key] = row_of(row)
        self._settled.pop(key, None)
        if not record.may_follow:
            self._settled[key] = record.logged_us
        return True

    def _repeat(self, record: Repeated, receipts: dict[bytes, bytes]) -> bool:
        # A receipt that comes twice in one microsecond is one arrival, told twice by the relay.
        key = _RECEIPT + f"{record.receipt}@{record.receive_us}".encode()
        if key in receipts or self.rows.get(key) is not None:
            return False
        minute = ChannelKey(window_start_s(record.receive_us, 60), record.channel)
        self._parts.touch(minute, record.offset).duplicates += 1
        receipts[key] = row_of([0, record.logged_us, False])
        self._settled[key] = record.logged_us
        return True

    def _forget(self, now_us: int) -> list[bytes]:
        if now_us - self._swept_us < _SWEEP_US:
            return []
        self._swept_us = now_us
        spare = max(0, len(self._settled) - self.remembered_min)
        oldest = islice(self._settled.items(), spare)
        old = [key for key, at_us in oldest if now_us - at_us > MEMORY_US]
        for key in old:
            del self._settled[key]
        return old


def _numbers_of(record: Weighed) -> ChannelNumbers:
    """Return what this outcome adds to its minute."""
    has_time = record.event_us > 0
    delay_ms = max(0, record.receive_us - record.event_us) // 1000 if has_time else 0
    return ChannelNumbers(
        receipts=1,
        facts=record.facts,
        rejects=int(record.is_rejected),
        contradictions=record.contradictions,
        delay_sum_ms=delay_ms,
        delayed=int(has_time),
        newest_event_us=record.event_us,
    )
