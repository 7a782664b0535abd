"""Makes opaque customer keys: the same person is the same key, and nobody can go back."""

import hashlib
import hmac

from streams.logic.normalising.template import Pseudonym

# 128 bits: no two customers of any shop will share a key by chance.
_DIGITS = 32


def keyed(key: bytes) -> Pseudonym:
    """Return the pseudonym under a secret key. A plain hash of an address is guessed in seconds.

    Raises:
        ValueError: the key is shorter than 16 bytes.
    """
    if len(key) < 16:  # noqa: PLR2004  # 128 bits, the strength of what comes out
        raise ValueError("A customer key has at least 16 bytes.")

    def pseudonym(namespace: str, value: str) -> str:
        message = f"{namespace}\0{value}".encode()
        return "c-" + hmac.new(key, message, hashlib.sha256).hexdigest()[:_DIGITS]

    return pseudonym
