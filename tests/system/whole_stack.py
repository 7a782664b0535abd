"""The whole stack for a test: started in a folder of its own, asked as its users ask it, ended.

Nothing here waits for a time; everything waits for a condition, up to a deadline that is far
longer than it takes, because test machines are busy.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg2

from clients.sdk import Concord

READY_WITHIN_S: Final = 120.0
WHOLE_AGAIN_WITHIN_S: Final = 120.0
ENDED_WITHIN_S: Final = 90.0
ANSWERED_WITHIN_S: Final = 120.0

T = TypeVar("T")

WITHOUT_TRAFFIC: Final = ("--without", "traffic")

# For tests that tell the service tens of thousands of messages themselves: spans would be a third
# of all work, and who asks platforms or hears of them has none here.
BARE: Final = (*WITHOUT_TRAFFIC, "--without", "spans", "--without", "platforms")

# Of a test's environment what its stack is given: the last says which broker it starts.
KEPT: Final = ("PATH", "PYTHONPATH", "CONCORD_EMBEDDED_BROKER")


def until(condition: Callable[[], T], what: str, within_s: float) -> T:
    """Return what the condition gives once that is true.

    Looking takes a quarter of the time at most: what is waited for runs on the same machine.
    """
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        began = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        pause.wait(max(0.1, 3 * (now - began)))


class WholeStack:
    """`python -m deploy.local up` in a folder of its own, without traffic unless asked for."""

    def __init__(
        self, folder: Path, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder / "data"
        self._given = dict(variables or {})
        self._output = folder / "output.txt"
        self._home = folder / "home"
        self._home.mkdir()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "up", *(arguments or WITHOUT_TRAFFIC)],
                env=self._env(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        own = {"HOME": str(self._home), "CONCORD_DATA_DIR": str(self.folder)}
        return kept | own | self._given

    @property
    def output(self) -> str:
        """What the supervisor has written."""
        return self._output.read_text(errors="replace")

    def until_ready(self) -> None:
        """Return when everything runs."""
        until(
            lambda: "\nready in" in self.output or self.process.poll() is not None,
            "the stack is ready",
            READY_WITHIN_S,
        )
        assert self.process.poll() is None, self.output

    def end(self) -> None:
        """End everything; the folder stays."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(ENDED_WITHIN_S)
            except subprocess.TimeoutExpired:
                # Its processes die with it.
                self.process.kill()
                self.process.wait()
                raise

    def state(self) -> dict[str, Any]:
        """What the supervisor says of its processes."""
        assert self.process.poll() is None, f"the stack has ended:\n{self.output}"
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def variables(self) -> dict[str, str]:
        """What a shell beside the stack is given: addresses and passwords."""
        text = (self.folder / "environment").read_text()
        return dict(re.findall(r"export (\w+)='(.*)'", text))

    def address(self, name: str) -> str:
        """Where a process listens."""
        address: str = self.state()["addresses"][name]
        return address

    @property
    def logs(self) -> list[Path]:
        """The log of each process, older parts included."""
        return sorted((self.folder / "logs").iterdir())

    @property
    def span_store(self) -> Path:
        """Where the span keeper has its file."""
        return self.folder / "spans"

    @property
    def metrics_pages(self) -> list[str]:
        """The addresses of all metrics pages."""
        addresses = self.state()["addresses"].items()
        return [address for name, address in addresses if name.endswith("-metrics")]

    def client(self, *, at: str = "service", timeout_s: float = 30.0) -> Concord:
        """Return a client of the service, or of the span keeper."""
        return Concord(self.address(at), timeout_s=timeout_s)

    def concord(
        self,
        *arguments: str,
        within_s: float = ANSWERED_WITHIN_S,
        codes: tuple[int, ...] = (0,),
    ) -> Any:  # noqa: ANN401  # JSON.
        """Run a command of the command line, and return its JSON; it must end with such a code."""
        done = subprocess.run(
            [sys.executable, "-m", "clients.cli", *arguments, "--json"],
            env=self._env() | self.variables(),
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        said = f"concord {' '.join(arguments)} ended with {done.returncode}"
        assert done.returncode in codes, f"{said}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return json.loads(done.stdout)

    @property
    def database_url(self) -> str:
        """The address of the database, with its password."""
        return self.variables()["CONCORD_DATABASE_URL"]

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with (
            contextlib.closing(psycopg2.connect(self.database_url)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal a process, and return when the supervisor has started another in its place."""
        process = self.state()["processes"][name]
        os.kill(process["pid"], number)

        def is_replaced() -> bool:
            now = self.state()["processes"][name]
            return now["state"] == "ready" and now["restarts"] > process["restarts"]

        until(is_replaced, f"{name} runs again", WHOLE_AGAIN_WITHIN_S)


@contextlib.contextmanager
def whole_stack(
    folder: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> Iterator[WholeStack]:
    """Run a stack from its start to its end, with these variables set."""
    stack = WholeStack(folder, *arguments, variables=variables)
    try:
        stack.until_ready()
        yield stack
    finally:
        stack.end()
