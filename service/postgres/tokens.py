"""Opaque page tokens and cursors: what they hold is ours alone, and is checked when it returns."""

import base64
import json
from datetime import datetime
from typing import Any, Final

from service.domain.errors import CursorInvalidError
from service.postgres.moments import from_text

# What a bigint column holds; PostgreSQL refuses to compare it with more.
_LARGEST: Final = 2**63 - 1


def make_token(kind: str, *values: Any) -> str:  # noqa: ANN401  # JSON scalars
    """Return a token for these values."""
    raw = json.dumps([kind, *values], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def open_token(kind: str, token: str, *types: type) -> list[Any]:
    """Return the values of a token of this kind: each an int, a str, or a datetime from its text.

    Raises:
        CursorInvalidError: it is of another kind, or was not made here.
    """
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        held = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return _values(held, kind, types)
    # Anybody may send anything: each of these is what some sequence of bytes comes to.
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CursorInvalidError(token=token[:40]) from error


def _values(held: object, kind: str, types: tuple[type, ...]) -> list[Any]:
    if not isinstance(held, list) or held[:1] != [kind]:
        raise TypeError(held)
    return [_value(value, wanted) for value, wanted in zip(held[1:], types, strict=True)]


def _value(value: object, wanted: type) -> object:
    if wanted is int and type(value) is int and abs(value) <= _LARGEST:
        return value
    # No text column holds a NUL.
    if wanted in {str, datetime} and isinstance(value, str) and "\0" not in value:
        return value if wanted is str else from_text(value)
    raise TypeError(value)
