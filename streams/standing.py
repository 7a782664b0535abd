"""Where the threads and tasks of a process stand: what a worker that stands still has to tell.

Places in code, as those of an error in a log; nothing of what they work on.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from streams.telemetry.logs import places as places_of

# A frame, and the line in it.
At = tuple[FrameType, int]


@dataclass(frozen=True, slots=True)
class Stand:
    """A thread, or tasks that wait at the same place; outermost place first."""

    kind: str
    count: int
    places: tuple[str, ...]


def stands(loops: Iterable[asyncio.AbstractEventLoop]) -> Iterator[Stand]:
    """Return each thread's place, and those of the tasks of these loops."""
    alive = {thread.ident for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident in alive and ident != threading.get_ident():
            yield Stand("thread", 1, _places(_of_thread(frame)))
    tasks = [task for loop in loops for task in asyncio.all_tasks(loop)]
    found = Counter(_places(_of_task(task.get_coro())) for task in tasks)
    for at, count in found.items():
        yield Stand("task", count, at)


def _of_thread(frame: FrameType) -> list[At]:
    """Return where each call is, outermost first."""
    return [*traceback.walk_stack(frame)][::-1]


def _of_task(awaited: Any) -> list[At]:  # noqa: ANN401  # Whatever is awaited.
    """Follow what awaits what: coroutines, and generators that serve as such."""
    at: list[At] = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            at.append((frame, frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return at


def _places(at: Iterable[At]) -> tuple[str, ...]:
    return tuple(places_of(traceback.StackSummary.extract(iter(at), lookup_lines=False)))
