"""What breaks while the shops are open: processes are killed, and the database is away for a time.

The supervisor starts again what was killed, as it does for everybody.
"""

from __future__ import annotations

import collections
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.storm.plan import Kill, Plan
from tests.storm.shops import Shops
from tests.storm.stack import Stormy
from tests.system.whole_stack import WHOLE_AGAIN_WITHIN_S, until

LOOK_EVERY_S: Final = 0.05
ENDS_WITHIN_S: Final = 180.0


@dataclass
class Chaos:
    """Carries out the plan's blows, each at its moment, in two threads."""

    plan: Plan
    stormy: Stormy
    shops: Shops
    killed: collections.Counter[str] = field(default_factory=collections.Counter)
    database_down_s: float = 0.0
    """Provider time for which it was really away."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _failed: list[BaseException] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether everything has been broken and runs again."""
        return not any(each.is_alive() for each in self._threads)

    def start(self) -> None:
        """Begin."""
        for work in (self._kill_all, self._take_database):
            thread = threading.Thread(target=self._guarded, args=(work,), name=work.__name__)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Break nothing more; return when everything runs again, or raise what went wrong."""
        self._stop.set()
        for thread in self._threads:
            thread.join(ENDS_WITHIN_S)
        assert self.is_done, "the chaos does not end"
        if self._failed:
            raise self._failed[0]

    def _guarded(self, work: Any) -> None:  # noqa: ANN401  # A method without arguments.
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # `stop` raises it where the test sees it.
            self._failed.append(error)

    def _until(self, at_s: float) -> bool:
        """Wait for that moment; return False if there is none any more."""
        while self.shops.elapsed_s < at_s:
            if self._stop.wait(LOOK_EVERY_S):
                return False
        return not self._stop.is_set()

    def _kill_all(self) -> None:
        for each in self.plan.kills:
            if not self._until(each.at_s):
                return
            self._kill(each)

    def _kill(self, kill: Kill) -> None:
        """Kill the process that runs, not one that starts just now: that would be half a blow."""

        def process() -> dict[str, Any]:
            found: dict[str, Any] = self.stormy.stack.state()["processes"][kill.victim]
            return found

        until(lambda: process()["state"] == "ready", f"{kill.victim} runs", WHOLE_AGAIN_WITHIN_S)
        running = process()
        os.kill(running["pid"], signal.SIGKILL)
        until(
            lambda: process()["restarts"] > running["restarts"],
            f"{kill.victim} is started again",
            WHOLE_AGAIN_WITHIN_S,
        )
        self.killed[kill.victim] += 1

    def _take_database(self) -> None:
        if not self._until(self.plan.database_down_at_s):
            return
        servers, went_s = self.stormy.servers, self.shops.elapsed_s
        # To PostgreSQL, SIGQUIT is an immediate stop: no checkpoint, recovery at the start.
        servers.kill("postgres", signal.SIGQUIT)
        self._until(went_s + self.plan.shape.database_down_s)
        servers.start("postgres")
        self.database_down_s = self.shops.elapsed_s - went_s


@contextmanager
def chaos(plan: Plan, stormy: Stormy, shops: Shops) -> Iterator[Chaos]:
    """Break what the plan says, for as long as the block lasts."""
    breaking = Chaos(plan, stormy, shops)
    breaking.start()
    try:
        yield breaking
    finally:
        breaking.stop()
