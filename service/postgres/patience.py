"""No wait for PostgreSQL is without end, whoever keeps the line open.

PostgreSQL ends by itself what takes too long (`statement_timeout`), and TCP notices a machine that
is gone. Neither helps against one that takes what it is sent and never answers: a server that
stands still, a proxy that has lost its way. So a connection notes when it asks, and a watchdog
hangs up those that wait for longer than an answer can take. Whoever waited then has the error of
any lost connection, and does what he does with those.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa
import structlog
from psycopg2 import InterfaceError
from psycopg2.extensions import connection, cursor

R = TypeVar("R")

log = structlog.get_logger(__name__)

# PostgreSQL's own limit comes first: its answer says what took too long, and costs no connection.
MARGIN_S: Final = 2.0
LOOK_EVERY_S: Final = 0.5
# Of what reads or writes the whole history.
HISTORY_S: Final = 3600.0


class Watched(connection):
    """A connection that notes when it asks; its cursors must be `WatchedCursor`."""

    def __init__(self, dsn: str, usual_s: float) -> None:
        super().__init__(dsn)
        self._usual_s = self.patience_s = usual_s
        self._asked_at_s: float | None = None
        # When that was asked which was found to be late at the last look.
        self._late_since_s: float | None = None
        # Held where the answer is taken: whoever is hung up on has not closed the socket yet.
        self._answered = threading.Lock()

    def asking(self, ask: Callable[..., R], *arguments: Any) -> R:  # noqa: ANN401  # The driver's.
        """Ask, and note for how long."""
        self._asked_at_s = time.monotonic()
        try:
            return ask(*arguments)
        finally:
            with self._answered:
                self._asked_at_s = None

    def commit(self) -> None:
        self.asking(super().commit)
        self.patience_s = self._usual_s

    def rollback(self) -> None:
        self.asking(super().rollback)
        self.patience_s = self._usual_s

    def hang_up_if_silent(self) -> None:
        """Shut the socket if no answer has come for too long; its thread wakes with an error.

        At the second look that finds it so: if we were stopped ourselves, the answer may be here.
        """
        with self._answered:
            if self._asked_at_s is None:
                return
            waited_s = time.monotonic() - self._asked_at_s
            if waited_s < self.patience_s:
                return
            if self._late_since_s != self._asked_at_s:
                self._late_since_s = self._asked_at_s
                return
            # It may have been lost by itself this moment.
            with contextlib.suppress(OSError, InterfaceError), _copy(self.fileno()) as line:
                line.shutdown(socket.SHUT_RDWR)
        log.warning("database_silent", duration_s=round(waited_s, 1))


class WatchedCursor(cursor):
    """A cursor of a `Watched` connection."""

    connection: Watched

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: ANN401  # The driver's.
        self.connection.asking(super().execute, query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:  # noqa: ANN401  # The driver's.
        self.connection.asking(super().executemany, query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:  # noqa: ANN401  # as above
        self.connection.asking(super().copy_expert, sql, file, size)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        # Where the rows are still at the server; `execute` has brought them everywhere else.
        if self.name is None:
            return super().fetchmany(size)
        return self.connection.asking(super().fetchmany, size)

    def fetchall(self) -> list[tuple[Any, ...]]:
        if self.name is None:
            return super().fetchall()
        return self.connection.asking(super().fetchall)

    def close(self) -> None:
        if self.name is None:
            super().close()
        else:
            self.connection.asking(super().close)


class Watchdog:
    """Hangs up connections that wait for too long, in a thread that lives as long as they do."""

    def __init__(self, statement_timeout_s: float | None) -> None:
        """Take how long a statement may take by PostgreSQL's own clock; None has no end."""
        usual_s = float("inf") if statement_timeout_s is None else statement_timeout_s + MARGIN_S
        self._usual_s = usual_s
        self._connections: weakref.WeakSet[Watched] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._looks = False

    @property
    def connect_args(self) -> dict[str, Any]:
        """What makes the driver's connections watched ones."""
        return {"connection_factory": self._connect, "cursor_factory": WatchedCursor}

    def _connect(self, dsn: str, *_: object) -> Watched:
        made = Watched(dsn, self._usual_s)
        with self._lock:
            self._connections.add(made)
            begins, self._looks = not self._looks, True
        if begins:
            threading.Thread(target=self._look, name="database-watchdog", daemon=True).start()
        return made

    def _look(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(LOOK_EVERY_S)
            with self._lock:
                known: Sequence[Watched] = [each for each in self._connections if not each.closed]
                if not known:
                    self._looks = False
                    return
            for each in known:
                each.hang_up_if_silent()
            # Nobody else's connection lives longer because it was looked at.
            del known, each


def take_time(connection: sa.Connection, limit_s: float) -> None:
    """Let each statement of the transaction that begins here take so long."""
    limit = sa.text(f"SET LOCAL statement_timeout = {int(limit_s * 1000)}")
    connection.execute(limit)
    line = connection.connection.driver_connection
    if isinstance(line, Watched):
        line.patience_s = limit_s + MARGIN_S


def _copy(line: int) -> socket.socket:
    """Return an open socket once more, to be closed apart from it; of whichever family."""
    return socket.fromfd(line, socket.AF_INET, socket.SOCK_STREAM)
