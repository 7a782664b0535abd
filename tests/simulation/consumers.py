"""Who reads the topics: with a place that is remembered, and another that is lost in a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.application.outbox import Stream
from service.kafka.topics import NAMES
from tests.simulation.broker import PARTITIONS, MemoryBroker, Record
from tests.simulation.chance import Chance

Handle = Callable[[int, Sequence[tuple[int, Record]]], None]


@dataclass
class Consumer:
    """Reads one topic in chunks, each at least once; a crash goes back to what was committed."""

    name: str
    topic: str
    broker: MemoryBroker
    handle: Handle
    # Called when the broker begins a new life: what was kept belongs to the old one.
    forget: Callable[[], None] = lambda: None
    chunk_most: int = 4
    _at: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    _epoch: int = 0

    def step(self, chance: Chance, epoch: int) -> str:
        """Take one chunk of one partition; empty where there is none."""
        self.follow(epoch)
        logs = self.broker.logs.get(self.topic, ())
        behind = [number for number, log in enumerate(logs) if self._at[number] < len(log)]
        if not behind:
            return ""
        number = chance.one_of(behind)
        begin = self._at[number]
        end = min(begin + 1 + chance.below(self.chunk_most), len(logs[number]))
        chunk = list(enumerate(logs[number][begin:end], start=begin))
        self.handle(number, [each for each in chunk if each[1].epoch == epoch])
        self._at[number] = end
        return f"{self.name} takes {number}@{begin}-{end}"

    def follow(self, epoch: int) -> None:
        """Begin anew with a new life of the broker."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._at = [0] * PARTITIONS
            self.forget()

    def rewind(self, chance: Chance) -> str:
        """Go back, as after a rebalance."""
        self._at = [chance.below(each + 1) for each in self._at]
        return f"{self.name} goes back to {self._at}"

    def begin_anew(self) -> None:
        """Read everything once more."""
        self._at = [0] * PARTITIONS

    @property
    def is_done(self) -> bool:
        """Nothing is left to read."""
        logs = self.broker.logs.get(self.topic, ())
        return all(self._at[number] >= len(log) for number, log in enumerate(logs))


@dataclass
class Guarded:
    """What a guarded consumer applied of each key: each number once, in order."""

    stream: Stream
    # Called with what is applied for the first time.
    apply: Callable[[Record], None] = lambda _record: None
    applied: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    gaps: int = 0
    # Set by the variant that takes whatever comes.
    is_off: bool = False
    # What was applied, in order, for the end of the seed to look at.
    log: dict[str, list[int]] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """The topic's name."""
        return NAMES[self.stream]

    def take(self, _partition: int, chunk: Sequence[tuple[int, Record]]) -> None:
        """Apply what is next; drop what is known; leave what is too early, it will come again."""
        for _, record in chunk:
            if record.n is None:
                continue
            last = self.applied.get(record.key, 0)
            if record.n == last + 1 or self.is_off:
                self.applied[record.key] = record.n
                self.log.setdefault(record.key, []).append(record.n)
                self.apply(record)
            elif record.n <= last:
                self.repeats += 1
            else:
                self.gaps += 1

    def forget(self) -> None:
        """Keep nothing."""
        self.applied, self.log = {}, {}


def heads_of(heads: Mapping[tuple[Stream, str], int], stream: Stream) -> dict[str, int]:
    """Return the last number of each key of one stream."""
    return {key: n for (each, key), n in heads.items() if each is stream}
