"""Stands between a client and PostgreSQL, counts every message, and cuts at the one it is told.

Both sides are cut at once, before or after the message has passed: the way a machine dies, not
the way a connection is closed. Whoever connects after that is let in again, or, where the cut is
to last, refused until it is healed.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, unique
from types import TracebackType
from typing import Final, Self

from tests.faults.wire.framing import ASKS_FOR_ENCRYPTION, UNNAMED, Framing, Message

CHUNK: Final = 1 << 16
ENDED_WITHIN_S: Final = 5.0
NO_ENCRYPTION: Final = b"N"


@unique
class Side(Enum):
    """On which side of a message the connection is cut."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Passed:
    """A message as it went by, for counting and for reports."""

    connection: int
    from_client: bool
    message: Message

    def __str__(self) -> str:
        arrow = ">" if self.from_client else "<"
        return f"{arrow} {self.message.name} {self.message.text[:60]}".rstrip()


@dataclass(frozen=True, slots=True)
class Cut:
    """Where to cut: at the first message of which `at` is true, given its number from 1."""

    at: Callable[[int, Passed], bool]
    side: Side
    # Until healed, nobody gets through; otherwise only those are cut that were connected.
    lasts: bool = False
    # What else happens there, such as the death of a process.
    then: Callable[[], None] = lambda: None


def at_number(number: int) -> Callable[[int, Passed], bool]:
    """Return what is true of the message with this number."""
    return lambda counted, _passed: counted == number


@dataclass(eq=False)
class _Connection:
    number: int
    client: socket.socket
    server: socket.socket
    asks: Framing = field(default_factory=lambda: Framing(is_frontend=True))
    tells: Framing = field(default_factory=lambda: Framing(is_frontend=False))


class CuttingProxy:
    """A listener on a port of its own, with a thread that passes messages on, in one order."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._lock = threading.Lock()
        self._cut: Cut | None = None
        self._was_cut = threading.Event()
        self._refuses = False
        self._passed: list[Passed] = []
        self._count = 0
        self._accepted = 0
        self._open: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._stop, self._stopped = socket.socketpair()
        self._selector.register(self._stopped, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="cutting-proxy", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.send(b"!")
        self._thread.join(ENDED_WITHIN_S)
        assert not self._thread.is_alive(), "the proxy's thread did not end"
        for each in list(self._open):
            self._close(each)
        self._selector.close()
        for each in (self._listener, self._stop, self._stopped):
            each.close()

    def arm(self, cut: Cut | None = None) -> None:
        """Count from 1 again, and cut there; without a cut, only count."""
        with self._lock:
            self._cut, self._count, self._passed = cut, 0, []
            self._refuses = False
            self._was_cut.clear()

    def disarm(self) -> list[Passed]:
        """Let everything through again; return what went by since it was armed."""
        with self._lock:
            self._cut, self._refuses = None, False
            return list(self._passed)

    @property
    def was_cut(self) -> bool:
        """Tell whether the armed cut has happened."""
        return self._was_cut.is_set()

    def await_cut(self, within_s: float) -> None:
        """Return when the armed cut has happened; fail when it does not in time."""
        assert self._was_cut.wait(within_s), f"nothing was cut within {within_s} s"

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stopped:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data in self._open:
                    self._pass_on(key.data, from_client=key.fileobj is key.data.client)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        with self._lock:
            refuses = self._refuses
        if refuses:
            client.close()
            return
        server = socket.create_connection(self._upstream)
        for each in (client, server):
            # Else every small message waits for an acknowledgement: 40 ms each.
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted += 1
        made = _Connection(self._accepted, client, server)
        self._open.add(made)
        self._selector.register(client, selectors.EVENT_READ, made)
        self._selector.register(server, selectors.EVENT_READ, made)

    def _pass_on(self, connection: _Connection, *, from_client: bool) -> None:
        source = connection.client if from_client else connection.server
        target = connection.server if from_client else connection.client
        try:
            chunk = source.recv(CHUNK)
            messages = (connection.asks if from_client else connection.tells).feed(chunk)
            ends = not chunk or self._through(connection, target, messages, from_client=from_client)
        except OSError:
            ends = True
        if ends:
            self._close(connection)
            with self._lock:
                others = list(self._open) if self._refuses else []
            for each in others:
                self._close(each)

    def _through(
        self,
        connection: _Connection,
        target: socket.socket,
        messages: list[Message],
        *,
        from_client: bool,
    ) -> bool:
        """Pass messages on as far as they may go; tell whether the connection is to be cut."""
        out = b""
        for message in messages:
            if from_client and message.name in map(UNNAMED.get, ASKS_FOR_ENCRYPTION):
                connection.client.sendall(NO_ENCRYPTION)
                continue
            if message.name == "Terminate":
                # A goodbye: nobody waits for what is behind it.
                out += message.raw
                continue
            side = self._noted(Passed(connection.number, from_client, message))
            if side is not Side.BEFORE:
                out += message.raw
            if side is not None:
                target.sendall(out)
                return True
        target.sendall(out)
        return False

    def _noted(self, passed: Passed) -> Side | None:
        """Count a message; return on which side of it everything ends, if it does."""
        with self._lock:
            self._count += 1
            self._passed.append(passed)
            cut = self._cut
            if cut is None or not cut.at(self._count, passed):
                return None
            self._cut, self._refuses = None, cut.lasts
        cut.then()
        self._was_cut.set()
        return cut.side

    def _close(self, connection: _Connection) -> None:
        if connection not in self._open:
            return
        self._open.discard(connection)
        for each in (connection.client, connection.server):
            self._selector.unregister(each)
            with contextlib.suppress(OSError):
                # What was passed on arrives before the end does.
                each.shutdown(socket.SHUT_RDWR)
            each.close()
