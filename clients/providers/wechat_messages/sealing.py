"""The signatures of WeChat's messages, and the seal of safe mode.

What is sealed is `16 random bytes, length (4 bytes, big-endian), message, appid`, filled up to 32
bytes, in AES-256-CBC whose first block is chained to the key's own first half.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from clients.providers.keys import canonical_base64

RANDOM_BYTES: Final = 16
LENGTH_BYTES: Final = 4
BLOCK_BYTES: Final = 16
# The filling goes up to twice the cipher's block.
FILLED_BYTES: Final = 32


class SealBrokenError(Exception):
    """The text was not sealed with this key."""


def signature(*parts: str) -> str:
    """Return the signature: SHA-1 over the texts, sorted and joined."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  # The platform's choice.


def unsealed(key: bytes, sealed: str) -> tuple[bytes, str]:
    """Return the message, and the application that it is for.

    Raises:
        SealBrokenError: it is no seal of this key.
    """
    encrypted = canonical_base64(sealed)
    if not encrypted or len(encrypted) % BLOCK_BYTES:
        raise SealBrokenError
    decryptor = Cipher(AES256(key), CBC(key[:BLOCK_BYTES])).decryptor()
    filled = decryptor.update(encrypted) + decryptor.finalize()
    filling = filled[-1]
    if not 1 <= filling <= FILLED_BYTES or filled[-filling:] != bytes([filling]) * filling:
        raise SealBrokenError
    content = filled[RANDOM_BYTES:-filling]
    length = int.from_bytes(content[:LENGTH_BYTES], "big")
    message = content[LENGTH_BYTES : LENGTH_BYTES + length]
    app = content[LENGTH_BYTES + length :]
    if len(content) < LENGTH_BYTES or len(message) < length or not app.isascii():
        raise SealBrokenError
    return message, app.decode()
