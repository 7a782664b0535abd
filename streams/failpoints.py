"""Named places in the worker where a test may make it fail, stop, or die.

    failpoints.reach("intake:before_apply")

Nothing happens there unless the name is armed, as `CONCORD_FAILPOINTS` does for a worker of a
test: `intake:before_apply=kill@3`, the third visit. What may happen: `raise`, an error that nobody
foresaw; `hang`, it goes no further; `kill`, the process dies by SIGKILL.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

NONE_ARMED: Final = "none"


class FailpointError(Exception):
    """Something failed that nobody foresaw."""


def _fail() -> NoReturn:
    raise FailpointError


def _hang() -> None:
    # The loop stands still with it, as it would in code that does not end.
    threading.Event().wait()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


ACTIONS: Final[Mapping[str, Callable[[], None]]] = {"raise": _fail, "hang": _hang, "kill": _die}


class Failpoints:
    """Places by name. Production builds it with none armed."""

    def __init__(self) -> None:
        self._armed: dict[str, tuple[int, Callable[[], None]]] = {}

    @property
    def is_armed(self) -> bool:
        """Whether anything may happen anywhere."""
        return bool(self._armed)

    def arm(self, name: str, act: Callable[[], None], visit: int = 1) -> None:
        """Let this happen at one visit of a place."""
        self._armed[name] = (visit, act)

    def reach(self, name: str) -> None:
        """Do what was armed under this name, if anything was."""
        if not self._armed or name not in self._armed:
            return
        left, act = self._armed.pop(name)
        if left > 1:
            self._armed[name] = (left - 1, act)
        else:
            act()


def armed(text: str) -> Failpoints:
    """Return the places as a setting arms them, or raise ValueError."""
    failpoints = Failpoints()
    if text == NONE_ARMED:
        return failpoints
    for part in (each.strip() for each in text.split(",")):
        name, _, told = part.partition("=")
        action, _, visit = told.partition("@")
        if not name or action not in ACTIONS or not (visit or "1").isdigit():
            message = f"{part!r} is no NAME=ACTION[@VISIT] with one of {', '.join(ACTIONS)}"
            raise ValueError(message)
        failpoints.arm(name, ACTIONS[action], int(visit or "1"))
    return failpoints
