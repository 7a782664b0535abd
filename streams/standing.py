"""Where the threads and tasks of a process stand: what a worker that stands still has to tell.

Places in code, as those of an error in a log; nothing of what they work on.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

INNERMOST_FRAMES: Final = 12


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
            yield Stand("thread", 1, _of_thread(frame))
    tasks = [task for loop in loops for task in asyncio.all_tasks(loop)]
    for places, count in Counter(_of_task(task.get_coro()) for task in tasks).items():
        yield Stand("task", count, places)


def _of_thread(innermost: FrameType | None) -> tuple[str, ...]:
    places: list[str] = []
    while innermost is not None and len(places) < INNERMOST_FRAMES:
        places.append(_place(innermost))
        innermost = innermost.f_back
    return tuple(reversed(places))


def _of_task(awaited: Any) -> tuple[str, ...]:  # noqa: ANN401  # Whatever is awaited.
    """Follow what awaits what: coroutines, and generators that serve as such."""
    places: list[str] = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            places.append(_place(frame))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return tuple(places[-INNERMOST_FRAMES:])


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(code.co_filename.split('/')[-3:])}:{frame.f_lineno} {code.co_name}"
