"""Whose turn it is: calls that come while others are being served are served together.

A call that finds nobody at work is served at once, by itself. While it is, others come; whoever is
done serves all who have come meanwhile by handing them to one of their own threads. So the more
calls there are, the more share a transaction. A second batch begins beside the first only when
enough have gathered: what a transaction costs is not worth paying for one call, where that call
has not long to wait.

Of two calls about one order the second waits until the first is done.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# While PostgreSQL works for one batch, Python decides the next.
BATCHES_AT_ONCE: Final = 2
# So many make it worth while to begin a batch beside another.
COMPANY: Final = 16
# So many decisions of some 0.5 ms each are what the next call waits for at worst.
BATCH_MAX: Final = 64


@dataclass(eq=False)
class Turn(Generic[T]):
    """One call's place: about what it is, and how its thread is woken."""

    key: str
    asked: T
    batch: "Sequence[Turn[T]]" = ()
    """Whom its thread must serve, itself among them; nobody, when it has been served."""
    _woken: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin asleep."""
        self._woken.acquire()

    def sleep(self) -> None:
        """Wait until somebody wakes it."""
        self._woken.acquire()

    def wake(self) -> None:
        """Let its thread go on."""
        self._woken.release()


class Turns(Generic[T]):
    """Serves calls in batches, in the threads of the calls themselves."""

    def __init__(self, serve: Callable[[Sequence[T]], None]) -> None:
        """Take what serves a batch. Who was not served, should it raise, goes on without."""
        self._serve = serve
        self._lock = threading.Lock()
        self._waiting: list[Turn[T]] = []
        self._busy: set[str] = set()
        self._batches = 0

    def take(self, key: str, asked: T) -> None:
        """Return when it has been served; the key is its own until `leave`."""
        turn = Turn(key, asked)
        with self._lock:
            self._waiting.append(turn)
            following = self._following()
        if turn not in following:
            _hand_on(following)
            turn.sleep()
            following = turn.batch
        if following:
            self._serve_all(turn, following)

    def leave(self, key: str) -> None:
        """Let the next call about it have its turn."""
        with self._lock:
            self._busy.discard(key)
            following = self._following()
        _hand_on(following)

    def _serve_all(self, own: Turn[T], batch: Sequence[Turn[T]]) -> None:
        try:
            self._serve([each.asked for each in batch])
        finally:
            with self._lock:
                self._batches -= 1
                following = self._following()
            _hand_on(following)
            for each in batch:
                if each is not own:
                    each.batch = ()
                    each.wake()

    def _following(self) -> Sequence[Turn[T]]:
        """Take from those who wait a batch whose keys are free; nobody, if enough are at work."""
        chosen: list[Turn[T]] = []
        if not self._waiting or self._batches == BATCHES_AT_ONCE:
            return chosen
        if self._batches and len(self._waiting) < COMPANY:
            return chosen
        for each in self._waiting:
            if each.key not in self._busy and len(chosen) < BATCH_MAX:
                self._busy.add(each.key)
                chosen.append(each)
        if chosen:
            self._batches += 1
            self._waiting = _without(self._waiting, chosen)
        return chosen


def _hand_on(batch: Sequence[Turn[T]]) -> None:
    """Let one of them serve them all."""
    if batch:
        batch[0].batch = batch
        batch[0].wake()


def _without(turns: Iterable[Turn[T]], gone: Sequence[Turn[T]]) -> list[Turn[T]]:
    left = set(gone)
    return [each for each in turns if each not in left]
