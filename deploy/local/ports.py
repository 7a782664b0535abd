"""Chooses loopback ports: the same ones every time while they are free, else others.

A port is reserved from its choice on, not from the moment its server listens: two stacks that
start at the same time would choose the same ones. The reservation is a name in Linux's abstract
socket namespace, which the kernel takes back however its holder ends; other systems do without.
"""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterable, Mapping
from typing import Final

HOST: Final = "127.0.0.1"

# Below 32768, where Linux begins to take ports for outgoing connections, and each beside the
# number that people know (5432, 6379, 9092, 50051, 4317, 8080).
PREFERRED: Final[Mapping[str, int]] = {
    "postgres": 15432,
    "valkey": 16379,
    "broker": 19092,
    "broker-controller": 19093,
    "service": 15051,
    "spans": 14317,
    "gateway": 18080,
    "platforms": 18090,
    "service-metrics": 19101,
    "relay-metrics": 19102,
    "streams-metrics": 19103,
    "spans-metrics": 19104,
    "gateway-metrics": 19105,
    "connectors-metrics": 19106,
    "notifier-metrics": 19107,
}

# Where a substitute is looked for: clear of the preferred ones and of outgoing connections.
SUBSTITUTES: Final = range(20000, 32000)


class Ports:
    """Free ports by name, this process's until they are released."""

    def __init__(self, names: Iterable[str], wanted: Mapping[str, int] = PREFERRED) -> None:
        """Choose a port for each name, the wanted one wherever that is free."""
        self._reservations: list[socket.socket] = []
        self.numbers: dict[str, int] = {}
        for name in names:
            preferred = [wanted[name]] if name in wanted else []
            self.numbers[name] = self._first_free(preferred)

    def release(self) -> None:
        """Leave the ports to others."""
        for reservation in self._reservations:
            reservation.close()
        self._reservations.clear()

    def _first_free(self, preferred: list[int]) -> int:
        # At random, so that stacks side by side seldom look at the same one.
        for port in (*preferred, *random.sample(SUBSTITUTES, len(SUBSTITUTES))):
            if port in self.numbers.values():
                continue
            reservation = _reserve(port)
            if reservation is not None:
                self._reservations.append(reservation)
                if is_free(port):
                    return port
        raise OSError(f"no free port from {SUBSTITUTES.start} to {SUBSTITUTES.stop}")


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


def _reserve(port: int) -> socket.socket | None:
    """Return what holds the port for us, or None if another stack holds it."""
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if sys.platform == "linux":
        try:
            reservation.bind(f"\0concord/port/{port}")
        except OSError:
            reservation.close()
            return None
    return reservation
