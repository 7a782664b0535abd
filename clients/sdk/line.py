"""A channel that opens when it is first needed, and anew where the old one cannot be used.

gRPC's threads do not survive a fork, and an asyncio channel belongs to one event loop. So a channel
is never shared with a forked child or a second loop: whoever owns none gets its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

C = TypeVar("C")


class Line(Generic[C]):
    """Opens channels lazily, one for each owner, and keeps the stubs made on them."""

    def __init__(self, connect: Callable[[], C], owner: Callable[[], Hashable]) -> None:
        self._connect = connect
        self._owner = owner
        self._owned_by: Hashable = None
        self._channel: C | None = None
        self._stubs: dict[type, Any] = {}
        # Closing an inherited channel would wait for threads that the fork left behind, and so
        # would dropping it.
        self._inherited: list[C] = []
        self._lock = threading.Lock()
        self._lock_pid = os.getpid()

    def stub(self, kind: type) -> Any:  # noqa: ANN401  # The generated class decides.
        """Return the stub of the class, on a channel that this process and loop may use."""
        if self._lock_pid != os.getpid():
            # A thread of the parent may have held it at the fork.
            self._lock = threading.Lock()
            self._lock_pid = os.getpid()
        with self._lock:
            owner = self._owner()
            if self._channel is None or owner != self._owned_by:
                if self._channel is not None:
                    self._inherited.append(self._channel)
                self._channel = self._connect()
                self._owned_by = owner
                self._stubs = {}
            if kind not in self._stubs:
                self._stubs[kind] = kind(self._channel)
            return self._stubs[kind]

    def hang_up(self) -> C | None:
        """Forget the channel and return it for closing, if it may be closed here."""
        channel, self._channel, self._stubs = self._channel, None, {}
        if channel is not None and self._owned_by != self._owner():
            self._inherited.append(channel)
            return None
        return channel


def this_process() -> Hashable:
    """Return the owner of a blocking channel."""
    return os.getpid()


def this_loop() -> Hashable:
    """Return the owner of an asyncio channel."""
    return os.getpid(), asyncio.get_running_loop()
