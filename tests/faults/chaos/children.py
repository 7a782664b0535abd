"""Processes of ours that are started again as soon as they end, whatever ended them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.error import URLError

import psutil

from deploy.local.process import tied

# What ends sooner cannot start at all: it must not keep a core busy with trying.
SHORT_S: Final = 0.2
AGAIN_AFTER_S: Final = 0.2
ENDED_WITHIN_S: Final = 20.0


def until(condition: Callable[[], object], what: str, within_s: float) -> float:
    """Return how long it took until the condition held; fail with its name if it never did."""
    began = time.monotonic()
    pause = threading.Event()
    while not condition():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        pause.wait(0.02)
    return time.monotonic() - began


class Child:
    """One process; a thread of its own keeps it running, and the kernel ends it with us."""

    def __init__(
        self,
        name: str,
        command: tuple[str, ...],
        env: Mapping[str, str],
        folder: Path,
        metrics: str,
    ) -> None:
        self.name = name
        self.metrics = metrics
        self.log = folder / f"{name}.log"
        self.starts = 0
        # Exit codes, negative where a signal ended it.
        self.endings: Counter[int] = Counter()
        self._command = tied([sys.executable, "-m", *command], signal.SIGKILL, None, None)
        self._env = dict(env)
        self._listened: int | None = None
        self._over = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name=f"keeps-{name}", daemon=True)

    def start(self) -> None:
        """Begin to keep it running."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def is_ready(self) -> bool:
        """Tell whether it says that it can do its work."""
        try:
            with urllib.request.urlopen(f"http://{self.metrics}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def listens(self) -> bool:
        """Tell whether it is past its start: it once answered how it is, well or not."""
        pid = self.pid
        if pid is None or pid == self._listened:
            return pid is not None
        try:
            with urllib.request.urlopen(f"http://{self.metrics}/livez", timeout=1):
                self._listened = pid
        except (URLError, OSError):
            return False
        return True

    def send(self, number: signal.Signals) -> bool:
        """Signal it; return False if it does not run."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(number)
        return True

    def end_with(self, number: signal.Signals, *, within_s: float = ENDED_WITHIN_S) -> int | None:
        """End it by a signal, and return its exit code; None if it did not run."""
        process = self._process
        if process is None or process.poll() is not None:
            return None
        process.send_signal(number)
        return process.wait(within_s)

    def retire(self, *, within_s: float = ENDED_WITHIN_S) -> int | None:
        """Ask it to end, and start it no more; return its exit code, None if it did not run."""
        self._over.set()
        code = self.end_with(signal.SIGTERM, within_s=within_s)
        self._thread.join(ENDED_WITHIN_S)
        return code

    def rss(self) -> int:
        """Return the memory that it has, in bytes; 0 while it does not run."""
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self.pid).memory_info().rss) if self.pid else 0
        return 0

    def leave(self) -> None:
        """Let it end, and start it no more."""
        self._over.set()
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self._thread.join(ENDED_WITHIN_S)

    def tail(self, size: int = 3_000) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    def _keep(self) -> None:
        # The kernel takes the end of this thread for the death of the parent: it lives as long.
        while not self._over.is_set():
            began = time.monotonic()
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(
                    self._command, env=self._env, stdout=output, stderr=output
                )
            self.starts += 1
            self.endings[self._process.wait()] += 1
            if time.monotonic() - began < SHORT_S:
                self._over.wait(AGAIN_AFTER_S)


def surroundings(**given: str) -> dict[str, str]:
    """Return the environment of a process of ours: nothing of the caller's but where things are."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "CONCORD_LOG_LEVEL": "warning",
        # Spans are other suites' affair, and would be most of the work.
        "CONCORD_TRACE_SAMPLE_RATIO": "0",
        **given,
    }
