"""Starts processes in order, keeps them running, and ends them in the opposite order.

A process starts when all it depends on are ready; those that are independent start at once. One
that ends unexpectedly starts again after a growing pause, until it has failed too often; if it is
required, the stack then ends. Nothing outlives the supervisor (`launcher`).
"""

from __future__ import annotations

import asyncio
import collections
import functools
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from deploy.local.logs import Log
from deploy.local.process import NotReadyError, Process, Spec, State, UnusableError

# Fast enough not to be felt in a start of seconds, slow enough to cost nothing on two cores.
PROBE_EVERY_S: Final = 0.1

# 0.5, 1, 2, 4 s: a dependency that restarts (PostgreSQL: about 2 s) is back within them.
BACK_OFF_FIRST_S: Final = 0.5
BACK_OFF_MAX_S: Final = 30.0

# Five ends within two minutes are a fault that another restart does not heal.
ENDS_MAX: Final = 5
ENDS_WITHIN_S: Final = 120.0

# Our processes end with 2 when their settings are wrong; trying again would not correct them.
EXIT_MISCONFIGURED: Final = 2


class Listener(Protocol):
    """Is told what happens, as it happens."""

    def changed(self, process: Process, detail: str) -> None:
        """The process entered its state; the detail says why, where there is a why."""

    def wrote(self, name: str, line: str) -> None:
        """The process wrote a line."""


class StackFailedError(Exception):
    """A required process does not run and is not tried again."""

    def __init__(self, process: Process, reason: str) -> None:
        super().__init__(f"{process.name}: {reason}")
        self.process = process
        self.reason = reason


class Supervisor:
    """Runs a set of processes that depend on each other."""

    def __init__(
        self, specs: Iterable[Spec], *, logs: Path, listener: Listener, restarts: bool = True
    ) -> None:
        self._listener = listener
        self._restarts = restarts
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None
        self.processes: dict[str, Process] = {}
        for spec in specs:
            log = Log(logs / f"{spec.name}.log", functools.partial(listener.wrote, spec.name))
            self.processes[spec.name] = Process(spec, log)

    async def start(self) -> None:
        """Return when every process is ready, or was not required and has failed.

        Raises:
            StackFailedError: a required process failed for good.
        """
        for name in self.processes:
            self._begin(name)
        await self._until_settled(*self.processes)

    async def watch(self) -> None:
        """Return never: wait until a required process fails for good.

        Raises:
            StackFailedError: it did.
        """
        await self._failed.wait()
        self._raise_failure()

    async def stop(self) -> None:
        """End every process, each after those that depend on it."""
        stopped = {name: asyncio.Event() for name in self.processes}

        async def stop_in_turn(process: Process) -> None:
            for other in self.processes.values():
                if process.name in other.spec.after:
                    await stopped[other.name].wait()
            await self.stop_one(process.name)
            process.log.close()
            stopped[process.name].set()

        # First of all, so that nobody restarts what ends now.
        await self._let_go(*self._keepers)
        await asyncio.gather(*(stop_in_turn(process) for process in self.processes.values()))

    async def start_one(self, name: str) -> None:
        """Start a process that was stopped, or killed for good; return when it is ready."""
        # As at its first start: one that does not become ready is tried again, then told.
        self.processes[name].ready_after_s = None
        self._begin(name)
        await self._until_settled(name)

    async def stop_one(self, name: str) -> None:
        """End one process and leave it ended."""
        await self._let_go(name)
        process = self.processes[name]
        is_running = process.pid is not None
        await process.stop()
        if is_running:
            process.settled.clear()
            self._enter(process, State.STOPPED)

    def _begin(self, name: str) -> None:
        keeper = asyncio.create_task(self._keep(self.processes[name]))
        keeper.add_done_callback(self._note_failure)
        self._keepers[name] = keeper

    async def _let_go(self, *names: str) -> None:
        keepers = {self._keepers.pop(name) for name in names if name in self._keepers}
        while keepers:
            for keeper in keepers:
                keeper.cancel()
            # Again, if need be: a client library in a probe may swallow a cancellation.
            _, keepers = await asyncio.wait(keepers, timeout=0.5)

    async def _until_settled(self, *names: str) -> None:
        async def all_settled() -> None:
            for name in names:
                await self.processes[name].settled.wait()

        async def one_failed() -> None:
            await self._failed.wait()

        waits = [asyncio.create_task(all_settled()), asyncio.create_task(one_failed())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _keep(self, process: Process) -> None:
        """Start the process when its turn comes, and again when it ends, within the limits."""
        for name in process.spec.after:
            await self.processes[name].settled.wait()
        ends: collections.deque[float] = collections.deque(maxlen=ENDS_MAX)
        while True:
            try:
                reason, is_final = await self._run_once(process)
            except UnusableError as error:
                reason, is_final = str(error), True
            ends.append(time.monotonic())
            recent = sum(ends[-1] - end < ENDS_WITHIN_S for end in ends)
            if not reason:
                self._enter(process, State.DONE)
            elif not self._restarts and process.ready_after_s is not None:
                self._enter(process, State.STOPPED, reason)
                return
            elif is_final or recent == ENDS_MAX:
                self._enter(process, State.FAILED, reason)
                if process.spec.is_required:
                    raise StackFailedError(process, reason)
            else:
                pause_s = min(BACK_OFF_MAX_S, BACK_OFF_FIRST_S * 2 ** (recent - 1))
                self._enter(process, State.BACKING_OFF, f"{reason}; again in {pause_s:g} s")
                await asyncio.sleep(pause_s)
                process.restarts += 1
                continue
            process.settled.set()
            return

    async def _run_once(self, process: Process) -> tuple[str, bool]:
        """Run a copy to its end; return why it ended, if it should not have, and if for good."""
        spec, began = process.spec, time.monotonic()
        self._enter(process, State.STARTING)
        await process.spawn()
        if spec.probe is not None:
            try:
                await self._until_ready(process)
            except NotReadyError as error:
                await process.stop()
                return f"not ready within {spec.ready_within_s:.0f} s: {error}", False
        if process.pid is not None and spec.probe is not None:
            process.ready_after_s = time.monotonic() - began
            self._enter(process, State.READY)
            process.settled.set()
        code = await process.wait()
        process.settled.clear()
        if code == 0 and (spec.probe is None or not spec.is_required):
            process.ready_after_s = process.ready_after_s or time.monotonic() - began
            return "", True
        reason = f"ended with {code}" if code >= 0 else f"ended by signal {-code}"
        return reason, spec.probe is None or code == EXIT_MISCONFIGURED

    async def _until_ready(self, process: Process) -> None:
        """Return when the probe has passed, or the process has ended."""
        probe, complete = process.spec.probe, process.spec.complete
        deadline = time.monotonic() + process.spec.ready_within_s
        while probe is not None and process.pid is not None:
            try:
                await probe()
                if complete is not None:
                    await asyncio.to_thread(complete)
            except NotReadyError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(PROBE_EVERY_S)
            else:
                return

    def _enter(self, process: Process, state: State, detail: str = "") -> None:
        process.state = state
        self._listener.changed(process, detail)

    def _note_failure(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()) is not None:
            self._failure = self._failure or error
            self._failed.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
