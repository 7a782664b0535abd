"""Sends receipts in batches: mixed, out of order, some again; and keeps what was acknowledged."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.faults.chaos.callers import Callers
from tests.faults.chaos.orders import Step, Story, story
from tests.faults.chaos.sizes import Size

# Orders that are told of together: their receipts come mixed.
DECK: Final = 64
REPEATED: Final = 0.04
OUT_OF_ORDER: Final = 0.15
LOOK_S: Final = 0.1


@dataclass
class Sender:
    """All lanes of receipts."""

    callers: Callers
    size: Size
    seed: int
    began_s: int
    # How many receipts were acknowledged and have no outcome yet.
    ahead: Callable[[], int]
    stories: list[Story] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)
    _source: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to send."""
        self._batches = self._deal()
        for lane in range(self.size.lanes):
            thread = threading.Thread(target=self._run, args=(lane,), name=f"sender-{lane}")
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Begin no new deck; return when all that was begun is acknowledged."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, lane: int) -> None:
        dice = random.Random(f"sender:{self.seed}:{lane}")  # noqa: S311  # Reproducible.
        sent: list[Step] = []
        try:
            while True:
                with self._source:
                    batch = next(self._batches, None)
                if batch is None:
                    return
                while self.ahead() > self.size.ahead_max and not self._stop.wait(LOOK_S):
                    pass
                again = dice.sample(sent, min(len(sent), int(len(batch) * REPEATED)))
                self._submit(lane, batch, again)
                sent = batch
        except BaseException as error:  # noqa: BLE001  # Told where the test sees it.
            self.failed.append(error)

    def _submit(self, lane: int, fresh: list[Step], again: list[Step]) -> None:
        receipts = [each.receipt for each in (*fresh, *again)]
        answer = self.callers.patiently(
            "submit", lambda: self.callers.client(lane).intake.submit(receipts)
        )
        ledger, told = self.callers.ledger, answer.submitted
        if len(told) != len(receipts):
            ledger.problem(f"{len(receipts)} receipts were sent, and {len(told)} answered for")
        for step, each in zip(fresh, told, strict=False):
            ledger.note_receipt(step.what, each.receipt)
        for step, each in zip(again, told[len(fresh) :], strict=False):
            ledger.note_repeat(step.what, each.receipt, repeated=each.repeated)

    def _deal(self) -> Iterator[list[Step]]:
        """Yield batches until told to stop; a deck that was begun is dealt to its end."""
        number, held = 0, list[Step]()
        while not self._stop.is_set():
            dice = random.Random(f"deck:{self.seed}:{number}")  # noqa: S311  # Reproducible.
            told = [story(self.seed, number + each, self.began_s) for each in range(DECK)]
            number += DECK
            self.stories += told
            held += _mixed(told, dice)
            while len(held) >= self.size.batch:
                yield held[: self.size.batch]
                held = held[self.size.batch :]
        if held:
            yield held


def _mixed(told: list[Story], dice: random.Random) -> list[Step]:
    """Return all steps: orders mixed, most of them in the order of events, some not."""
    dealt: list[tuple[float, Step]] = []
    for each in told:
        places = sorted(dice.random() for _ in each.steps)
        if dice.random() < OUT_OF_ORDER:
            dice.shuffle(places)
        dealt += zip(places, each.steps, strict=True)
    return [step for _, step in sorted(dealt, key=lambda pair: pair[0])]
