"""Chooses loopback ports: the same ones every time while they are free, else others."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping
from typing import Final

HOST: Final = "127.0.0.1"

# Below 32768, where Linux begins to take ports for outgoing connections, and each beside the
# number that people know (5432, 6379, 9092, 50051, 4317).
PREFERRED: Final[Mapping[str, int]] = {
    "postgres": 15432,
    "valkey": 16379,
    "broker": 19092,
    "service": 15051,
    "spans": 14317,
    "service-metrics": 19101,
    "relay-metrics": 19102,
    "streams-metrics": 19103,
    "spans-metrics": 19104,
}

# Where a substitute is looked for: clear of the preferred ones and of outgoing connections.
SUBSTITUTES: Final = range(20000, 32000)


def choose(names: Iterable[str], wanted: Mapping[str, int] = PREFERRED) -> dict[str, int]:
    """Return a free port for each name, the wanted one wherever that is free."""
    chosen: dict[str, int] = {}
    for name in names:
        port = wanted.get(name)
        if port is None or port in chosen.values() or not is_free(port):
            port = _substitute(set(chosen.values()))
        chosen[name] = port
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        # As servers do: a connection that was closed a moment ago is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


def _substitute(taken: set[int]) -> int:
    # At random, so that test runs side by side seldom try the same one.
    for port in random.sample(SUBSTITUTES, len(SUBSTITUTES)):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {SUBSTITUTES.start} and {SUBSTITUTES.stop}")
