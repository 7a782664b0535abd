"""A supervisor in a thread of its own, for tests and scripts: each call returns when it is done."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from deploy.local.process import Process, Spec
from deploy.local.supervisor import StackFailedError, Supervisor

# A loaded test machine is slow; nothing waits this long when all is well (start: about 1 s, of a
# cluster of three Java processes 20 s).
DONE_WITHIN_S: Final = 180.0

Result = TypeVar("Result")


class Background:
    """Processes that run from `start` to `close`; they do not start again by themselves."""

    def __init__(self, specs: Iterable[Spec], logs: Path) -> None:
        self._specs = tuple(specs)
        self._logs = logs
        self._loop = asyncio.new_event_loop()
        # One thread for all of their life: the kernel takes the end of the thread that started
        # a process for the death of its parent.
        self._thread = threading.Thread(target=self._loop.run_forever, name="background")
        self._thread.daemon = True
        self._thread.start()

    def start(self) -> None:
        """Start all, and return when they are ready.

        Raises:
            RuntimeError: one does not run; the text holds its last words.
        """
        try:
            self._call(self._start())
        except StackFailedError as error:
            tail = "\n".join(error.process.log.tail)
            raise RuntimeError(f"{error}\n{tail}") from error

    def pid(self, name: str) -> int | None:
        """The process id of one while it runs."""
        return self._supervisor.processes[name].pid

    def send(self, name: str, number: signal.Signals) -> None:
        """Signal one; of SIGKILL the end is awaited."""
        self._call(self._send(self._supervisor.processes[name], number))

    def start_one(self, name: str) -> None:
        """Bring one back, and return when it is ready."""
        self._call(self._supervisor.start_one(name))

    def stop_one(self, name: str) -> None:
        """End one properly."""
        self._call(self._supervisor.stop_one(name))

    def close(self) -> None:
        """End all that still run, and the thread."""
        try:
            self._call(self._supervisor.stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DONE_WITHIN_S)
            self._loop.close()

    async def _start(self) -> None:
        # Made here, because what it is made of belongs to the loop that runs.
        self._supervisor = Supervisor(
            self._specs, logs=self._logs, listener=Silence(), restarts=False
        )
        await self._supervisor.start()

    async def _send(self, process: Process, number: signal.Signals) -> None:
        process.send(number)
        if number is signal.SIGKILL:
            await process.wait()

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DONE_WITHIN_S)


class Silence:
    """A listener for those who ask instead of being told."""

    def changed(self, process: Process, detail: str) -> None:
        """Say nothing."""

    def wrote(self, name: str, line: str) -> None:
        """Say nothing."""
