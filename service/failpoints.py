"""Named places in the code where a test may make a process fail, stop, or die.

    failpoints.reach("relay:after_send")

Nothing happens there unless the name is armed, as `CONCORD_FAILPOINTS` does for a process of a
test: `relay:after_send=kill@3,storage:before_commit=hang`, the third visit and the first. What
may happen:

- `raise`: an error that nobody foresaw, as a defect of ours would be;
- `hang`: it goes no further, and nobody is told;
- `kill`: the process dies by SIGKILL;
- `commit-then-raise`: all goes well, the commit too, but it is told as a lost connection.
"""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Final

from service.domain.errors import OutageError

NONE_ARMED: Final = "none"
COMMITTED: Final = "storage:after_commit"
# What is reached before a COMMIT; behind it the connection is lost where it stands.
BEFORE_COMMIT: Final = ("rpc:before_work", "storage:before_", "unit:")
ACTIONS: Final = ("raise", "hang", "kill", "commit-then-raise")

Act = Callable[[], None]


class FailpointError(Exception):
    """Something failed that nobody foresaw."""


class Failpoints:
    """Places by name. Production builds it with none armed."""

    def __init__(self, armed: Mapping[str, Act] | None = None) -> None:
        self._armed = dict(armed or {})
        # Those that were armed when somebody came by.
        self.reached: set[str] = set()

    def reach(self, name: str) -> None:
        """Do what was armed under this name, if anything was."""
        if self._armed and (act := self._armed.get(name)):
            self.reached.add(name)
            act()

    @property
    def is_armed(self) -> bool:
        """Whether anything may happen anywhere."""
        return bool(self._armed)

    def arm(self, name: str, act: Act) -> None:
        """Let this happen at each visit from here on."""
        self._armed[name] = act

    def disarm(self) -> None:
        """Let nothing happen anywhere."""
        self._armed.clear()
        self.reached.clear()

    def arm_action(self, name: str, action: str, visit: int = 1) -> None:
        """Let one of the actions happen at one visit of a place."""
        acts: dict[str, Act] = {
            "raise": _fail,
            "hang": _hang,
            "kill": _die,
            "commit-then-raise": self._lose_commit,
        }
        if action == "commit-then-raise" and not name.startswith(BEFORE_COMMIT):
            self.arm(name, _at(visit, _lose_connection))
        else:
            self.arm(name, _at(visit, acts[action]))

    def _lose_commit(self) -> None:
        self.arm(COMMITTED, _at(1, _lose_connection))


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
        failpoints.arm_action(name, action, int(visit or "1"))
    return failpoints


def _at(visit: int, act: Act) -> Act:
    left = visit

    def visited() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    return visited


def _fail() -> None:
    raise FailpointError


def _lose_connection() -> None:
    raise OutageError


def _hang() -> None:
    threading.Event().wait()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
