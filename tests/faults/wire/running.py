"""Cuts one call at chosen messages, repeats it, and holds what was told against what is there.

1. An uncut call, and its repeat, tell how many messages there are and by what they move the
   census.
2. For each chosen message and side: a fresh target, the call, the cut. What a success says must
   be in the database when the caller has it. Then the call again, with the same request id; the
   `Act` reads both answers, and says how often the caller was told that the work was done.
3. All of them together must have moved the census by that, and by nothing else.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from tests.faults.wire import census
from tests.faults.wire.acts import EITHER, ONCE, TWICE, UNTOLD, Act
from tests.faults.wire.census import Census
from tests.faults.wire.cutting import Cut, Passed, Side, at_number
from tests.faults.wire.preparing import Target
from tests.faults.wire.world import Told, World

T = TypeVar("T")

# The COMMIT, what the server says to it, and that it is ready for more.
COMMIT_MESSAGES: Final = 3


@dataclass(frozen=True, slots=True)
class Boundary:
    """One place to cut at: before or after a message; for a moment, or until it is healed."""

    number: int
    side: Side
    lasts: bool

    def __str__(self) -> str:
        return f"{self.side.value} message {self.number}{', lasting' if self.lasts else ''}"


@dataclass(frozen=True, slots=True)
class Uncut:
    """What a call is when nobody cuts it: its messages, and by what it moves the census."""

    messages: Sequence[Passed]
    once: Census
    twice: Census

    @property
    def boundaries(self) -> list[Boundary]:
        """Both sides of every message.

        Between two messages lie the side after the one and the side before the next: the first is
        cut for a moment, so that the service finds its way by itself, the other until healed, so
        that the caller must come again. Around a COMMIT each side is cut in both ways.
        """
        return [
            Boundary(number, side, lasts)
            for number in range(1, len(self.messages) + 1)
            for side in Side
            for lasts in (False, True)
            if lasts is (side is Side.BEFORE) or self._is_around_commit(number)
        ]

    def _is_around_commit(self, number: int) -> bool:
        lately = self.messages[max(0, number - COMMIT_MESSAGES) : number]
        return any(each.message.text == "COMMIT" for each in lately)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of cutting one call."""

    rpc: str
    messages: int
    boundaries: int
    cut: int
    first: Counter[str]

    def __str__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.first.items()))
        name = self.rpc.rpartition(".v1.")[2]
        return (
            f"{name:42} {self.messages:4} messages, {self.cut:4} of {self.boundaries:4} boundaries;"
            f" first answers: {told}"
        )


def choose(places: Sequence[T], every: int, seed: str) -> list[T]:
    """Return one place in so many, by chance."""
    chance = random.Random(seed)  # noqa: S311  # which places, not a secret
    return [each for each in places if chance.randrange(every) == 0]


def measure(world: World, act: Act, *, fresh_connection: bool = False) -> Uncut:
    """Make the call twice, and twice more with a repeat, and cut nothing."""
    warm, single, double = act.prepare(world.preparing, 3)
    # The first call of a process does more: it looks at the server, and fills caches.
    _called(world, act, warm, str(uuid.uuid4()))
    before = census.take(world.witness)
    if fresh_connection:
        world.served.drop_connections()
    world.proxy.arm()
    told = _called(world, act, single, str(uuid.uuid4()))
    messages = world.proxy.disarm()
    assert told.is_ok, f"uncut, {act.rpc} got {told}"
    between = census.take(world.witness)
    request_id = str(uuid.uuid4())
    first = _called(world, act, double, request_id)
    story = act.story(first, _called(world, act, double, request_id))
    after = census.take(world.witness)
    once, twice = census.moved(before, between), census.moved(between, after)
    assert once, f"{act.rpc} changes nothing: it is a read"
    if story == ONCE:
        assert once == twice, f"a repeat of {act.rpc} does something:\n{census.told(twice)}"
    return Uncut(messages, once, twice)


def run(
    world: World,
    act: Act,
    uncut: Uncut,
    chosen: Sequence[Boundary],
    *,
    fresh_connection: bool = False,
) -> Report:
    """Cut at every chosen place, and judge them together."""
    targets = act.prepare(world.preparing, len(chosen))
    before = census.take(world.witness)
    stories, first = Counter[str](), Counter[str]()
    for target, boundary in zip(targets, chosen, strict=True):
        if fresh_connection:
            world.served.drop_connections()
        message = uncut.messages[boundary.number - 1]
        try:
            told, story = _cut(world, act, target, boundary)
        except AssertionError as error:
            error.add_note(f"{act.rpc}, cut {boundary}: {message}")
            raise
        stories[story] += 1
        first[str(told)] += 1
    moved = census.moved(before, census.take(world.witness))
    _judge(act, uncut, stories, moved)
    return Report(act.rpc, len(uncut.messages), len(uncut.boundaries), len(chosen), first)


def _cut(world: World, act: Act, target: Target, boundary: Boundary) -> tuple[Told, str]:
    """Cut and repeat; return what was told at first, and how often the work is done by now."""
    request_id = str(uuid.uuid4())
    world.proxy.arm(Cut(at_number(boundary.number), boundary.side, boundary.lasts))
    first = _called(world, act, target, request_id)
    was_cut = world.proxy.was_cut
    world.proxy.disarm()
    assert was_cut, f"{act.rpc} ended before it was cut {boundary}"
    if first.is_ok:
        _prove(world, act, target, request_id, first)
    elif act.story in UNTOLD:
        world.settle()
    was_done = bool(world.ask(act.proof, *act.values(target, request_id)))
    story = act.story(first, _called(world, act, target, request_id))
    return first, (TWICE if was_done else ONCE) if story == EITHER else story


def _prove(world: World, act: Act, target: Target, request_id: str, told: Told) -> None:
    """Look whether what a success says is in the database, by what is committed."""
    found = world.ask(act.proof, *act.values(target, request_id))
    assert found, f"{act.rpc} was told to be done, and is not"
    stored = found[0][0]
    if isinstance(stored, memoryview):
        assert bytes(stored) == told.body, f"{act.rpc} answered what is not stored"


def _judge(act: Act, uncut: Uncut, stories: Counter[str], moved: Census) -> None:
    parts = ((uncut.once, stories[ONCE]), (uncut.twice, stories[TWICE]))
    expected = census.summed(_times(delta, count) for delta, count in parts)
    too_much = census.told(census.moved(expected, moved))
    assert not too_much, f"{act.rpc}, told {dict(stories)}; beyond that\n{too_much}"


def _times(delta: Census, count: int) -> Census:
    return Counter({kind: number * count for kind, number in delta.items()})


def _called(world: World, act: Act, target: Target, request_id: str) -> Told:
    return world.call(act.rpc, act.request(target, request_id))
