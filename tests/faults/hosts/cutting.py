"""Cuts the network of the test's host: packets vanish, and nobody is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

_TABLE: Final = "inet cut"
_CHAIN: Final = f"add chain {_TABLE} way {{ type filter hook input priority 0; }}"


class Way(Enum):
    """Which packets of a server's connections vanish."""

    THERE = ("dport",)
    """What is asked does not arrive."""
    BACK = ("sport",)
    """What is answered does not arrive: the server did it, and nobody knows."""
    BOTH = ("dport", "sport")


@contextmanager
def cut(way: Way, server_port: int, *client_ports: int) -> Iterator[None]:
    """Cut a server off for as long as the block lasts; from some of its clients only, if named."""
    _nft(f"add table {_TABLE}", _CHAIN)
    for field in way.value:
        other = "sport" if field == "dport" else "dport"
        only = f" tcp {other} {{ {', '.join(map(str, client_ports))} }}" if client_ports else ""
        _nft(f"add rule {_TABLE} way tcp {field} {server_port}{only} counter drop")
    try:
        yield
        assert _is_used(), "nothing went over the cut connections: the fault was none"
    finally:
        _nft(f"delete table {_TABLE}")


def _is_used() -> bool:
    rules = [line for line in _nft(f"list table {_TABLE}").splitlines() if "counter" in line]
    return any("packets 0 " not in line for line in rules)


def _nft(*commands: str) -> str:
    done = subprocess.run(
        ["nft", "-f", "-"], input="\n".join(commands), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
