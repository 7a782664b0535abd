"""Opaque page tokens and cursors: what they hold is ours alone, and is checked when it returns."""

import base64
import binascii
import json
from typing import Any

from service.domain.errors import CursorInvalidError


def make_token(kind: str, *values: Any) -> str:  # noqa: ANN401  # JSON scalars
    """Return a token for these values."""
    raw = json.dumps([kind, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def open_token(kind: str, token: str, length: int) -> list[Any]:
    """Return the values of a token of this kind, or raise `CursorInvalidError`."""
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorInvalidError(token=token[:40]) from error
    if not isinstance(values, list) or values[:1] != [kind] or len(values) != length + 1:
        raise CursorInvalidError(token=token[:40])
    return values[1:]
