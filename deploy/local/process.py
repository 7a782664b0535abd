"""What the supervisor must know about a process, and one process in its life."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.logs import Log

LAUNCHER: Final = Path(__file__).with_name("launcher.py")

Probe = Callable[[], Awaitable[None]]
"""Returns when the process can do its work; raises `NotReadyError` while it cannot."""


class NotReadyError(Exception):
    """The process cannot do its work yet; the text says what was tried and what came back."""


class UnusableError(Exception):
    """The process cannot run here, and trying again will not change that."""


class State(enum.StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"
    """For those it depends on."""
    STARTING = "starting"
    """Runs, and its probe has not passed yet."""
    READY = "ready"
    """Runs, and its probe has passed."""
    BACKING_OFF = "backing off"
    """Ended unexpectedly; starts again after a pause."""
    DONE = "done"
    """Ended with 0: a one-shot, or a simulation that reached its end."""
    FAILED = "failed"
    """Ended, and is not started again."""
    STOPPED = "stopped"
    """Ended because we asked."""


@dataclass(frozen=True, slots=True)
class User:
    """The account a process drops to."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class View:
    """Folders that a process sees at another place as well."""

    at: Path
    folders: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """How to run one process, and how to tell that it works."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    probe: Probe | None = None
    """None for a one-shot: it is ready when it has ended with 0."""
    after: tuple[str, ...] = ()
    """Names of those that must be ready first, and are stopped later."""
    address: str = ""
    """Where it can be reached, for people."""
    is_required: bool = True
    """Whether the stack ends when this one fails for good."""
    ready_within_s: float = 60.0
    """Far more than any needs (the slowest: 5 s), so that a busy machine is slow and no more."""
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 5.0
    death_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends when the supervisor is killed."""
    user: User | None = None
    view: View | None = None
    prepare: Callable[[], None] | None = None
    """Runs in a thread before each start; may raise `UnusableError`."""
    complete: Callable[[], None] | None = None
    """Runs in a thread when the probe has passed, before anyone is told; may raise either."""


def tied(argv: Sequence[str], death_signal: int, user: User | None, view: View | None) -> list[str]:
    """Return the command that runs `argv` tied to the life of this process."""
    settings = {
        "parent": os.getpid(),
        "death_signal": death_signal,
        "user": [user.uid, user.gid] if user else None,
        "view_at": str(view.at) if view else None,
        "view": {name: str(folder) for name, folder in view.folders.items()} if view else None,
    }
    # Isolated and without site-packages, so that it starts in 15 ms and imports nothing of ours.
    return [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(settings), *argv]


class Process:
    """One process of the stack: what it is, how it is doing, and its running copy."""

    def __init__(self, spec: Spec, log: Log) -> None:
        self.spec = spec
        self.log = log
        self.state = State.WAITING
        self.restarts = 0
        self.ready_after_s: float | None = None
        # Set while it is ready, or not worth waiting for: done, or failed and not required.
        self.settled = asyncio.Event()
        self._child: asyncio.subprocess.Process | None = None
        self._end: asyncio.Task[int] | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        if self._child is None or self._child.returncode is not None:
            return None
        return self._child.pid

    async def spawn(self) -> None:
        """Start a copy in a session of its own, with its output going to the log."""
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        spec = self.spec
        # A pipe of our own: asyncio would take a process for running until the last of its
        # children, too, has closed the one that it makes.
        output, theirs = os.pipe()
        try:
            self._child = await asyncio.create_subprocess_exec(
                *tied(spec.argv, spec.death_signal, spec.user, spec.view),
                env=dict(spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=asyncio.subprocess.STDOUT,
                # A Ctrl-C at the terminal must reach the supervisor alone, which then ends the
                # others in order.
                start_new_session=True,
            )
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(theirs)
        self._end = asyncio.create_task(self._follow(self._child, output))

    async def wait(self) -> int:
        """Return the exit code of the copy when it, and all of its group, is gone."""
        return 0 if self._end is None else await asyncio.shield(self._end)

    async def stop(self) -> None:
        """End the copy: politely, then, when its time is over, with SIGKILL."""
        self.send(self.spec.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), self.spec.stop_within_s)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait()

    def send(self, number: signal.Signals) -> None:
        """Signal the copy, if it runs."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _follow(self, child: asyncio.subprocess.Process, output: int) -> int:
        """Log the copy's output until it ends, then end what it may have left in its group."""
        pump = asyncio.create_task(self._pump(output))
        code = await child.wait()
        # PermissionError: macOS says so of a group in which only the dead are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        # Whoever left the group may still hold the pipe: not worth waiting for.
        await asyncio.wait([pump], timeout=1)
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        self.log.end_line()
        return code

    async def _pump(self, output: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
        )
        try:
            while chunk := await reader.read(65536):
                self.log.write(chunk)
        finally:
            transport.close()
