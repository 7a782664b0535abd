"""Lets the planned blows fall, each lane in a thread of its own, and counts those that struck."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.faults.chaos.schedule import Blow
from tests.faults.chaos.sizes import Kind

Strike = Callable[[random.Random], None]
"""Lets a blow fall, or raises `MissedError`."""

# Victims are not there for a moment after the blow before: then again, for so long, and then no
# more; longer for a kind that has not struck at all, because each must.
PATIENCE_S: Final = 3.0
PATIENCE_FOR_THE_FIRST_S: Final = 30.0
AGAIN_AFTER_S: Final = 0.25
# Lanes that are behind may take a little longer, so that what is planned is done; afterwards only
# kinds fall that have not been tried: a broker that is slow to come back must not spare the rest.
OVERTIME: Final = 1.1
OVERTIME_S: Final = 20.0


class MissedError(Exception):
    """There was no victim, or it was gone before the blow fell; half a blow does not count."""


class Injector:
    """All lanes."""

    def __init__(
        self,
        plan: Mapping[str, Sequence[Blow]],
        strikes: Mapping[Kind, Strike],
        *,
        seed: int,
        lasts_s: float,
    ) -> None:
        self.struck: Counter[Kind] = Counter()
        self.missed: Counter[Kind] = Counter()
        self.misses: Counter[str] = Counter()
        self.last_at = 0.0
        self.failed: list[BaseException] = []
        self._plan = plan
        self._strikes = strikes
        self._seed = seed
        self._until_s = lasts_s * OVERTIME + OVERTIME_S
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; time runs from here."""
        self._began = time.monotonic()
        for lane, blows in self._plan.items():
            thread = threading.Thread(target=self._run, args=(lane, blows), name=f"blows-{lane}")
            self._threads.append(thread)
            thread.start()

    @property
    def is_done(self) -> bool:
        """Whether every lane has ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Let no further blow fall, and wait for the lanes."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, lane: str, blows: Sequence[Blow]) -> None:
        dice = random.Random(f"{lane}:{self._seed}")  # noqa: S311  # Reproducible on purpose.
        try:
            for blow in blows:
                late_s = time.monotonic() - self._began
                if late_s > self._until_s and self._was_tried(blow.kind):
                    continue
                if self._stop.wait(max(0.0, blow.at_s - late_s)):
                    return
                self._strike(blow.kind, dice)
        except BaseException as error:  # noqa: BLE001  # Told where the test sees it.
            self.failed.append(error)

    def _was_tried(self, kind: Kind) -> bool:
        return bool(self.struck[kind] or self.missed[kind])

    def _strike(self, kind: Kind, dice: random.Random) -> None:
        patience_s = PATIENCE_S if self.struck[kind] else PATIENCE_FOR_THE_FIRST_S
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            try:
                self._strikes[kind](dice)
            except MissedError as error:
                # It may have stopped somebody for a while all the same.
                self._note(self.misses, f"{kind.value}: {error}")
            else:
                self._note(self.struck, kind)
                return
            if self._stop.wait(AGAIN_AFTER_S):
                return
        self._note(self.missed, kind)

    def _note(self, counter: Counter[Any], what: object) -> None:
        with self._counting:
            counter[what] += 1
            self.last_at = time.monotonic()
