"""Sketches addresses: how alike two are can be told from their sketches, and nothing else.

The sketch is a MinHash over the pairs of neighbouring characters. Each pair is hashed under the
edge's key first, so that nobody without it can try addresses.
"""

import hashlib
from typing import Final

from streams.logic.normalising.template import Pseudonym

# The share of equal parts is within 0.09 of the true one two times of three: the spread of 32
# draws is sqrt(0.5 * 0.5 / 32). Of a sketch as text, that is 128 characters.
PARTS: Final = 32
_BITS: Final = 16
# A Mersenne prime, so that (a * x + b) mod p is a family of hashes; 61 bits are plenty for pairs.
_PRIME: Final = 2**61 - 1
# Shorter ones are no addresses.
_CHARACTERS_MIN: Final = 6


def _factors(part: int) -> tuple[int, int]:
    """Return two factors, drawn once and for ever."""
    drawn = hashlib.sha256(b"sketch %d" % part).digest()
    return int.from_bytes(drawn[:8]) % (_PRIME - 1) + 1, int.from_bytes(drawn[8:16]) % _PRIME


_FAMILY: Final = tuple(_factors(each) for each in range(PARTS))


def sketch(text: str, pseudonym: Pseudonym) -> str:
    """Return 32 parts of four hexadecimal digits; empty where the text is too short."""
    if len(text) < _CHARACTERS_MIN:
        return ""
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    hashed = [int(pseudonym("+pair", pair).rpartition("-")[2], 16) % _PRIME for pair in pairs]
    least = (min((a * each + b) % _PRIME for each in hashed) for a, b in _FAMILY)
    return "".join(f"{(each >> 40) % 2**_BITS:04x}" for each in least)
