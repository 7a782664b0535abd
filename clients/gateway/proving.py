"""How `concord doctor` recognises a gateway, and the gateway recognises `concord doctor`.

Anybody who asks for a callback address without being a platform gets the same answer, whether there
is such an account or not. Only who holds the same accounts file learns more: a question sealed with
a key made of all that the account consists of is answered with what the gateway holds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from clients.providers.accounts import Account

# On each answer to a request that is no callback, under the callbacks' path.
GATEWAY_HEADER: Final = "concord-gateway"
GATEWAY: Final = "callbacks"
# On the answer to who has proved to hold the same account.
ACCOUNT_HEADER: Final = "concord-account"
SAME: Final = "same"

QUESTION_HEADER: Final = "concord-question"
# As long as the platforms' own replay windows; a clock further off is a finding by itself.
WINDOW_S: Final = 300
_DIGITS: Final = 64


def question(account: Account, path: str, at: datetime) -> str:
    """Return the header by which its holder asks for the account."""
    seconds = str(int(at.timestamp()))
    return f"{seconds}.{_seal(account, path, seconds)}"


def is_sealed(text: str, account: Account, path: str, now: datetime) -> bool:
    """Return whether whoever asks holds the account as it is here."""
    seconds, _, seal = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):  # noqa: PLR2004  # Until the year 33658.
        return False
    if len(seal) != _DIGITS or abs(now.timestamp() - int(seconds)) > WINDOW_S:
        return False
    return hmac.compare_digest(_seal(account, path, seconds).encode(), seal.encode())


def _seal(account: Account, path: str, seconds: str) -> str:
    key = hashlib.sha256(_canonical(account)).digest()
    return hmac.new(key, f"concord-question\n{path}\n{seconds}".encode(), "sha256").hexdigest()


def _canonical(value: object) -> bytes:
    """Return bytes that are the same for the same account, in any process."""
    if isinstance(value, RSAPrivateKey | RSAPublicKey):
        # A private key is a part of the secret by its own number, which nobody else knows.
        private = value.private_numbers().d if isinstance(value, RSAPrivateKey) else 0
        public = value if isinstance(value, RSAPublicKey) else value.public_key()
        return f"key {public.public_numbers().n:x} {private:x}".encode()
    if isinstance(value, x509.Certificate):
        return b"certificate " + value.fingerprint(SHA256())
    if isinstance(value, Mapping):
        return _joined(b"%s=%s" % tuple(map(_canonical, each)) for each in value.items())
    if isinstance(value, frozenset | tuple):
        return _joined(map(_canonical, value))
    if dataclasses.is_dataclass(value):
        # Where it is called belongs to the whole file, and whoever asks is there.
        own = [each.name for each in fields(value) if each.name != "callback_url"]
        return _canonical({name: getattr(value, name) for name in own})
    return repr(value).encode()


def _joined(parts: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(sorted(parts)) + b"]"
