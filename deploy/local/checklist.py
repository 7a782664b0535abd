"""What a person sees of a stack: a line for each process as it gets ready, then what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, TextIO

from deploy.local.process import Process, State

MARKS: Final = {
    State.READY: ("✓", "\033[32m"),
    State.DONE: ("✓", "\033[32m"),
    State.BACKING_OFF: ("↻", "\033[33m"),
    State.FAILED: ("✗", "\033[31m"),
}
DIM: Final = "\033[2m"
RESET: Final = "\033[0m"
COLOURS: Final = ("\033[36m", "\033[35m", "\033[34m", "\033[32m", "\033[33m")

# Often enough to look alive, seldom enough for a slow terminal.
TICK_S: Final = 0.2


class Checklist:
    """Prints to a terminal or a file; a terminal also sees what is being waited for."""

    def __init__(self, *, has_colour: bool, shows_logs: bool, out: TextIO) -> None:
        self._out = out
        self._is_live = self._out.isatty()
        self._has_colour = has_colour and self._is_live
        self._shows_logs = shows_logs
        self._began = time.monotonic()
        self._waiting: dict[str, State] = {}
        self._names: list[str] = []

    def say(self, text: str = "") -> None:
        """Print a line."""
        self._write(text + "\n")

    def changed(self, process: Process, detail: str) -> None:
        """Print a line when a process is ready or in trouble."""
        self._waiting[process.name] = process.state
        if process.state not in MARKS:
            return
        mark, colour = MARKS[process.state]
        took = f"{process.ready_after_s:5.1f} s" if process.ready_after_s is not None else " " * 7
        text = detail or process.spec.address
        self.say(
            f"  {process.name:<10} {self._paint(mark, colour)} {took}  {self._paint(text, DIM)}"
        )

    def wrote(self, name: str, line: str) -> None:
        """Print a line of a process's log, if logs are wanted."""
        if self._shows_logs:
            if name not in self._names:
                self._names.append(name)
            colour = COLOURS[self._names.index(name) % len(COLOURS)]
            self.say(f"{self._paint(f'{name:<10} |', colour)} {line}")

    async def tick(self) -> None:
        """Keep a last line about what is being waited for, until cancelled."""
        while self._is_live:
            names = [name for name, state in self._waiting.items() if state is State.STARTING]
            if names:
                self._write(
                    f"\r\033[K  … {', '.join(names)}  {self.elapsed_s():.1f} s", ended=False
                )
            await asyncio.sleep(TICK_S)

    def elapsed_s(self) -> float:
        """Seconds since the stack began to start."""
        return time.monotonic() - self._began

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{RESET}" if self._has_colour and text else text

    def _write(self, text: str, *, ended: bool = True) -> None:
        # A reader that went away (`make run | head`) must not end the stack.
        with contextlib.suppress(BrokenPipeError):
            self._out.write(f"\r\033[K{text}" if self._is_live and ended else text)
            self._out.flush()
