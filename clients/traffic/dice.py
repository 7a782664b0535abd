"""Chance that is the same on every machine and every day: each throw is a hash of its name.

A generator object would make an order depend on how many orders were made before it. Here order
71 is order 71, whether it is made alone, after a restart, or as one of ten thousand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

# 53 bits are what a float holds exactly, so a throw is never rounded up to 1.
_BITS: Final = 53


class Dice:
    """The throws of one named thing, `Dice("seed 42", "order 71")`."""

    __slots__ = ("_key",)

    def __init__(self, *name: object) -> None:
        self._key = "\x1f".join(str(part) for part in name).encode()

    def number(self, of: str, below: int) -> int:
        """Return a whole number from 0 up to, not including, `below`."""
        return int.from_bytes(self._digest(of)) % below

    def share(self, of: str) -> float:
        """Return a number from 0 up to, not including, 1."""
        return (int.from_bytes(self._digest(of)) >> (64 - _BITS)) / (1 << _BITS)

    def happens(self, of: str, share: float) -> bool:
        """Say yes in `share` of all cases."""
        return share > 0 and self.share(of) < share

    def pick(self, of: str, choices: Sequence[T]) -> T:
        """Return one of `choices`, each as likely as the next."""
        return choices[self.number(of, len(choices))]

    def word(self, of: str) -> str:
        """Return 16 hexadecimal digits."""
        return self._digest(of).hex()

    def _digest(self, of: str) -> bytes:
        return hashlib.blake2b(of.encode(), key=self._short_key(), digest_size=8).digest()

    def _short_key(self) -> bytes:
        # A blake2b key has at most 64 bytes.
        if len(self._key) <= hashlib.blake2b.MAX_KEY_SIZE:
            return self._key
        return hashlib.blake2b(self._key).digest()
