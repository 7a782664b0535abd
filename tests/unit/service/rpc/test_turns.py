"""Calls that come while others are served are served together, each once, and none waits alone."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.rpc.turns import BATCH_MAX, BATCHES_AT_ONCE, COMPANY, Turns

PATIENCE_S = 20


class Desk:
    """Serves batches; remembers them, and can be closed so that calls gather."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()
        self.turns = Turns(self.serve)
        self.begun = threading.Semaphore(0)
        self._lock = threading.Lock()
        self.at_work = self.most_at_work = 0

    def serve(self, batch: Sequence[str]) -> None:
        with self._lock:
            self.batches.append(list(batch))
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        self.begun.release()
        assert self.open.wait(PATIENCE_S)
        with self._lock:
            self.at_work -= 1

    def call(self, key: str, name: str = "") -> str:
        self.turns.take(key, name or key)
        self.turns.leave(key)
        return name or key


def gathered(desk: Desk, count: int) -> None:
    """Wait until so many stand in the queue."""
    for _ in range(PATIENCE_S * 200):
        with desk.turns._lock:
            if len(desk.turns._waiting) == count:
                return
        threading.Event().wait(0.005)
    pytest.fail(f"{count} never gathered")


def test_a_call_that_finds_nobody_is_served_at_once_by_itself() -> None:
    desk = Desk()

    for name in ("a", "b", "c"):
        desk.call(name)

    assert desk.batches == [["a"], ["b"], ["c"]]


def test_calls_that_come_meanwhile_are_served_together() -> None:
    desk = Desk()
    desk.open.clear()
    with ThreadPoolExecutor(60) as threads:
        first = threads.submit(desk.call, "first")
        assert desk.begun.acquire(timeout=PATIENCE_S)
        rest = [threads.submit(desk.call, f"rest-{n}") for n in range(COMPANY - 1)]
        gathered(desk, COMPANY - 1)
        desk.open.set()
        done = {each.result(PATIENCE_S) for each in (first, *rest)}

    assert len(done) == COMPANY
    assert sorted(map(len, desk.batches)) == [1, COMPANY - 1]


def test_a_batch_begins_beside_another_when_enough_have_gathered() -> None:
    desk = Desk()
    desk.open.clear()
    with ThreadPoolExecutor(60) as threads:
        first = threads.submit(desk.call, "first")
        assert desk.begun.acquire(timeout=PATIENCE_S)
        rest = [threads.submit(desk.call, f"rest-{n}") for n in range(COMPANY)]
        assert desk.begun.acquire(timeout=PATIENCE_S)
        late = [threads.submit(desk.call, f"late-{n}") for n in range(40)]
        gathered(desk, 40)
        desk.open.set()
        done = {each.result(PATIENCE_S) for each in (first, *rest, *late)}

    assert len(done) == 41 + COMPANY
    assert sorted(map(len, desk.batches)) == [1, COMPANY, 40]
    assert desk.most_at_work == BATCHES_AT_ONCE


def test_of_two_about_one_order_the_second_waits_for_the_first() -> None:
    desk = Desk()
    desk.turns.take("order", "first")
    with ThreadPoolExecutor(2) as threads:
        second = threads.submit(desk.call, "order", "second")
        other = threads.submit(desk.call, "another")
        assert other.result(PATIENCE_S) == "another"
        gathered(desk, 1)
        assert not second.done()
        desk.turns.leave("order")
        assert second.result(PATIENCE_S) == "second"

    assert ["second"] in desk.batches


@pytest.mark.parametrize("seed", range(5))
def test_everybody_is_served_once_however_they_come(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  # no secret
    desk = Desk()
    calls = [(f"order-{dice.randrange(40)}", f"call-{number}") for number in range(800)]

    with ThreadPoolExecutor(3 * BATCH_MAX) as threads:
        done = list(threads.map(lambda each: desk.call(*each), calls, timeout=PATIENCE_S))

    served = Counter(name for batch in desk.batches for name in batch)
    assert served == Counter(done), f"seed {seed}"
    assert max(served.values()) == 1
    assert max(map(len, desk.batches)) <= BATCH_MAX
    assert desk.most_at_work <= BATCHES_AT_ONCE
    keys = {name: key for key, name in calls}
    assert all(len({keys[name] for name in batch}) == len(batch) for batch in desk.batches)
