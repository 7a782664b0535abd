"""Keeps what a process writes: a bounded file, the last lines in memory, and who wants to watch."""

from __future__ import annotations

import collections
from collections.abc import Callable
from pathlib import Path
from typing import Final

# What a failed start shows: enough for a traceback of our own, not a screenful.
TAIL_LINES: Final = 25

# 5 MiB and one older file for each process: eight processes keep under 80 MiB, whatever they write.
LOG_BYTES_MAX: Final = 5 * 1024 * 1024

# A line longer than this is cut in two on the terminal; the file has it whole.
LINE_BYTES_MAX: Final = 64 * 1024

Watcher = Callable[[str], None]


class Log:
    """The output of one process over all its restarts."""

    def __init__(self, path: Path, on_line: Watcher | None = None) -> None:
        self.path = path
        self.tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._on_line = on_line
        self._rest = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def write(self, chunk: bytes) -> None:
        """Append what was read, and tell about each line that is complete."""
        self._file.write(chunk)
        self._file.flush()
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._tell(line)
        if len(self._rest) > LINE_BYTES_MAX:
            self.end_line()
        if self._file.tell() > LOG_BYTES_MAX:
            self._file.close()
            self.path.replace(self.path.with_suffix(".log.1"))
            self._file = self.path.open("ab")

    def end_line(self) -> None:
        """Tell about what has no end of line yet; none may come."""
        if self._rest:
            self._tell(self._rest)
        self._rest = b""

    def close(self) -> None:
        """Close the file."""
        self.end_line()
        self._file.close()

    def _tell(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        self.tail.append(text)
        if self._on_line is not None:
            self._on_line(text)
